"""What all connections of one listener share: their set, the coarse time, bounds, the Date line.

One sweep a second looks at every connection's time limits and renews the Date line. A timer per request would cost more
than the request's parsing; limits of many seconds need no finer clock.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.files import can_open_files
from tabletop.base.limits import READ_SLICE_BYTES, RUNNING_BODY_BYTES, HttpLimits
from tabletop.base.log import Log
from tabletop.server.http_answers import common_headers
from tabletop.server.turns import Turn
from tabletop.wire.http import Sinks

SWEEP_INTERVAL_S = 1.0

_log = Log("server.http")


class Connection(Protocol):
    """What a listener needs of an ``HttpProtocol``."""

    progress_at: float

    @property
    def idle(self) -> bool: ...

    @property
    def unread_bytes(self) -> int: ...

    def check_time(self, now: float) -> None: ...

    def end(self) -> None: ...

    def abort(self) -> None: ...


class Connections:
    """``now`` is in seconds of the stopwatch and up to a sweep's interval old."""

    def __init__(
        self,
        limits: HttpLimits | None = None,
        *,
        sinks: Sinks | None = None,
        turn: Turn | None = None,
        clock: Clock = system_clock,
        stopwatch: Stopwatch = system_stopwatch,
    ) -> None:
        self.limits = limits = limits or HttpLimits()
        self.sinks = sinks
        self.turn = turn or Turn()
        self.plain_bytes_max = 0 if sinks is not None else _plain_bytes_max(limits)
        """How long a request may be to be read by ``http_plain``: within every bound of its parts."""
        self.live: set[Connection] = set()
        self.bodies_bytes = 0
        self.running_bytes = 0
        """Of the bodies of requests that are awaited."""
        self._full = False
        self._descriptors_said = False
        """What is said once, until it is over."""
        self.draining = False
        """A graceful stop has begun: every answer closes its connection."""
        self._clock = clock
        self._stopwatch = stopwatch
        self._timer: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None
        self.now = stopwatch()
        self.common_headers = common_headers(clock())

    def add(self, connection: Connection) -> bool:
        """False when there are too many: the connection is kept, for its refusal to be read, but must not serve."""
        if self._timer is None:
            self._refresh()
            self._schedule()
        self.live.add(connection)
        if len(self.live) <= self.limits.connections_max:
            return True
        if not self._full:
            self._full = True
            _log.warning("connections are refused: there are too many", connections_max=self.limits.connections_max)
        return False

    def remove(self, connection: Connection) -> None:
        self.live.discard(connection)
        if not self.live and self._emptied is not None:
            self._emptied.set()

    def sweep(self) -> None:
        """Renew the time and end what is overdue."""
        self._refresh()
        self.turn.work()
        for connection in tuple(self.live):
            connection.check_time(self.now)
        self._cut_slow_readers()
        if len(self.live) <= self.limits.connections_max:
            self._full = False
        # An accept that fails for want of a descriptor is told to nobody but the client.
        if can_open_files():
            self._descriptors_said = False
        elif not self._descriptors_said:
            self._descriptors_said = True
            _log.error("no file can be opened: connections are cut until others end; raise the limit (ulimit -n)")

    def _cut_slow_readers(self) -> None:
        """Bound what waits in memory for clients to read it."""
        unread = [
            (connection.progress_at, size, connection) for connection in self.live if (size := connection.unread_bytes)
        ]
        excess = sum(size for _, size, _ in unread) - self.limits.unread_bytes_max
        if excess <= 0:
            return
        unread.sort(key=lambda row: row[0])
        cut = 0
        for _, size, connection in unread:
            if excess <= 0:
                break
            connection.abort()
            excess -= size
            cut += 1
        _log.warning("clients that do not read their answers were cut", connections=cut)

    async def drain(self, *, idle_grace_s: float, timeout_s: float) -> None:
        """Let running requests finish for ``timeout_s``, idle ones go after ``idle_grace_s``; then cut the rest."""
        self.draining = True
        self._emptied = asyncio.Event()
        if not self.live:
            return
        if not await self._wait_until_empty(idle_grace_s):
            self.turn.work()
            for connection in tuple(self.live):
                if connection.idle:
                    connection.end()
            if not await self._wait_until_empty(timeout_s):
                for connection in tuple(self.live):
                    connection.abort()
                await self._wait_until_empty(1.0)

    async def _wait_until_empty(self, timeout_s: float) -> bool:
        assert self._emptied is not None
        try:
            await asyncio.wait_for(self._emptied.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _refresh(self) -> None:
        self.now = self._stopwatch()
        self.common_headers = common_headers(self._clock())

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SWEEP_INTERVAL_S, self._tick)

    def _tick(self) -> None:
        # An idle server sleeps: the timer runs only while somebody is connected.
        self._timer = None
        if self.live:
            self.sweep()
            self._schedule()


def _plain_bytes_max(limits: HttpLimits) -> int:
    return min(
        limits.head_bytes_max,
        limits.body_bytes_max,
        limits.dynamodb_body_bytes_max,
        READ_SLICE_BYTES,
        RUNNING_BODY_BYTES,
    )
