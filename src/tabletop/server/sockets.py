"""Listening sockets: opened before anything else, so that a port in use is said in one line."""

from __future__ import annotations

import errno
import os
import socket

from tabletop.base.errors import StartupError
from tabletop.server.state import registered_at

BACKLOG = 4096


def open_sockets(host: str, port: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """Bind and listen; one socket per address of ``host``, all on one port. Raises StartupError.

    ``localhost`` is both 127.0.0.1 and ::1, because clients differ in which they try; a machine without IPv6 gets the
    first only. Port 0 takes a free one. ``reuse_port`` allows further sockets of ours on the same port, but still
    refuses a port on which somebody else listens.
    """
    if reuse_port and port:
        # With SO_REUSEPORT the kernel would let a second server of this user share the port in silence.
        _close(open_sockets(host, port))
    opened: list[socket.socket] = []
    try:
        for family, address in _addresses(host):
            try:
                opened.append(_open(family, address, port, reuse_port))
            except OSError as error:
                if opened and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    continue
                raise
            port = opened[0].getsockname()[1]
    except OSError as error:
        _close(opened)
        raise StartupError(_explain(error, host, port)) from error
    except BaseException:
        _close(opened)
        raise
    return opened


def share_port(sockets: list[socket.socket]) -> list[socket.socket]:
    """A second set of sockets on the ports of the first, which was opened with ``reuse_port``."""
    return [_open(first.family, first.getsockname()[0], first.getsockname()[1], True) for first in sockets]


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host == "localhost":
        return (
            [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
            if socket.has_ipv6
            else [(socket.AF_INET, "127.0.0.1")]
        )
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise StartupError(f"the host {host} is not an address of this machine: {error.strerror}") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open(family: socket.AddressFamily, address: str, port: int, reuse_port: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        ours = registered_at(port)
        who = f"Tabletop (process {ours.pid}, data in {ours.directory})" if ours else "another program"
        how = f"`tabletop stop --port {port}`" if ours else "stop it"
        return f"port {port} of {host} is in use by {who}; {how}, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} needs privileges that this user lacks; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"the host {host} is not an address of this machine"
    return f"port {port} of {host} cannot be opened: {os.strerror(error.errno or 0)}"
