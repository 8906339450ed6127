"""A place where clients connect: sockets, their connections, and the graceful end of both."""

from __future__ import annotations

import asyncio
import ssl as tls
from pathlib import Path
from socket import socket
from types import TracebackType

from tabletop.base.files import open_files_max
from tabletop.base.limits import (
    CONNECTIONS_MAX,
    CONNECTIONS_MIN,
    FILES_RESERVED,
    STOP_IDLE_GRACE_S,
    STOP_TIMEOUT_S,
    HttpLimits,
)
from tabletop.server.connections import Connections
from tabletop.server.http_protocol import HttpProtocol
from tabletop.server.sockets import BACKLOG, open_sockets
from tabletop.wire.http import Handler, Sinks


class Listener:
    """Serves until ``close``. Also an async context manager."""

    def __init__(self, servers: list[asyncio.Server], connections: Connections, port: int) -> None:
        self.port = port
        """The TCP port, also when 0 was asked for; 0 for a Unix socket."""
        self.connections = connections
        self._servers = servers

    async def close(self, *, idle_grace_s: float = 0.0, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Accept nobody any more, let running requests finish, cut what runs longer than ``timeout_s``.

        ``idle_grace_s`` gives kept-alive clients that are just sending a request the time for it to arrive.
        """
        for server in self._servers:
            server.close()
        await self.connections.drain(idle_grace_s=idle_grace_s, timeout_s=timeout_s)

    async def __aenter__(self) -> Listener:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(idle_grace_s=STOP_IDLE_GRACE_S)


async def listen(
    handler: Handler,
    host: str,
    port: int,
    *,
    ssl: tls.SSLContext | None = None,
    reuse_port: bool = False,
    limits: HttpLimits | None = None,
    sinks: Sinks | None = None,
) -> Listener:
    """Serve ``handler`` at ``host``:``port`` (0: any free one). Raises StartupError when that cannot be had.

    No time limit runs while a handler awaits: peers may poll as long as they like.
    """
    sockets = open_sockets(host, port, reuse_port=reuse_port)
    return await serve_sockets(handler, sockets, ssl=ssl, limits=limits, sinks=sinks)


async def serve_sockets(
    handler: Handler,
    sockets: list[socket],
    *,
    ssl: tls.SSLContext | None = None,
    limits: HttpLimits | None = None,
    sinks: Sinks | None = None,
) -> Listener:
    """Serve on sockets that listen already; they belong to the listener from now on."""
    loop = asyncio.get_running_loop()
    connections = Connections(limits or _limits(), sinks=sinks)
    port = sockets[0].getsockname()[1]
    servers = [
        await loop.create_server(lambda: HttpProtocol(handler, connections), sock=each, ssl=ssl, backlog=BACKLOG)
        for each in sockets
    ]
    return Listener(servers, connections, port)


def _limits() -> HttpLimits:
    """No more connections than this process may have open files: what is refused is told so, what cannot be accepted is not."""
    files = open_files_max() - FILES_RESERVED
    return HttpLimits(connections_max=max(CONNECTIONS_MIN, min(CONNECTIONS_MAX, files)))


async def listen_unix(handler: Handler, path: Path, *, limits: HttpLimits | None = None) -> Listener:
    """Serve on a Unix socket; its directory must keep others out."""
    connections = Connections(limits)
    path.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: HttpProtocol(handler, connections), str(path), backlog=BACKLOG
    )
    return Listener([server], connections, 0)
