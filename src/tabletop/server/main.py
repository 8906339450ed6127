"""From settings to a running server, and its orderly end.

    lock the data directory -> open the port -> open the store and wire the services -> serve -> say so
    SIGTERM or SIGINT -> accept no more -> answer what runs -> stop background work -> close the store -> exit 0

With ``workers`` over 1 this process is the control process: it opens the port for the workers, and they serve.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import Any

from tabletop import __version__
from tabletop.base import log
from tabletop.base.clock import system_clock
from tabletop.base.errors import StartupError
from tabletop.base.files import HeldFile, raise_open_files_limit, remove_directory, temporary_directory
from tabletop.base.limits import STOP_IDLE_GRACE_S
from tabletop.base.settings import Settings
from tabletop.server.build import build
from tabletop.server.listener import listen, listen_unix, serve_sockets
from tabletop.server.relay import trusting
from tabletop.server.sockets import open_sockets
from tabletop.server.state import ServerState, hold_data_directory, register
from tabletop.server.workers import Supervisor, WorkerOrder

GC_THRESHOLDS = (20_000, 20, 50)
"""Few requests make reference cycles, so rare collections do. No difference with a constant answer; it is the large
heap of loaded service models that this and ``gc.freeze`` keep out of every full collection."""


def run(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Serve until told to stop; then return. Raises StartupError where it cannot start."""
    log.configure(settings.log_level, as_json=settings.log_format == "json")
    raise_open_files_limit()
    private = None
    if settings.directory is None or settings.workers > 1:
        with disk_faults_stop_the_start():
            private = temporary_directory()
    try:
        if settings.directory is None:
            assert private is not None
            directory, held = private
        else:
            directory = settings.directory
            try:
                held = hold_data_directory(directory)
            except StartupError as error:
                raise StartupError(f"{error}; choose another directory with --data") from error
        try:
            run_loop(_serve(settings, directory, held, private[0] if private else None, announce))
        finally:
            held.release()
    finally:
        if private is not None:
            remove_directory(private[0])
            private[1].release()


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        with asyncio.Runner() as runner:
            runner.run(main)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)


@contextmanager
def disk_faults_stop_the_start() -> Iterator[None]:
    """A full or failing disk while starting is the world's fault: a line for the user, not a traceback."""
    try:
        yield
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise StartupError(f"cannot start: {error.strerror or error}{where}") from error


def settle_memory() -> None:
    """After start: what lives now lives until the end, and need not be walked by every collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def stop_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; a second one ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return stopping


async def _serve(
    settings: Settings, directory: Path, held: HeldFile, private: Path | None, announce: Callable[[str], None]
) -> None:
    stopping = stop_signals()
    state = ServerState(
        pid=os.getpid(),
        started=system_clock(),
        version=__version__,
        directory=str(directory),
        in_memory=settings.in_memory,
        workers=settings.workers,
        region=settings.region,
        auth=settings.auth,
    )
    with disk_faults_stop_the_start():
        held.write(state.to_json())
        ssl = _ssl(settings, directory)
    sockets = open_sockets(settings.host, settings.port, reuse_port=settings.workers > 1)
    try:
        port = sockets[0].getsockname()[1]
        address = f"{'https' if settings.secure else 'http'}://{_host_to_use(settings.host)}:{port}"
        with disk_faults_stop_the_start():
            application = await build(
                settings,
                directory,
                durable=not settings.in_memory,
                role="control" if settings.workers > 1 else "whole",
                address=address,
                listen=listen,
            )
    except BaseException:
        _close(sockets)
        raise
    try:
        if settings.workers > 1:
            assert private is not None
            relay_path = private / "relay"
            listener = await listen_unix(trusting(application.handler), relay_path)
            order = WorkerOrder(settings, directory, address, relay_path)
            supervisor = Supervisor(order, sockets)
            await supervisor.start()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.reload)
        else:
            supervisor = None
            listener = await serve_sockets(application.handler, sockets, ssl=ssl)
        found = await application.start()
        settle_memory()
        if application.notice:
            # Before anybody who waits for the server is told that it is ready.
            announce(application.notice)
        held.write(replace(state, address=address, port=port).to_json())
        with disk_faults_stop_the_start():
            note = register(directory, port)
        announce(_start_line(settings, address, found))
        await stopping.wait()
        note.unlink(missing_ok=True)
        if supervisor is not None:
            await supervisor.stop()
        await listener.close(idle_grace_s=0.0 if supervisor else STOP_IDLE_GRACE_S)
    finally:
        _close(sockets)
        await application.close()


def _ssl(settings: Settings, directory: Path) -> Any:
    if not settings.secure:
        return None
    from tabletop.server.tls import server_context

    return server_context(settings.tls_certificate, settings.tls_key, directory)


def _start_line(settings: Settings, address: str, found: str) -> str:
    where = "in memory, gone when it stops" if settings.directory is None else f"data in {settings.directory}"
    workers = f", {settings.workers} workers" if settings.workers > 1 else ""
    return f"Tabletop {__version__}: {where}{f' ({found})' if found else ''}{workers}. Ready at {address}"


def _host_to_use(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _close(sockets: list[socket]) -> None:
    for each in sockets:
        each.close()
