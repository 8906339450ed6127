"""One turn of the event loop, for all connections of a listener: first everything is read, then worked on, then answered.

Each of the three keeps the processor's caches for itself. And a client that was asleep is woken by the first of many
answers, not by each: with a client on the same machine that is a third of what a small request costs.

No request waits for another turn, nor an answer for longer than ``ANSWERS_WAIT_S`` after it is ready: a turn of slow
requests is answered piece by piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tabletop.base.clock import Stopwatch, system_stopwatch
from tabletop.base.limits import READ_SLICE_BYTES, WRITE_COALESCE_BYTES
from tabletop.base.log import Log

READS_MAX = 64
"""With ``READ_SLICE_BYTES`` it bounds what is held of a turn: a longer read is worked on at once."""
ANSWERS_WAIT_S = 0.001

_log = Log("server.http")


class TurnConnection(Protocol):
    """What a turn needs of an ``HttpProtocol``."""

    out: list[bytes]

    def work(self, data: bytes) -> None: ...
    def flush(self) -> None: ...
    def abort(self) -> None: ...


def _soon(run: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(run)


class Turn:
    """Collects what connections have read and what they have to write. ``later`` runs a function when all is read."""

    __slots__ = ("_answered", "_answers_bytes", "_later", "_reads", "_stopwatch")

    def __init__(
        self, later: Callable[[Callable[[], None]], None] = _soon, *, stopwatch: Stopwatch = system_stopwatch
    ) -> None:
        self._later = later
        self._stopwatch = stopwatch
        self._reads: list[tuple[TurnConnection, bytes]] = []
        self._answered: list[TurnConnection] = []
        self._answers_bytes = 0

    def read(self, connection: TurnConnection, data: bytes) -> None:
        """``data`` has come for ``connection``, which works on it when the turn has read all; or now, if that is much."""
        reads = self._reads
        reads.append((connection, data))
        if len(data) > READ_SLICE_BYTES or len(reads) >= READS_MAX:
            self.work()
        elif len(reads) == 1:
            self._later(self.work)

    def answer(self, connection: TurnConnection, size_bytes: int) -> None:
        """``connection`` has ``size_bytes`` in ``out`` that may wait for the turn's end."""
        answered = self._answered
        answered.append(connection)
        self._answers_bytes += size_bytes
        if self._answers_bytes > WRITE_COALESCE_BYTES:
            self.write()
        elif len(answered) == 1:
            self._later(self.write)

    def work(self) -> None:
        """Work on all that was read, and write what was answered."""
        if not self._reads:
            return
        reads, self._reads = self._reads, []
        stopwatch = self._stopwatch
        since = stopwatch()
        for connection, data in reads:
            try:
                connection.work(data)
            except Exception as error:
                # Of one connection; the others of the turn know nothing of it.
                _log.error("a connection failed", error=error)
                connection.abort()
            now = stopwatch()
            if now - since > ANSWERS_WAIT_S:
                self.write()
                since = now
        self.write()

    def write(self) -> None:
        """Write what waits. Connections that have written it already, or are gone, have nothing in ``out``."""
        if not self._answered:
            return
        answered, self._answered = self._answered, []
        self._answers_bytes = 0
        for connection in answered:
            if connection.out:
                try:
                    connection.flush()
                except Exception as error:
                    _log.error("a connection failed", error=error)
                    connection.abort()
