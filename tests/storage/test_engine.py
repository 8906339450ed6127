"""The engine against a plain dict, its range reads, its counters, and what becomes of faults."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from pathlib import Path
from typing import Any

import lmdb
import pytest

from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError, StartupError, StorageOverloaded, StorageUnavailable
from tabletop.storage import checker, committer, failures
from tabletop.storage.engine import KEY_BYTES_MAX, LmdbStore, open_store
from tabletop.storage.recovery import RETRY_S
from tabletop.storage.store import Batch, View, after_prefix, read_counter

P = b"\x10"


def put_plan(view: View, request: dict[bytes, bytes | None], now: float) -> tuple[None, Batch]:
    batch = Batch()
    for key, value in request.items():
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    return None, batch


def commit(store: LmdbStore, plan, request):
    return asyncio.run(store.commit(plan, request))


@pytest.fixture
def store():
    store = open_store(None)
    yield store
    with store.view() as view:
        assert list(checker.problems(view)) == []
    store.close()


# Random puts, deletes and ranges in both directions read as a sorted dict does: the engine is nothing more.
@pytest.mark.parametrize("seed", range(5))
def test_reads_like_a_sorted_dict(store: LmdbStore, seed: int) -> None:
    dice = random.Random(seed)
    oracle: dict[bytes, bytes] = {}
    alphabet = [P + bytes(dice.choices(range(4), k=dice.randint(0, 4))) for _ in range(60)]
    for _ in range(40):
        request = {dice.choice(alphabet): dice.choice([None, b"v%d" % dice.randint(0, 99)]) for _ in range(5)}
        commit(store, put_plan, request)
        for key, value in request.items():
            if value is None:
                oracle.pop(key, None)
            else:
                oracle[key] = value
        start, stop = sorted(dice.sample(alphabet, 2))
        wanted = sorted((key, value) for key, value in oracle.items() if start <= key < stop)
        with store.view() as view:
            assert list(view.range(start, stop)) == wanted, f"seed {seed}"
            assert list(view.range(start, stop, reverse=True)) == wanted[::-1], f"seed {seed}"


# A descending range that ends before the first key of all is empty, not the last key of all.
def test_descending_range_before_everything_is_empty(store: LmdbStore) -> None:
    commit(store, put_plan, {P + b"m": b"1"})
    with store.view() as view:
        assert list(view.range(P, P + b"a", reverse=True)) == []
        assert list(view.range(P, P + b"z", reverse=True)) == [(P + b"m", b"1")]


# DynamoDB's longest keys fit: LMDB 1.0's bound is there, and what is longer is an error, not a cut key.
def test_keys_up_to_the_bound(store: LmdbStore) -> None:
    longest = P + b"k" * (KEY_BYTES_MAX - 1)
    commit(store, put_plan, {longest: b"v"})
    with store.view() as view:
        assert view.get(longest) == b"v"
    with pytest.raises(ValueError, match="longer"):
        commit(store, put_plan, {longest + b"k": b"v"})


# A plan that writes an impossible key costs itself alone: its neighbours in the group are stored.
def test_an_impossible_key_costs_its_plan_alone(tmp_path: Path) -> None:
    async def run() -> list[object]:
        store = open_store(tmp_path)
        try:
            requests = [{P + b"a": b"1"}, {P + b"k" * KEY_BYTES_MAX: b"v"}, {P + b"b": b"2"}]
            return await asyncio.gather(*(store.commit(put_plan, r) for r in requests), return_exceptions=True)
        finally:
            store.close()

    answers = asyncio.run(run())
    assert [answers[0], answers[2]] == [None, None]
    assert isinstance(answers[1], ValueError)


# A receiver that fails does not keep the others of its group from their answers.
def test_a_failing_receiver_costs_itself_alone(tmp_path: Path) -> None:
    received: list[int] = []

    async def run() -> None:
        store = open_store(tmp_path)
        last = asyncio.get_running_loop().create_future()

        def done(number: int) -> None:
            if number == 1:
                raise RuntimeError
            received.append(number)
            if number == 2:
                last.set_result(None)

        for number in range(3):
            store.submit(put_plan, {P + b"a": b"1"}, lambda answer, number=number: done(number))
        await asyncio.wait_for(last, 10)
        store.close()

    asyncio.run(run())
    assert received == [0, 2]


# A view is a picture: what is committed after it was opened does not show in it.
def test_a_view_does_not_see_later_commits(store: LmdbStore) -> None:
    commit(store, put_plan, {P + b"a": b"1"})
    with store.view() as view:
        commit(store, put_plan, {P + b"a": b"2"})
        assert view.get(P + b"a") == b"1"
    with store.view() as view:
        assert view.get(P + b"a") == b"2"


# What was worked out in one picture of the store is good in another of the same version, and in no other: a commit
# makes a new one, and so does an environment that is opened again, where numbers of before may come twice.
def test_versions_of_views(store: LmdbStore) -> None:
    def version() -> int | None:
        with store.view() as view:
            return view.version

    commit(store, put_plan, {b"a": b"1"})
    first = version()
    assert first is not None
    assert version() == first
    commit(store, put_plan, {b"a": b"2"})
    second = version()
    assert second != first
    store.reopen(store.environment)
    assert version() not in {first, second, None}
    writing = store.begin_write()
    assert writing.version is None
    writing.abort()
    commit(store, put_plan, {b"a": None})


# Counters add up over plans and groups, and a row of zeros leaves nothing behind.
def test_counters_add_up(store: LmdbStore) -> None:
    def add(view: View, request: tuple[int, int], now: float) -> tuple[None, Batch]:
        batch = Batch()
        batch.add(P + b"c", *request)
        return None, batch

    commit(store, add, (2, 50))
    commit(store, add, (-1, -20))
    with store.view() as view:
        assert read_counter(view, P + b"c", 2) == (1, 30)
    commit(store, add, (-1, -30))
    with store.view() as view:
        assert view.get(P + b"c") is None


# In one group a plan sees what the plans before it wrote; one that refuses or fails costs only itself.
def test_plans_of_a_group_see_each_other_and_fail_alone(tmp_path: Path) -> None:
    def increment(view: View, request: str, now: float) -> tuple[int, Batch]:
        if request == "refuse":
            raise ApiError("ConditionalCheckFailedException", "no")
        if request == "fail":
            raise ZeroDivisionError
        count = int(view.get(P + b"n") or b"0") + 1
        batch = Batch()
        batch.put(P + b"n", b"%d" % count)
        return count, batch

    async def run() -> list[object]:
        store = open_store(tmp_path)
        try:
            requests = ["", "refuse", "", "fail", ""]
            return await asyncio.gather(*(store.commit(increment, r) for r in requests), return_exceptions=True)
        finally:
            store.close()

    answers = asyncio.run(run())
    assert [answers[0], answers[2], answers[4]] == [1, 2, 3]
    assert isinstance(answers[1], ApiError)
    assert isinstance(answers[3], ZeroDivisionError)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of plans of each group, in order."""
    sizes: list[int] = []
    commit_group = committer.commit_group

    def counted(transaction: Any, clock: Any, group: Any) -> Any:
        sizes.append(len(group))
        return commit_group(transaction, clock, group)

    monkeypatch.setattr(committer, "commit_group", counted)
    return sizes


