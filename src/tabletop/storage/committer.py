"""Group commit: plans run one after the other in one write transaction, and one fsync makes all of them durable.

The protocol of a group:

1. Begin the engine's only write transaction. Another process may have it: then this waits.
2. Take every plan that has arrived since the last group, while waiting too (at most ``GROUP_PLANS_MAX``).
3. Run each plan against it. What a plan raises is its own answer, and nothing of it is written; its batch is applied
   only when it returned, so the next plan sees it whole or not at all.
4. Add up the counters' amounts of all batches, and write each counter once.
5. Commit: the engine writes and syncs. A group that wrote nothing is not committed.
6. Only now hand out the answers, a refusal too: it may rest on what an earlier plan of the group wrote.

If step 3 to 5 meets a full map or disk, a failed sync or any other fault of the world, the whole group is rolled back
and every plan of it is answered with StorageUnavailable; reads go on. After a failed commit the store refuses
writes for some seconds and then tries again, in a way that rests on nothing that the failed one wrote (``recovery``).

Two drivers share that protocol. ``ThreadedCommitter`` (durable) runs groups in a thread of its own, so that the
event loop reads on and gathers the next group while the disk syncs. ``InlineCommitter`` (no durability asked) runs those of
one turn of the event loop at its end: without a sync to wait for, handing over to a thread would cost more than the commit
itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tabletop.base.clock import Clock
from tabletop.base.errors import StorageOverloaded, StorageUnavailable
from tabletop.base.log import Log
from tabletop.storage.store import Answer, Batch, Plan, Request, View

GROUP_PLANS_MAX = 512
"""Plans in one group: bounds the memory of a transaction's dirty pages and the wait of the first plan for the last."""

QUEUED_PLANS_MAX = 4_096
"""Plans waiting for their group: about half a second of work. Beyond this a submission is refused at once (StorageOverloaded)
rather than queued for seconds; clients back off and come back."""

_log = Log("storage")

Done = Callable[[Any], None]
_Queued = tuple[Callable[[View, Any, float], tuple[Any, Batch | None]], Any, Done]


class WriteTransaction(View, Protocol):
    """The engine's single writer: a view that sees its own writes."""

    def check(self, batch: Batch) -> None:
        """Raise ValueError for a batch that the engine could never store, before anything of it is written."""
        ...

    def apply(self, batch: Batch) -> None: ...

    def add(self, amounts: dict[bytes, tuple[int, ...]]) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...


class Engine(Protocol):
    failed: bool
    """Set when a commit failed: no write is taken until ``recover`` has cleared it."""

    def begin_write(self) -> WriteTransaction: ...

    def recover(self) -> None:
        """Take writes again, if the time has come. Called on the thread of the event loop, which has the views."""
        ...


def commit_group(transaction: WriteTransaction, clock: Clock, group: list[_Queued]) -> list[tuple[Done, Any]]:
    """Steps 3 to 5 for one group; the answers to hand out. Raises StorageUnavailable when nothing was stored."""
    answers: list[tuple[Done, Any]] = []
    totals: dict[bytes, tuple[int, ...]] = {}
    written = False
    try:
        for plan, request, done in group:
            try:
                answer, batch = plan(transaction, request, clock())
                if batch:
                    transaction.check(batch)
            except StorageUnavailable:
                raise
            except Exception as error:  # the plan's own refusal or fault: it costs only itself
                answers.append((done, error))
                continue
            if batch:
                transaction.apply(batch)
                _sum_into(totals, batch.amounts)
                written = True
            answers.append((done, answer))
        if written:
            transaction.add(totals)
            transaction.commit()
        else:
            transaction.abort()
    except BaseException:
        transaction.abort()
        raise
    return answers


def commit_one(engine: Engine, clock: Clock, plan: Plan[Request, Answer], request: Request) -> Answer:
    """Run one plan in the calling thread, for tools that write to a store without an event loop; durable on return.

    Waits for other processes' groups. Raises what the plan raises, or StorageUnavailable.
    """
    answers = commit_group(engine.begin_write(), clock, [(plan, request, _nobody)])
    answer = answers[0][1]
    if isinstance(answer, BaseException):
        raise answer
    return answer  # type: ignore[no-any-return]


def _nobody(_answer: Any) -> None:
    """Whoever waits for the answer has it already."""


def _sum_into(totals: dict[bytes, tuple[int, ...]], amounts: dict[bytes, tuple[int, ...]]) -> None:
    for counter, row in amounts.items():
        before = totals.get(counter)
        totals[counter] = row if before is None else tuple(map(int.__add__, before, row))


