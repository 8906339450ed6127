"""Commits without durability: at once while plans come one by one, else one for all plans of a turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tabletop.base.errors import ApiError, StorageOverloaded
from tabletop.storage import committer
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, View


@pytest.fixture
def store() -> Iterator[LmdbStore]:
    store = open_store(None)
    yield store
    store.close()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of plans of each commit, in order."""
    sizes: list[int] = []
    commit_group = committer.commit_group

    def counted(transaction: Any, clock: Any, group: Any) -> Any:
        sizes.append(len(group))
        return commit_group(transaction, clock, group)

    monkeypatch.setattr(committer, "commit_group", counted)
    return sizes


def put(view: View, number: int, now: float) -> tuple[int, Batch]:
    batch = Batch()
    batch.put(b"k%d" % number, b"v")
    return number, batch


def refuse(view: View, number: int, now: float) -> tuple[int, Batch]:
    raise ApiError("ValidationException", str(number))


def count(view: View, _request: None, now: float) -> tuple[int, None]:
    return sum(1 for _ in view.range(b"k", b"l")), None


def in_turns(store: LmdbStore, *turns: list[Callable[[], None]]) -> None:
    """Each list in one turn of a new event loop, then two turns of rest."""

    async def run() -> None:
        for turn in turns:
            for call in turn:
                call()
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())


def submissions(store: LmdbStore, answers: list[Any], first: int, number: int) -> list[Callable[[], None]]:
    return [lambda n=n: store.submit(put, n, answers.append) for n in range(first, first + number)]  # type: ignore[misc]


# One plan in a turn is answered before ``submit`` returns: a lone client pays for nobody else.
def test_a_lone_plan_is_committed_at_once(store: LmdbStore, commits: list[int]) -> None:
    answers: list[Any] = []
    in_turns(store, [lambda: store.submit(put, 1, answers.append), lambda: answers.append("returned")])
    assert answers == [1, "returned"]
    assert commits == [1]


# Of several in a calm turn the first does not wait, the others share a commit; from then on all of a turn do, and after
# a turn with one plan the first runs at once again.
def test_plans_of_a_turn_share_a_commit(store: LmdbStore, commits: list[int]) -> None:
    answers: list[Any] = []
    in_turns(
        store,
        submissions(store, answers, 0, 4),
        submissions(store, answers, 10, 7),
        submissions(store, answers, 20, 1),
        [*submissions(store, answers, 30, 1), lambda: answers.append("returned")],
    )
    assert answers == [*range(4), *range(10, 17), 20, 30, "returned"]
    assert commits == [1, 3, 7, 1, 1]
    with store.view() as view:
        assert count(view, None, 0.0)[0] == 13


# What answers set going belongs to the next turn: no turn goes on for as long as somebody answers.
def test_plans_that_come_with_answers_are_of_the_next_turn(store: LmdbStore, commits: list[int]) -> None:
    answers: list[Any] = []

    def again(number: int) -> None:
        answers.append(number)
        if number < 20:
            store.submit(put, number + 10, again)

    in_turns(store, [lambda n=n: store.submit(put, n, again) for n in range(3)], [], [])  # type: ignore[misc]
    assert answers == [0, 10, 1, 2, 20, 11, 12, 21, 22]
    assert commits == [1, 3, 3, 2]


# A plan that refuses costs only itself, and a later plan of the group sees what earlier ones wrote.
def test_a_refusal_costs_only_itself(store: LmdbStore, commits: list[int]) -> None:
    answers: list[Any] = []
    in_turns(
        store,
        submissions(store, answers, 0, 4),
        [
            *submissions(store, answers, 10, 3),
            lambda: store.submit(refuse, 1, answers.append),
            lambda: store.submit(count, None, answers.append),
        ],
    )
    *stored, refused, counted = answers
    assert stored == [*range(4), 10, 11, 12]
    assert isinstance(refused, ApiError)
    assert counted == 7
    assert commits[-1] == 5


# A group has a bound; what is beyond it is committed in the next turn, in order.
def test_a_group_has_a_bound(store: LmdbStore, commits: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "GROUP_PLANS_MAX", 5)
    answers: list[Any] = []
    in_turns(store, submissions(store, answers, 0, 4), submissions(store, answers, 10, 8), [])
    assert answers == [*range(4), *range(10, 18)]
    assert commits == [1, 3, 5, 3]


# Beyond the bound of waiting plans a submission is refused at once, and those that wait are stored.
def test_too_many_waiting_plans_are_refused(
    store: LmdbStore, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "QUEUED_PLANS_MAX", 6)
    answers: list[Any] = []
    in_turns(store, submissions(store, answers, 0, 4), submissions(store, answers, 10, 7))
    assert isinstance(answers[4], StorageOverloaded)
    assert answers[5:] == [*range(10, 16)]


# Without an event loop nothing can be gathered: plans run at once, also after a loop that was busy has ended.
def test_without_a_loop_plans_run_at_once(store: LmdbStore, commits: list[int]) -> None:
    answers: list[Any] = []
    in_turns(store, submissions(store, answers, 0, 9))
    store.submit(put, 50, answers.append)
    store.submit(put, 51, answers.append)
    assert answers == [*range(9), 50, 51]


# Closing stores what waits.
def test_closing_commits_what_was_gathered(commits: list[int]) -> None:
    store = open_store(None)
    answers: list[Any] = []

    async def run() -> None:
        for call in submissions(store, answers, 0, 4):
            call()
        await asyncio.sleep(0)
        for call in submissions(store, answers, 10, 3):
            call()
        store.close()

    asyncio.run(run())
    assert answers == [0, 1, 2, 3, 10, 11, 12]
