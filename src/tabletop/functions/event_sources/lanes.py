"""One lane: changes in order, made into batches, and what becomes of each batch. Pure: the time is handed in.

``next`` tells what to do, and the caller tells back how it went:

    Call      invoke the function with the batch, then ``answered``, ``failed`` or ``refused``
    GiveUp    report the batch to the on-failure destination, then ``given_up``
    Rest      nothing until that time, or until a change is offered

Batches lie on a stack: a batch that is split is replaced by its halves, the earlier one on top, so that the order is
kept. ``position`` is the sequence number before which all is done: what a checkpoint keeps.

A function's error: the batch is split, if that is wanted and it holds more than one change; else it is tried again with growing
waits until its retries are used up. As AWS has it, neither a split nor a call that never reached the function uses up
a retry. A partial failure that made progress starts the count of the rest anew, with one failure (inferred).

Tumbling windows: a change belongs to the window in which it was made; a batch belongs to one window. The window's last call
("final") comes when a later change has been read, when its time is over, or when the shard has ended.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from tabletop.functions.event_sources import rules as bounds
from tabletop.functions.event_sources.events import Change
from tabletop.functions.event_sources.responses import Verdict
from tabletop.functions.event_sources.rules import Rules, delay_s

_FRAME_BYTES = 4096
"""Kept free in an event for what is around its records."""
EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


@dataclass(slots=True)
class Window:
    """``start`` in seconds since the epoch. ``state`` is what the function answered last."""

    start: int
    state: dict[str, Any] = field(default_factory=dict)
    state_bytes: int = 2


@dataclass(slots=True)
class Batch:
    changes: tuple[Change, ...]
    window: Window | None = None
    final: bool = False
    """The last call of its window."""
    early: bool = False
    """Its window ended because its state had grown too large."""
    failures: int = 0
    refusals: int = 0
    calls: int = 0
    due: float = 0.0
    condition: str = ""
    """Why it is given up; "" while it is tried."""
    last_error: str = ""
    """FunctionError of the last call."""


@dataclass(frozen=True, slots=True)
class Call:
    batch: Batch


@dataclass(frozen=True, slots=True)
class GiveUp:
    batch: Batch


@dataclass(frozen=True, slots=True)
class Rest:
    until: float | None


class Lane:
    """``position`` is the first sequence number that is not done; ``window`` the one that was open there."""

    def __init__(self, rules: Rules, *, position: int, window: Window | None = None) -> None:
        self._rules = rules
        self._queue: deque[Change] = deque()
        self._batches: list[Batch] = []
        self._gathering_since = 0.0
        self._read_through = position - 1
        self.window = window
        self.ended = False
        """The shard is closed and read to its end."""
        self.queued_bytes = 0

    @property
    def position(self) -> int:
        for batch in reversed(self._batches):
            if batch.changes:
                return batch.changes[0].sequence
        return self._queue[0].sequence if self._queue else self._read_through + 1

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def spent(self) -> bool:
        """Nothing is left to do before more is read."""
        return not self._batches and not self._queue and (self.window is None or not self.ended)

    def offer(self, change: Change, now: float) -> None:
        """A change that passed the filter; those before ``position`` are done already and passed over."""
        if change.sequence <= self._read_through:
            return
        if not self._queue:
            self._gathering_since = now
        self._queue.append(change)
        self.queued_bytes += len(change.body)
        self._read_through = change.sequence

    def read_to(self, sequence: int) -> None:
        """Everything up to this sequence number has been read, and offered if it was for this lane."""
        self._read_through = max(self._read_through, sequence)

    def next(self, now: float) -> Call | GiveUp | Rest:
        if not self._batches:
            gathered = self._gather(now)
            if isinstance(gathered, Rest):
                return gathered
            self._batches.append(gathered)
        batch = self._batches[-1]
        if not batch.condition:
            self._part_old(batch, now)
            batch = self._batches[-1]
        # What is due later than any delay explains was put off before the clock was put back.
        if now < batch.due <= now + bounds.RETRY_DELAY_S_MAX:
            return Rest(batch.due)
        return GiveUp(batch) if batch.condition else Call(batch)

    def answered(self, verdict: Verdict, now: float) -> None:
        """The function was called without function error."""
        batch = self._batches[-1]
        if verdict.first_failed == 0:
            self.failed(now)
            return
        self._keep_state(batch, verdict)
        if verdict.first_failed is None:
            self._finish(batch)
            return
        batch.changes = batch.changes[verdict.first_failed :]
        batch.failures = 0
        self._count_failure(batch, now)

    def failed(self, now: float) -> None:
        """The function was called and failed with the whole batch."""
        batch = self._batches[-1]
        if self._rules.bisect and len(batch.changes) > 1:
            middle = len(batch.changes) // 2
            self._split(batch, middle)
        else:
            self._count_failure(batch, now)

    def refused(self, now: float) -> None:
        """The function, or the destination of a report, could not be called."""
        batch = self._batches[-1]
        batch.refusals += 1
        batch.due = now + delay_s(batch.refusals, bounds.REFUSAL_DELAY_S, bounds.REFUSAL_DELAY_S_MAX)

    def given_up(self) -> None:
        """The batch has been reported."""
        self._finish(self._batches[-1])

    def _count_failure(self, batch: Batch, now: float) -> None:
        batch.failures += 1
        batch.refusals = 0
        if 0 <= self._rules.retries_max < batch.failures:
            batch.condition, batch.due = EXHAUSTED, now
        else:
            batch.due = now + delay_s(batch.failures, bounds.RETRY_DELAY_S, bounds.RETRY_DELAY_S_MAX)

    def _split(self, batch: Batch, middle: int) -> None:
        first = Batch(batch.changes[:middle], batch.window, failures=batch.failures, calls=batch.calls)
        first.last_error = batch.last_error
        batch.changes = batch.changes[middle:]
        self._batches.append(first)

    def _part_old(self, batch: Batch, now: float) -> None:
        """Put the changes at the head that are too old on top, as a batch that is given up."""
        old = 0
        for change in batch.changes:
            if now - change.made_s <= self._rules.age_s_max:
                break
            old += 1
        if old and (old < len(batch.changes) or batch.final):
            # The window's last call takes place even if all its changes are gone.
            self._split(batch, old)
        if old:
            self._batches[-1].condition, self._batches[-1].due = TOO_OLD, now

    def _finish(self, batch: Batch) -> None:
        self._batches.pop()
        if batch.final:
            self.window = None

    def _keep_state(self, batch: Batch, verdict: Verdict) -> None:
        if batch.window is not None:
            batch.window.state = verdict.state
            batch.window.state_bytes = len(orjson.dumps(verdict.state))

    def _gather(self, now: float) -> Batch | Rest:
        window, closes, over = self._open_window(), None, False
        if window is not None:
            if window.state_bytes > bounds.STATE_BYTES_MAX:
                return Batch((), window, final=True, early=True)
            closes = window.start + self._rules.tumbling_window_s
            over = self.ended or now >= closes + bounds.WINDOW_GRACE_S
            if not self._queue:
                return Batch((), window, final=True) if over else Rest(closes + bounds.WINDOW_GRACE_S)
            if self._queue[0].made_s >= closes:
                return Batch((), window, final=True)
        elif not self._queue:
            return Rest(None)
        count, complete, crossed = self._measure(window, closes)
        self._gathering_since = min(self._gathering_since, now)
        since = self._gathering_since + self._rules.batching_window_s
        late = since if closes is None else min(since, closes + bounds.WINDOW_GRACE_S)
        if not complete and not self.ended and now < late:
            return Rest(late)
        changes = tuple(self._queue.popleft() for _ in range(count))
        self.queued_bytes -= sum(len(change.body) for change in changes)
        self._gathering_since = now
        final = window is not None and (crossed or (not self._queue and over))
        return Batch(changes, window, final=final)

    def _open_window(self) -> Window | None:
        width = self._rules.tumbling_window_s
        if width == 0:
            self.window = None
        elif self.window is None and self._queue:
            self.window = Window(int(self._queue[0].made_s // width) * width)
        return self.window

    def _measure(self, window: Window | None, closes: float | None) -> tuple[int, bool, bool]:
        """(changes that the next batch may take, whether it can take no more, whether a later window has begun)."""
        room = bounds.PAYLOAD_BYTES_MAX - _FRAME_BYTES - (window.state_bytes if window is not None else 0)
        count = 0
        for change in self._queue:
            if closes is not None and change.made_s >= closes:
                return count, True, True
            room -= len(change.body) + 1
            if count == self._rules.batch_items_max or (room < 0 and count):
                return count, True, False
            count += 1
        return count, count == self._rules.batch_items_max, False
