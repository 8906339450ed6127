"""The judge itself: histories whose verdict is known, and a short recorded one of a real server with two workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.linearizability.__main__ import run
from benchmarks.linearizability.checker import is_linearizable
from benchmarks.linearizability.histories import NEVER, Operation
from benchmarks.linearizability.model import INITIAL, REFUSED, step


def op(sent: float, answered: float, action: str, *arguments: Any, answer: Any = "done", client: int = 0) -> Operation:
    return Operation(client, action, arguments, sent, answered, answer)


LINEARIZABLE = {
    "one after the other": [op(0, 1, "put", 0, 5), op(2, 3, "get", 0, answer=5)],
    "a read beside a write sees the old value": [op(0, 9, "put", 0, 5), op(1, 2, "get", 0, answer=None)],
    "a read beside a write sees the new value": [op(0, 9, "put", 0, 5), op(1, 2, "get", 0, answer=5)],
    "of two conditional puts at once one is refused": [
        op(0, 5, "put-if", 0, None, 1),
        op(0, 5, "put-if", 0, None, 2, answer=REFUSED),
        op(6, 7, "get", 0, answer=1),
    ],
    "counters that overlap answer different sums": [
        op(0, 5, "add", 0, 2, answer=3),
        op(0, 5, "add", 0, 1, answer=1),
        op(6, 7, "get", 0, answer=3),
    ],
    "what was never answered may have happened late": [
        op(0, NEVER, "put", 0, 5, answer=None),
        op(1, 2, "get", 0, answer=None),
        op(3, 4, "get", 0, answer=5),
    ],
    "what was never answered may never have happened": [
        op(0, NEVER, "put", 0, 5, answer=None),
        op(1, 2, "get", 0, answer=None),
        op(3, 4, "put-if", 0, None, 1),
    ],
    "a transaction is seen whole": [
        op(0, 1, "put", 0, 3),
        op(0, 1, "put", 1, 1),
        op(2, 9, "transfer", 0, 1, 2),
        op(3, 4, "get-all", answer=(3, 1, None, None)),
        op(5, 6, "get-all", answer=(1, 3, None, None)),
    ],
}

IMPOSSIBLE = {
    "a stale read": [op(0, 1, "put", 0, 5), op(2, 3, "get", 0, answer=None)],
    "a value comes, and is gone again": [
        op(0, 9, "put", 0, 5),
        op(1, 2, "get", 0, answer=5),
        op(3, 4, "get", 0, answer=None),
    ],
    "two conditional puts succeed": [op(0, 5, "put-if", 0, None, 1), op(0, 5, "put-if", 0, None, 2)],
    "a lost update": [op(0, 5, "add", 0, 1, answer=1), op(0, 5, "add", 0, 1, answer=1)],
    "a refused condition that held": [op(0, 1, "put", 0, 4), op(2, 3, "put-if", 0, 4, 1, answer=REFUSED)],
    "half a transaction": [
        op(0, 1, "put", 0, 3),
        op(0, 1, "put", 1, 1),
        op(2, 9, "transfer", 0, 1, 2),
        op(3, 4, "get-all", answer=(1, 1, None, None)),
    ],
    "an unanswered write is seen, and then not": [
        op(0, NEVER, "put", 0, 5, answer=None),
        op(1, 2, "get", 0, answer=5),
        op(3, 4, "get", 0, answer=None),
    ],
}


# Every history here can be explained by some order of its operations.
@pytest.mark.parametrize("name", LINEARIZABLE)
def test_a_possible_history_is_accepted(name: str) -> None:
    assert is_linearizable(LINEARIZABLE[name], INITIAL, step)


# None of these can: a checker that accepted one would accept anything.
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_history_is_refused(name: str) -> None:
    assert not is_linearizable(IMPOSSIBLE[name], INITIAL, step)


# Concurrent clients over two workers, one of which is killed in the middle: what they saw is linearizable.
def test_recorded_histories_are_linearizable(tmp_path: Path) -> None:
    tally = run(tmp_path / "data", rounds=4, workers=2, clients=4, operations=15, seed=7)
    assert tally.problems == []
    assert tally.histories == 4
    assert tally.too_hard == 0
    assert tally.worker_kills == 1
    assert tally.operations == 4 * 4 * 15