def puts(store: LmdbStore, *names: bytes) -> list[asyncio.Future[Any]]:
    return [asyncio.ensure_future(store.commit(put_plan, {P + name: b"1"})) for name in names]


# While another process has the write lock, what arrives joins the group that waits for it: workers share few, large commits.
def test_plans_that_come_while_the_lock_is_waited_for_share_a_commit(
    tmp_path: Path, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        store = open_store(tmp_path)
        begin, waiting = store.begin_write, threading.Event()

        def noted() -> Any:
            waiting.set()
            return begin()

        monkeypatch.setattr(store, "begin_write", noted)
        try:
            other = begin()
            answers = puts(store, b"a")
            while not waiting.is_set():
                await asyncio.sleep(0)
            answers += puts(store, b"b", b"c")
            for _ in range(3):
                await asyncio.sleep(0)
            other.abort()
            await asyncio.gather(*answers)
        finally:
            store.close()

    asyncio.run(run())
    assert groups == [3]


# The plans of one turn of the event loop are one group: the first does not go ahead for a commit, and its syncs, of its own.
def test_plans_of_a_turn_are_one_group(tmp_path: Path, groups: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store = open_store(tmp_path)
        loop, begun = asyncio.get_running_loop(), threading.Event()
        begin = store.begin_write

        def noted() -> Any:
            begun.set()
            return begin()

        monkeypatch.setattr(store, "begin_write", noted)
        answers: list[asyncio.Future[None]] = []
        try:
            for name in (b"a", b"b", b"c"):
                answer = loop.create_future()
                store.submit(put_plan, {P + name: b"1"}, answer.set_result)
                # As long as the turn lasts no group begins, whatever the thread is given time for.
                assert not begun.wait(0.01)
                answers.append(answer)
            await asyncio.gather(*answers)
        finally:
            store.close()

    asyncio.run(run())
    assert groups == [3]


# Closing in the middle of a turn commits what came in it.
def test_closing_commits_what_came_in_the_turn(tmp_path: Path, groups: list[int]) -> None:
    async def run() -> None:
        store = open_store(tmp_path)
        store.submit(put_plan, {P + b"a": b"1"}, lambda _answer: None)
        store.submit(put_plan, {P + b"b": b"1"}, lambda _answer: None)
        store.close()

    asyncio.run(run())
    assert groups == [2]
    store = open_store(tmp_path)
    with store.view() as view:
        assert [key for key, _ in view.range(P, P + b"\xff")] == [P + b"a", P + b"b"]
    store.close()


# What was answered is there after the store is closed and opened again.
def test_reopened_store_has_what_was_acknowledged(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    commit(first, put_plan, {P + b"a": b"1"})
    first.close()
    again = open_store(tmp_path)
    with again.view() as view:
        assert view.get(P + b"a") == b"1"
    again.close()


# A data directory of a newer format is refused by one clear line, and so is one whose marker cannot be read.
@pytest.mark.parametrize("marker", ['{"format": 999}', "{", '{"other": 1}'])
def test_newer_or_damaged_format_is_refused(tmp_path: Path, marker: str) -> None:
    open_store(tmp_path).close()
    (tmp_path / "tabletop.json").write_text(marker)
    with pytest.raises(StartupError):
        open_store(tmp_path)


# A directory that holds a store which is not marked as ours is not touched.
def test_unmarked_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(StartupError):
        open_store(tmp_path)


# A full map refuses the group that met it, whole; reads go on, and so do writes that fit.
def test_full_map_refuses_writes_and_keeps_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabletop.storage.environment.MAP_BYTES", (1 << 20,))
    store = open_store(tmp_path)
    commit(store, put_plan, {P + b"a": b"1"})
    with pytest.raises(StorageUnavailable):
        commit(store, put_plan, {P + b"b": b"x", P + b"big": b"x" * (2 << 20)})
    with store.view() as view:
        assert view.get(P + b"a") == b"1"
        assert view.get(P + b"b") is None
    commit(store, put_plan, {P + b"c": b"3"})
    store.close()


# After a commit that failed at the disk writes are refused for some seconds and noted, reads go on; then a write is tried, and
# when it succeeds all is as before.
def test_failed_sync_stops_writes_for_a_while(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    commit(store, put_plan, {P + b"a": b"1"})
    store.refuse_writes(lmdb.Error("mdb_txn_commit: Input/output error"))
    assert failures.noted(tmp_path / "store") == {os.getpid(): "mdb_txn_commit: Input/output error"}
    for passed_s in (0, RETRY_S - 1):
        stopwatch.advance(passed_s)
        with pytest.raises(StorageUnavailable, match="since a commit failed"):
            commit(store, put_plan, {P + b"b": b"2"})
    with store.view() as view:
        assert view.get(P + b"a") == b"1"
    stopwatch.advance(1)
    commit(store, put_plan, {P + b"b": b"2"})
    assert failures.noted(tmp_path / "store") == {}
    with store.view() as view:
        assert view.get(P + b"b") == b"2"
    store.close()


# What a process noted that is gone by now means nothing.
def test_a_dead_process_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "refusing.999999999").write_text("Input/output error")
    assert failures.noted(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


# More plans than the queue takes are refused at once, as something to be tried again; those before are all stored.
def test_a_full_queue_refuses_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabletop.storage.committer.QUEUED_PLANS_MAX", 3)

    async def submit() -> list[object]:
        store = open_store(tmp_path)
        committer = store._committer
        committer._started = True  # nothing is taken from the queue yet
        answers: list[object] = []
        for number in range(4):
            store.submit(put_plan, {P + b"%d" % number: b"x"}, answers.append)
        refused = list(answers)
        committer._thread.start()
        for _ in range(500):
            if len(answers) == 4:
                break
            await asyncio.sleep(0.001)
        store.close()
        assert answers[1:] == [None] * 3
        return refused

    (refused,) = asyncio.run(submit())
    assert isinstance(refused, StorageOverloaded)


# The key behind a prefix is right also where the prefix ends in 0xFF bytes.
def test_after_prefix() -> None:
    assert after_prefix(b"ab") == b"ac"
    assert after_prefix(b"a\xff\xff") == b"b"
