"""A worker process: ``python -m tabletop.server.worker ORDER``, started by ``workers`` and nobody else."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

from tabletop.base import log
from tabletop.base.errors import StartupError
from tabletop.base.limits import STOP_IDLE_GRACE_S
from tabletop.server.build import build
from tabletop.server.listener import listen, serve_sockets
from tabletop.server.main import run_loop, settle_memory
from tabletop.server.relay import Relay, split
from tabletop.server.workers import READY, WorkerOrder, order_from_json


async def _work(order: WorkerOrder, listening: list[socket.socket], lifeline: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    settings = order.settings
    ssl = None
    if settings.secure:
        from tabletop.server.tls import server_context

        ssl = server_context(settings.tls_certificate, settings.tls_key, order.directory)
    application = await build(
        settings, order.directory, durable=not settings.in_memory, role="worker", address=order.address, listen=listen
    )
    try:
        listener = await serve_sockets(split(application.handler, Relay(order.relay_path)), listening, ssl=ssl)
        await application.start()
        settle_memory()
        lifeline.setblocking(False)
        # The parent never writes: a readable lifeline is a closed one, and then nobody supervises any more.
        loop.add_reader(lifeline, stopping.set)
        await loop.sock_sendall(lifeline, READY)
        await stopping.wait()
        loop.remove_reader(lifeline)
        await listener.close(idle_grace_s=STOP_IDLE_GRACE_S)
    finally:
        await application.close()


def main() -> int:
    order, listening, lifeline = order_from_json(sys.argv[1])
    log.configure(order.settings.log_level, as_json=order.settings.log_format == "json")
    try:
        run_loop(_work(order, listening, lifeline))
    except StartupError as error:
        print(f"tabletop: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
