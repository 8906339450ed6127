"""How much of the machine background work takes: all of it while nobody else asks for anything, else small steps and rests.

A step holds the write lock, and without durability the event loop: a request that comes meanwhile waits for its end. So
while requests come in, a step is made so small that its plan takes about a millisecond (some more where a thread runs it,
beside the event loop), and is followed by a rest as long as all of the step took, the wait for its commit included.

A rest is never long: expiry and retention must keep up with clients that write without end.
"""

from __future__ import annotations

from collections.abc import Callable

BUSY_STEP_S = 0.001
"""What the plan of a step may take while requests come in: about as long as a Scan page of 1 MB."""
BUSY_STEP_BESIDE_S = 0.003
"""The same where a thread runs it: the store lets the event loop go on between any two rows."""
IDLE_STEP_S = 0.010
REST_S_MAX = 0.01
BUSY_FOR_S = 1.0
"""How long a request counts: with a few in a second, each of them would otherwise meet a large step."""
ITEMS_MIN = 16
ITEMS_MAX = 1000


class Pace:
    """``requests`` counts what this process was asked, ever; None where others serve, of whose load it knows nothing."""

    def __init__(self, requests: Callable[[], int] | None, busy_step_s: float = BUSY_STEP_S) -> None:
        self._busy_step_s = busy_step_s
        self._requests = requests
        self._seen = 0
        self._busy_until_s = 0.0
        self.items_max = ITEMS_MAX
        """How many rows the next step may look at."""

    def rest_after(self, plan_s: float, step_s: float, now_s: float) -> float:
        """Seconds to rest after a step whose plan took ``plan_s``, and which took ``step_s`` with its commit.

        ``now_s`` is the stopwatch's.
        """
        busy = self._is_busy(now_s)
        aim_s = self._busy_step_s if busy else IDLE_STEP_S
        # Never more than twice the rows at once: a step may have found little to do.
        grown = self.items_max * min(2.0, aim_s / max(plan_s, 1e-6))
        self.items_max = max(ITEMS_MIN, min(ITEMS_MAX, int(grown)))
        return min(step_s, REST_S_MAX) if busy else 0.0

    def _is_busy(self, now_s: float) -> bool:
        if self._requests is None:
            return True
        before, self._seen = self._seen, self._requests()
        if self._seen != before:
            self._busy_until_s = now_s + BUSY_FOR_S
        return now_s < self._busy_until_s
