"""Batches, retries, splits and tumbling windows of one lane, with the time handed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tabletop.functions.event_sources import rules as bounds
from tabletop.functions.event_sources.events import Change
from tabletop.functions.event_sources.lanes import EXHAUSTED, TOO_OLD, Batch, Call, GiveUp, Lane, Rest, Window
from tabletop.functions.event_sources.responses import Verdict
from tabletop.functions.event_sources.rules import Rules, delay_s

NOW = 1_700_000_000.0
DONE = Verdict(None)


def change(sequence: int, *, made_s: float = NOW, size: int = 10) -> Change:
    return Change(sequence, str(sequence), made_s, b"x" * size)


def lane_of(sequences: Iterable[int], *, position: int = 1, now: float = NOW, **rules: Any) -> Lane:
    lane = Lane(Rules(**rules), position=position)
    for sequence in sequences:
        lane.offer(change(sequence), now)
    return lane


def numbers(batch: Batch) -> list[int]:
    return [one.sequence for one in batch.changes]


def called(lane: Lane, now: float = NOW) -> Batch:
    step = lane.next(now)
    assert isinstance(step, Call), step
    return step.batch


def run(
    lane: Lane, poison: set[int], *, now: float = NOW, calls_max: int = 100
) -> tuple[list[list[int]], list[list[int]]]:
    """(what the function was called with, what was given up), the function failing with any batch with poison in it."""
    calls, given_up = [], []
    for _ in range(calls_max):
        step = lane.next(now)
        if isinstance(step, Rest):
            if step.until is None:
                return calls, given_up
            now = step.until
        elif isinstance(step, GiveUp):
            given_up.append(numbers(step.batch))
            lane.given_up()
        else:
            calls.append(numbers(step.batch))
            step.batch.calls += 1
            if poison & set(numbers(step.batch)):
                lane.failed(now)
            else:
                lane.answered(DONE, now)
    raise AssertionError("the lane does not come to an end")


# Without a batching window what is there goes at once, and never more than the batch size.
def test_batches_by_size() -> None:
    lane = lane_of(range(1, 6), batch_items_max=2)
    assert run(lane, set())[0] == [[1, 2], [3, 4], [5]]
    assert lane.position == 6


# With a window a batch waits until it is full or the window is over, counted from its first change.
def test_batching_window() -> None:
    lane = lane_of([1, 2], batch_items_max=3, batching_window_s=10)
    assert lane.next(NOW + 9) == Rest(NOW + 10)
    assert numbers(called(lane, NOW + 10)) == [1, 2]
    lane = lane_of([1, 2], batch_items_max=3, batching_window_s=10)
    lane.offer(change(3), NOW + 1)
    assert numbers(called(lane, NOW + 1)) == [1, 2, 3]


# The end of a shard does not wait for a window: nothing more can come.
def test_end_of_shard_flushes() -> None:
    lane = lane_of([1], batching_window_s=300)
    lane.ended = True
    assert numbers(called(lane)) == [1]


# An event stays below six megabytes; a single change always goes.
def test_batches_by_payload() -> None:
    third = bounds.PAYLOAD_BYTES_MAX // 3
    lane = Lane(Rules(), position=1)
    for sequence in range(1, 6):
        lane.offer(change(sequence, size=third), NOW)
    assert run(lane, set())[0] == [[1, 2], [3, 4], [5]]


# A checkpoint stands at the first change that is not done, and moves over what the filter kept back.
def test_position() -> None:
    lane = lane_of([4, 7], position=2)
    assert lane.position == 4
    lane.read_to(9)
    assert lane.position == 4
    lane.answered(DONE, called(lane).due)
    assert lane.position == 10


# What a lane has done before a restart is not offered to the function again when a slower lane makes it be read again.
def test_done_changes_are_passed_over() -> None:
    assert run(lane_of([1, 2, 3, 4], position=3), set())[0] == [[3, 4]]


# Retries: the first try and so many more, with growing waits; then the batch is given up, and the next comes.
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted(retries: int) -> None:
    lane = lane_of([1, 2], batch_items_max=1, retries_max=retries)
    calls, given_up = run(lane, {1})
    assert calls == [[1]] * (retries + 1) + [[2]]
    assert given_up == [[1]]


# The waits double and are bounded.
def test_delays() -> None:
    assert [delay_s(tries, 0.2, 60) for tries in (1, 2, 3, 10, 5000)] == [0.2, 0.4, 0.8, 60, 60]


# A split isolates the poisoned change: every other one is processed, in order, even with no retries at all.
@pytest.mark.parametrize("retries", [0, 2])
def test_bisect(retries: int) -> None:
    lane = lane_of(range(1, 9), bisect=True, retries_max=retries)
    calls, given_up = run(lane, {3})
    assert given_up == [[3]]
    assert calls[:3] == [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [1, 2]]
    assert [one for one in calls if 3 not in one] == [[1, 2], [4], [5, 6, 7, 8]]
    assert calls.count([3]) == retries + 1
    assert lane.position == 9


# A change beyond the age is never delivered; younger ones of its batch are.
def test_record_age() -> None:
    lane = Lane(Rules(age_s_max=60), position=1)
    lane.offer(change(1, made_s=NOW - 61), NOW)
    lane.offer(change(2, made_s=NOW - 60), NOW)
    step = lane.next(NOW)
    assert isinstance(step, GiveUp)
    assert (numbers(step.batch), step.batch.condition) == ([1], TOO_OLD)
    lane.given_up()
    assert numbers(called(lane)) == [2]


# Without a bound on retries a failing batch ends when its records are too old.
def test_age_ends_retries() -> None:
    lane = lane_of([1], age_s_max=60)
    lane.failed(called(lane).due + NOW)
    step = lane.next(NOW + 61)
    assert isinstance(step, GiveUp)
    assert step.batch.condition == TOO_OLD


# A refused call (throttled, function gone) uses up no retry.
def test_refusals_are_no_retries() -> None:
    lane = lane_of([1], retries_max=0)
    now = NOW
    for _ in range(20):
        called(lane, now)
        lane.refused(now)
        step = lane.next(now)
        assert isinstance(step, Rest)
        assert step.until is not None
        assert now < step.until <= now + bounds.REFUSAL_DELAY_S_MAX
        now = step.until
    lane.answered(DONE, called(lane, now).due)
    assert lane.position == 2


# A partial failure takes the batch up again from the first that failed; what came before is done.
def test_partial_failure() -> None:
    lane = lane_of([1, 2, 3, 4], report_failures=True, retries_max=1)
    called(lane)
    lane.answered(Verdict(2), NOW)
    assert lane.position == 3
    batch = called(lane, NOW + 1)
    assert numbers(batch) == [3, 4]
    lane.answered(Verdict(0), NOW + 1)
    step = lane.next(NOW + 1)
    assert isinstance(step, GiveUp)
    assert (numbers(step.batch), step.batch.condition) == ([3, 4], EXHAUSTED)


def windowed(changes: Iterable[Change], *, width_s: int = 30, now: float = NOW, **rules: Any) -> Lane:
    lane = Lane(Rules(tumbling_window_s=width_s, **rules), position=1)
    for one in changes:
        lane.offer(one, now)
    return lane


# NOW is no multiple of 30 s: its window began 20 s before and closes 10 s after.
CLOSES = NOW + 10


# The state goes from call to call of a window; a later change closes it, and its last call says so.
def test_tumbling_window() -> None:
    lane = windowed([change(1), change(2), change(3, made_s=CLOSES)], batch_items_max=1)
    first = called(lane)
    assert first.window is not None
    assert (first.window.start, first.window.state, first.final) == (NOW - 20, {}, False)
    lane.answered(Verdict(None, {"sum": 1}), NOW)
    second = called(lane)
    assert second.window is not None
    assert (numbers(second), second.window.state, second.final) == ([2], {"sum": 1}, True)
    lane.answered(Verdict(None, {"sum": 2}), NOW)
    following = called(lane, NOW)
    assert following.window is not None
    assert (numbers(following), following.window.start, following.window.state) == ([3], CLOSES, {})


# Changes of two windows never share a batch; the last batch of a window is its last call.
def test_batches_end_with_their_window() -> None:
    lane = windowed([change(1), change(2), change(3, made_s=CLOSES)])
    batch = called(lane)
    assert (numbers(batch), batch.final) == ([1, 2], True)


# A window whose changes are all done when a later one comes has a last call without records.
def test_last_call_without_records() -> None:
    lane = windowed([change(1)])
    lane.answered(Verdict(None, {"sum": 1}), called(lane).due)
    lane.offer(change(2, made_s=CLOSES), NOW)
    last = called(lane)
    assert last.window is not None
    assert (numbers(last), last.window.state, last.final) == ([], {"sum": 1}, True)
    lane.answered(DONE, NOW)
    assert numbers(called(lane)) == [2]


# Time alone closes a window, with a grace for records that are stamped in whole seconds.
def test_time_closes_a_window() -> None:
    lane = windowed([change(1)])
    lane.answered(Verdict(None, {"n": 1}), called(lane).due)
    assert lane.next(NOW) == Rest(CLOSES + bounds.WINDOW_GRACE_S)
    last = called(lane, CLOSES + bounds.WINDOW_GRACE_S)
    assert (numbers(last), last.final, last.early) == ([], True, False)
    lane.answered(DONE, CLOSES)
    assert lane.next(CLOSES + 100) == Rest(None)


# The end of the shard closes its window, and the lane is spent only after that call.
def test_end_of_shard_closes_a_window() -> None:
    lane = windowed([change(1)])
    lane.answered(DONE, called(lane).due)
    lane.ended = True
    assert not lane.spent
    assert called(lane).final
    lane.answered(DONE, NOW)
    assert lane.spent


# A state of over a megabyte ends its window early; what is left of the window begins with an empty state.
def test_large_state_ends_the_window_early() -> None:
    lane = windowed([change(1), change(2)], batch_items_max=1)
    called(lane)
    lane.answered(Verdict(None, {"text": "x" * bounds.STATE_BYTES_MAX}), NOW)
    last = called(lane)
    assert (numbers(last), last.final, last.early) == ([], True, True)
    lane.answered(DONE, NOW)
    rest = called(lane)
    assert rest.window is not None
    assert (numbers(rest), rest.window.state) == ([2], {})


# A window that was open at a checkpoint goes on with its state.
def test_window_of_a_checkpoint() -> None:
    lane = Lane(Rules(tumbling_window_s=30), position=5, window=Window(int(NOW) - 20, {"sum": 7}))
    lane.offer(change(5), NOW)
    batch = called(lane)
    assert batch.window is not None
    assert batch.window.state == {"sum": 7}


# All records of a window's last batch may be too old: the last call takes place nevertheless.
def test_old_records_do_not_lose_the_last_call() -> None:
    lane = windowed([change(1)], age_s_max=60)
    later = NOW + 100
    step = lane.next(later)
    assert isinstance(step, GiveUp)
    lane.given_up()
    last = called(lane, later)
    assert (numbers(last), last.final) == ([], True)