class InlineCommitter:
    """Runs plans in the thread of the event loop: those of one turn of the loop as one group, at its end, since a commit
    costs as much as the plan before it; but the first one at once after a turn that had no other, so that a lone client
    waits for nobody.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._gathered: list[_Queued] = []
        self._turn_plans = 0
        """How many came in this turn of the loop, or were left for it."""
        self._is_calm = True
        """The last turn that had plans had one."""

    def submit(self, plan: Any, request: Any, done: Done) -> None:
        self._turn_plans += 1
        is_first = self._turn_plans == 1
        if is_first:
            self._at_turns_end()
        if is_first and self._is_calm:
            _hand_out(self._commit([(plan, request, done)]))
        elif len(self._gathered) >= QUEUED_PLANS_MAX:
            done(StorageOverloaded("too many writes are waiting"))
        else:
            self._gathered.append((plan, request, done))

    def close(self) -> None:
        """Run what was gathered. Its answers are handed out at once."""
        while self._gathered:
            self._run_gathered()

    def _at_turns_end(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Without a loop there are no turns, and nobody to share a commit with.
            self._turn_plans, self._is_calm = 0, True
        else:
            loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._is_calm = self._turn_plans == 1
        self._turn_plans = max(0, len(self._gathered) - GROUP_PLANS_MAX)
        if self._turn_plans:
            self._at_turns_end()
        if self._gathered:
            self._run_gathered()

    def _run_gathered(self) -> None:
        gathered = self._gathered
        group, self._gathered = gathered[:GROUP_PLANS_MAX], gathered[GROUP_PLANS_MAX:]
        _hand_out(self._commit(group))

    def _commit(self, group: list[_Queued]) -> list[tuple[Done, Any]]:
        if self._engine.failed:
            self._engine.recover()
        return _answers_of(self._engine, self._clock, lambda: group)


class ThreadedCommitter:
    """Gathers plans on the event loop, commits them group by group in its thread, and answers on the event loop.

    The thread gets the plans of a turn of the loop together, at the turn's end: else the first of a turn would be a group of
    its own, whose syncs cost as much as those of all.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._arriving: list[_Queued] = []
        """What came in this turn of the loop. The loop's alone."""
        self._queue: deque[_Queued] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._started = False

    def submit(self, plan: Any, request: Any, done: Done) -> None:
        """From the event loop only. ``done`` is called there."""
        self._loop = asyncio.get_running_loop()
        if not self._started:
            self._started = True
            self._thread.start()
        if self._closing:
            done(StorageUnavailable("the server is stopping"))
            return
        arriving = self._arriving
        if len(self._queue) + len(arriving) >= QUEUED_PLANS_MAX:
            done(StorageOverloaded("too many writes are waiting"))
            return
        if self._engine.failed:
            self._engine.recover()
        if not arriving:
            self._loop.call_soon(self._end_turn)
        arriving.append((plan, request, done))

    def _end_turn(self) -> None:
        self._queue.extend(self._arriving)
        self._arriving.clear()
        self._wake.set()

    def close(self) -> None:
        """Commit what is queued, then end the thread. Answers still reach the loop if it runs on."""
        self._closing = True
        self._end_turn()
        if self._started:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._queue:
                self._run_group()
            if self._closing and not self._queue:
                return

    def _run_group(self) -> None:
        queue = self._queue
        answers = _answers_of(
            self._engine, self._clock, lambda: [queue.popleft() for _ in range(min(len(queue), GROUP_PLANS_MAX))]
        )
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(_hand_out, answers)
        except RuntimeError:
            # The loop is closed: the server is going down and nobody waits any more. What was committed stays.
            return


def _answers_of(engine: Engine, clock: Clock, take: Callable[[], list[_Queued]]) -> list[tuple[Done, Any]]:
    try:
        transaction = engine.begin_write()
    except Exception as error:
        return _all_failed(take(), error)
    group = take()
    try:
        return commit_group(transaction, clock, group)
    except Exception as error:
        return _all_failed(group, error)


def _all_failed(group: list[_Queued], error: Exception) -> list[tuple[Done, Any]]:
    """The world's fault, or ours in the engine: every plan of the group learns of it."""
    failure = error if isinstance(error, StorageUnavailable) else StorageUnavailable(repr(error))
    return [(done, failure) for _, _, done in group]


def _hand_out(answers: list[tuple[Done, Any]]) -> None:
    for done, answer in answers:
        try:
            done(answer)
        except Exception as error:  # one receiver's fault must not cost the others their answers
            _log.error("an answer could not be handed out", fault=repr(error))
