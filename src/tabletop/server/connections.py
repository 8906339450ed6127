"""What all connections of one listener share: their set, the coarse time, bounds, the Date line.

One sweep a second looks at every connection's time limits and renews the Date line. A timer per request would cost more
than the request's parsing; limits of many seconds need no finer clock.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.limits import HttpLimits
from tabletop.server.http_answers import common_headers
from tabletop.wire.http import Sinks

SWEEP_INTERVAL_S = 1.0


class Connection(Protocol):
    """What a listener needs of an ``HttpProtocol``."""

    @property
    def idle(self) -> bool: ...

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
        clock: Clock = system_clock,
        stopwatch: Stopwatch = system_stopwatch,
    ) -> None:
        self.limits = limits or HttpLimits()
        self.sinks = sinks
        self.live: set[Connection] = set()
        self.bodies_bytes = 0
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
        return len(self.live) <= self.limits.connections_max

    def remove(self, connection: Connection) -> None:
        self.live.discard(connection)
        if not self.live and self._emptied is not None:
            self._emptied.set()

    def sweep(self) -> None:
        """Renew the time and end what is overdue."""
        self._refresh()
        for connection in tuple(self.live):
            connection.check_time(self.now)

    async def drain(self, *, idle_grace_s: float, timeout_s: float) -> None:
        """Let running requests finish for ``timeout_s``, idle ones go after ``idle_grace_s``; then cut the rest."""
        self.draining = True
        self._emptied = asyncio.Event()
        if not self.live:
            return
        if not await self._wait_until_empty(idle_grace_s):
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
