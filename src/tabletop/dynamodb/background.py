"""Work that goes on beside requests, in bounded steps, each a plan: nothing of it is lost when the process is killed.

``fill``     entries of a new index, or expiry entries of a table whose time to live was switched on (BACKFILL keys)
``go_on``    a new replica's items (BACKFILL keys with index 0, ``replicas.copying``)
``clear``    the data of dropped tables and indexes (DROPPED keys)
``expire``   deletion of items whose time has come
``forget``   client tokens of transactions older than ten minutes
``tend``     new shards for streams; changes, shards and streams that are older than a day (``streams.retention``)

What is to be done stands in the store; the loop finds it there, at start as well. One process of a store runs the loop.
Steps are as small, and rests as long, as the load of requests asks for (``background_pace``).
Clearing goes before filling: expiry entries that a table had before are gone before new ones are made.
A piece of work that fails is logged and put off; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice

from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.errors import StorageUnavailable
from tabletop.base.log import Log
from tabletop.dynamodb import background_steps as steps
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.background_pace import BUSY_STEP_BESIDE_S, BUSY_STEP_S, Pace
from tabletop.dynamodb.replicas import copying
from tabletop.dynamodb.streams import retention
from tabletop.storage.store import Batch, Store, View, after_prefix

TICK_S = 0.5
"""How long the loop rests when nothing is known to be left. An item is thus deleted within a second of its time."""
RETRY_S = 5.0
"""How long it rests after a fault of the store, and a piece of work after a fault of its own."""

WAKING_ACTIONS = frozenset({"CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive"})
"""Actions after which ``wake`` saves the wait for the next tick."""

_log = Log("dynamodb.background")


class Background:
    """The loop over one store. ``clock`` tells when items and tokens are due, ``requests`` how many came in so far (``Pace``)."""

    def __init__(
        self,
        store: Store,
        clock: Clock = system_clock,
        *,
        tick_s: float = TICK_S,
        requests: Callable[[], int] | None = lambda: 0,
        stopwatch: Stopwatch = system_stopwatch,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pace = Pace(requests, BUSY_STEP_BESIDE_S if store.durable else BUSY_STEP_S)
        self._stopwatch = stopwatch
        self._tick_s = tick_s
        self._woken = asyncio.Event()
        self._put_off: dict[Work, float] = {}
        """Pieces that failed, and when they are tried again."""

    def wake(self) -> None:
        """Look for work now. To be called on the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled. Faults are logged, and what was to be done is tried again."""
        while True:
            self._woken.clear()
            rest_s = self._tick_s
            try:
                if await self.step_all():
                    rest_s = 0.0
            except StorageUnavailable as error:
                _log.warning("the store takes no writes; background work waits", fault=str(error))
                rest_s = RETRY_S
            except Exception as error:
                _log.error("a step of background work failed", fault=repr(error))
                rest_s = RETRY_S
            if rest_s:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                timer = asyncio.get_running_loop().call_later(rest_s, self._woken.set)
                await self._woken.wait()
                timer.cancel()
            else:
                await asyncio.sleep(0)

    async def step_all(self) -> bool:
        """One step of each piece of work that is due; False when there was none, so that all is done for now."""
        worked = False
        now = self._clock()
        # One that lies further off was put off before the clock was put back.
        self._put_off = {piece: until for piece, until in self._put_off.items() if now < until <= now + RETRY_S}
        for find in (_clear_work, _fill_work, _expire_work, _forget_work, _tend_work):
            with self._store.view() as view:
                found = list(islice((p for p in find(view, now) if p not in self._put_off), steps.PIECES_MAX))
            for piece in found:
                worked = await self._step(piece, now) or worked
        return worked

    async def _step(self, piece: Work, now: float) -> bool:
        plan, request = piece
        stopwatch, items_max = self._stopwatch, self._pace.items_max
        plan_s = 0.0

        def timed(view: View, key: bytes, at: float) -> tuple[bool, Batch | None]:
            nonlocal plan_s
            began_s = stopwatch()
            outcome = plan(view, key, at, items_max)
            plan_s = stopwatch() - began_s
            return outcome

        began_s = stopwatch()
        try:
            worked = await self._store.commit(timed, request)
            now_s = stopwatch()
            rest_s = self._pace.rest_after(plan_s, now_s - began_s, now_s)
            if worked and rest_s:
                await asyncio.sleep(rest_s)
            return worked
        except StorageUnavailable:
            raise
        except Exception as error:
            # A record that is damaged must not keep other tables' work from being done.
            _log.error("a piece of background work failed", work=plan.__name__, key=request.hex(), fault=repr(error))
            self._put_off[piece] = now + RETRY_S
            return False


Work = tuple[Callable[..., tuple[bool, Batch | None]], bytes]


def _clear_work(view: View, now: float) -> Iterator[Work]:
    prefix = keys.dropped_prefix()
    for key, _ in view.range(prefix, after_prefix(prefix)):
        yield steps.clear, key


def _fill_work(view: View, now: float) -> Iterator[Work]:
    prefix = keys.backfill_prefix()
    for key, _ in view.range(prefix, after_prefix(prefix)):
        yield (copying.go_on if keys.numbers_of(key)[1] == 0 else steps.fill), key


def _expire_work(view: View, now: float) -> Iterator[Work]:
    # This runs with every round, and looks at all tables only when it must: there may be thousands.
    due = {number for number in keys.expiring_tables(view) if steps.has_due(view, number, now)}
    if due:
        for key, table in catalog.readable(view):
            if table.number in due and next(steps.due_entries(view, table, now), None) is not None:
                yield steps.expire, key


def _forget_work(view: View, now: float) -> Iterator[Work]:
    prefix = keys.token_age_prefix()
    if next(view.range(prefix, steps.tokens_stop(now)), None) is not None:
        yield steps.forget, prefix


def _tend_work(view: View, now: float) -> Iterator[Work]:
    for key in retention.due(view, now):
        yield retention.tend, key
