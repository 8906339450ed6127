"""The only door to the time of day. Everything that needs the time is handed a ``Clock`` or a ``now``."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the epoch, UTC, with fractions."""

Stopwatch = Callable[[], float]
"""Seconds on a clock that never goes back; only differences mean something."""

system_clock: Clock = time.time
system_stopwatch: Stopwatch = time.perf_counter


class ManualClock:
    """A clock that stands still until it is moved: for tests."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
