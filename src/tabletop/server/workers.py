"""The workers' parent: starts them, restarts those that die, replaces them one by one, and stops them.

Each worker is a fresh interpreter. It gets its own listening sockets on the common port (SO_REUSEPORT: the kernel
deals out connections), opened by this process and kept open here, so that connections which arrive while a worker is
replaced wait in the queue of its socket instead of being refused. A socket pair joins parent and worker: the worker
writes one byte when it serves, and stops when the other end closes, so that no worker outlives its parent.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tabletop.base.errors import StartupError
from tabletop.base.limits import READINESS_TIMEOUT_S, STOP_TIMEOUT_S, WORKER_RESTART_DELAY_S_MAX
from tabletop.base.log import Log
from tabletop.base.settings import Settings, settings_from_json
from tabletop.server.sockets import share_port

log = Log("server.workers")

_FIRST_RESTART_DELAY_S = 0.1
_HEALTHY_S = 10.0
READY = b"r"


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """All that a worker needs to know; it travels on its command line."""

    settings: Settings
    directory: Path
    address: str
    relay_path: Path

    def to_json(self, listening: list[int], lifeline: int) -> str:
        return json.dumps(
            {
                "settings": self.settings.to_json(),
                "directory": str(self.directory),
                "address": self.address,
                "relay_path": str(self.relay_path),
                "listening": listening,
                "lifeline": lifeline,
            }
        )


def order_from_json(text: str) -> tuple[WorkerOrder, list[socket.socket], socket.socket]:
    """The order, the listening sockets and the lifeline, in the worker."""
    row = json.loads(text)
    order = WorkerOrder(
        settings_from_json(row["settings"]), Path(row["directory"]), row["address"], Path(row["relay_path"])
    )
    listening = [socket.socket(fileno=descriptor) for descriptor in row["listening"]]
    return order, listening, socket.socket(fileno=row["lifeline"])


class Supervisor:
    """Keeps ``settings.workers`` workers running. ``sockets`` are those of the first; they stay the caller's."""

    def __init__(self, order: WorkerOrder, sockets: list[socket.socket]) -> None:
        self._slots = [
            _Slot(number, order, sockets if number == 0 else share_port(sockets))
            for number in range(order.settings.workers)
        ]
        self._reloading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when all workers serve. Raises StartupError when one cannot."""
        try:
            await asyncio.gather(*(slot.start() for slot in self._slots))
        except BaseException:
            await self.stop()
            raise

    def reload(self) -> None:
        """Replace the workers one after the other, each when its successor serves. Returns at once."""
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        for slot in self._slots:
            await slot.replace()

    async def stop(self) -> None:
        """Stop all workers; those that do not end in time are killed."""
        if self._reloading is not None:
            self._reloading.cancel()
        await asyncio.gather(*(slot.stop() for slot in self._slots))

    @property
    def pids(self) -> list[int]:
        return [slot.worker.pid for slot in self._slots if slot.worker is not None]


class _Slot:
    """One worker's place: its sockets, and the process that serves them now."""

    def __init__(self, number: int, order: WorkerOrder, sockets: list[socket.socket]) -> None:
        self.worker: _Worker | None = None
        self._number = number
        self._order = order
        self._sockets = sockets
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        """Held while the place's process is exchanged: a restart and a reload at once would leave one too many."""

    async def start(self) -> None:
        self.worker = await _spawn(self._order, self._sockets)
        self._watch = asyncio.get_running_loop().create_task(self._restart_when_dead())

    async def replace(self) -> None:
        async with self._changing:
            try:
                successor = await _spawn(self._order, self._sockets)
            except StartupError as error:
                log.error("a worker could not be replaced", worker=self._number, reason=str(error))
                return
            before, self.worker = self.worker, successor
        if before is not None:
            await before.stop()

    async def stop(self) -> None:
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        if self.worker is not None:
            await self.worker.stop()
        if self._number:
            for each in self._sockets:
                each.close()

    async def _restart_when_dead(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s = _FIRST_RESTART_DELAY_S
        while not self._stopping:
            worker = self.worker
            assert worker is not None
            since = loop.time()
            status = await worker.ended()
            if worker is not self.worker:
                continue
            log.error("a worker ended", worker=self._number, pid=worker.pid, status=status)
            delay_s = _FIRST_RESTART_DELAY_S if loop.time() - since > _HEALTHY_S else delay_s * 2
            while not self._stopping and self.worker is worker:
                await asyncio.sleep(min(delay_s, WORKER_RESTART_DELAY_S_MAX))
                delay_s = await self._restart(worker, delay_s)

    async def _restart(self, dead: _Worker, delay_s: float) -> float:
        """Put a new process in the place of a dead one, unless a reload has; how long to wait should it fail again."""
        async with self._changing:
            if self.worker is dead and not self._stopping:
                try:
                    self.worker = await _spawn(self._order, self._sockets)
                except StartupError as error:
                    log.error("a worker could not be restarted", worker=self._number, reason=str(error))
                    return min(delay_s * 2, WORKER_RESTART_DELAY_S_MAX)
        return delay_s


class _Worker:
    """One process and our end of its lifeline."""

    def __init__(self, process: subprocess.Popen[bytes], lifeline: socket.socket) -> None:
        self.pid = process.pid
        self._process = process
        self._lifeline = lifeline
        self._ended: asyncio.Future[int] | None = None

    async def ready(self) -> bool:
        """False when the worker ended instead."""
        return await asyncio.get_running_loop().sock_recv(self._lifeline, 1) == READY

    async def ended(self) -> int:
        """The exit status. The lifeline's end tells that it comes: no child watcher, no thread."""
        loop = asyncio.get_running_loop()
        if self._ended is None:
            self._ended = loop.create_task(self._reap())
        assert self._ended is not None
        return await asyncio.shield(self._ended)

    async def _reap(self) -> int:
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(self._lifeline, 1):
                pass
        except OSError:
            pass
        self._lifeline.close()
        return await loop.run_in_executor(None, self._process.wait)

    async def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), STOP_TIMEOUT_S + 2)
        except TimeoutError:
            log.error("a worker did not stop in time", pid=self.pid)
            self._process.kill()
            await self.ended()


async def _spawn(order: WorkerOrder, sockets: list[socket.socket]) -> _Worker:
    """A worker that serves. Raises StartupError."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    listening = [each.fileno() for each in sockets]
    # -P: what lies in the present directory is not imported in place of a library.
    command = [sys.executable, "-P", "-m", "tabletop.server.worker", order.to_json(listening, theirs.fileno())]
    # A session of its own: Ctrl-C in the terminal reaches the parent only, which stops the workers in order.
    process = subprocess.Popen(
        command, pass_fds=(*listening, theirs.fileno()), stdin=subprocess.DEVNULL, start_new_session=True
    )
    theirs.close()
    worker = _Worker(process, ours)
    try:
        served = await asyncio.wait_for(worker.ready(), READINESS_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        served = False
    if not served:
        status = await worker.ended()
        raise StartupError(f"a worker process could not start (exit status {status}); its reason is above")
    return worker
