"""The only door to the time of day. Everything that needs the time is handed a ``Clock`` or a ``now``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the epoch, UTC, with fractions."""

Stopwatch = Callable[[], float]
"""Seconds on a clock that never goes back; only differences mean something."""

SHIFT_VARIABLE = "TABLETOP_CLOCK_SHIFT"
"""Names a file with the seconds by which the time of day is wrong; read at each look at the clock. For tests of clocks that
jump: without it the clock is the system's, and costs what that costs."""


def _shifted(path: str) -> Clock:
    def clock() -> float:
        try:
            with open(path) as file:
                shift_s = float(file.read() or 0)
        except (OSError, ValueError):
            shift_s = 0.0
        return time.time() + shift_s

    return clock


system_clock: Clock = _shifted(os.environ[SHIFT_VARIABLE]) if SHIFT_VARIABLE in os.environ else time.time
system_stopwatch: Stopwatch = time.perf_counter


class ManualClock:
    """A clock that stands still until it is moved: for tests."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
