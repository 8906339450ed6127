"""How background work makes way for requests: the arithmetic alone, then the loop with a counted number of requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tabletop.base.clock import ManualClock
from tabletop.dynamodb import background, background_pace, background_steps, keys
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.background_pace import BUSY_FOR_S, BUSY_STEP_S, ITEMS_MAX, ITEMS_MIN, REST_S_MAX, Pace
from tabletop.storage.engine import open_store
from tabletop.storage.store import Batch


def settled(pace: Pace, row_s: float, *, steps: int = 30) -> float:
    """Steps whose plan costs ``row_s`` for each row, one after the other in no time; the last rest."""
    rest_s = 0.0
    for _ in range(steps):
        rest_s = pace.rest_after(pace.items_max * row_s, 3 * pace.items_max * row_s, 0.0)
    return rest_s


# With nobody else there, work goes on without a rest, in steps as large as are allowed.
def test_idle() -> None:
    pace = Pace(lambda: 0)
    assert settled(pace, 1e-6) == 0.0
    assert pace.items_max == ITEMS_MAX


# While requests come in, a step takes a millisecond whatever a row costs, and the rest is as long as step and commit were.
@pytest.mark.parametrize("row_s", [2e-6, 10e-6, 20e-6])
def test_busy(row_s: float) -> None:
    asked = iter(range(1, 100))
    pace = Pace(lambda: next(asked))
    rest_s = settled(pace, row_s)
    assert 0.9 * BUSY_STEP_S <= pace.items_max * row_s <= BUSY_STEP_S
    assert rest_s == pytest.approx(3 * pace.items_max * row_s)


# Rows that cost very much or nothing stay within the bounds; so does the rest after a step that waited long for the disk.
def test_bounds() -> None:
    pace = Pace(None)
    settled(pace, 1.0)
    assert pace.items_max == ITEMS_MIN
    assert pace.rest_after(0.0, 60.0, 0.0) == REST_S_MAX
    settled(pace, 0.0)
    assert pace.items_max == ITEMS_MAX


# A request counts for a second: clients that ask now and then must not meet large steps. Then it is full speed again.
def test_quiet_again() -> None:
    asked = 0
    pace = Pace(lambda: asked)
    assert pace.rest_after(0.001, 0.002, 0.0) == 0.0
    asked = 1
    assert pace.rest_after(0.001, 0.002, 10.0) == 0.002
    assert pace.rest_after(0.001, 0.002, 10.0 + BUSY_FOR_S / 2) == 0.002
    assert pace.rest_after(0.001, 0.002, 10.0 + BUSY_FOR_S) == 0.0


# Where other processes serve, nobody knows of their load: work goes on as if there always were some.
def test_unknown_load() -> None:
    assert Pace(None).rest_after(0.001, 0.002, 0.0) == 0.002


# The loop gives each plan the number of rows that the pace allows, and rests on the event loop after it.
def test_the_loop_keeps_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    rests: list[float] = []
    seconds = iter(range(1_000_000))

    def clear(view: Any, key: bytes, now: float, items_max: int) -> tuple[bool, Batch | None]:
        given.append(items_max)
        return True, None

    async def sleep(rest_s: float) -> None:
        rests.append(rest_s)

    monkeypatch.setattr(background_steps, "clear", clear)
    monkeypatch.setattr(background.asyncio, "sleep", sleep)
    store = open_store(None)

    async def scenario() -> None:
        def plan(view: Any, request: None, now: float) -> tuple[None, Batch]:
            batch = Batch()
            batch.put(keys.dropped_key(1), b"")
            return None, batch

        await store.commit(plan, None)
        # Each look at this stopwatch is a second later: every plan takes far too long.
        loop = Background(store, ManualClock(), requests=None, stopwatch=lambda: float(next(seconds)))
        for _ in range(3):
            assert await loop.step_all()

    try:
        asyncio.run(scenario())
    finally:
        store.close()
    assert given == [ITEMS_MAX, ITEMS_MIN, ITEMS_MIN]
    assert rests == [background_pace.REST_S_MAX] * 3
