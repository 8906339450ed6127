"""A run: chapters of random requests to both servers, and the tally of what differed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.differential.answers import Difference, difference, stored
from benchmarks.differential.known import Known, explanations
from benchmarks.differential.operations import Body, request
from benchmarks.differential.servers import Pair, ServerEnded
from benchmarks.differential.tables import Table, table
from benchmarks.differential.wrong import spoilt

CHAPTER_REQUESTS = 120
WRONG_SHARE = 0.45
WAIT_STEPS = 200
"""Looks at a table that is being made or dropped, 5 ms apart."""


@dataclass(slots=True)
class Tally:
    requests: int = 0
    chapters: int = 0
    refused: int = 0
    """Requests that both refused with the same words."""
    crashes: int = 0
    """Requests that ended dynalite's process."""
    differences: int = 0
    explained: Counter[Known] = field(default_factory=Counter)
    """A difference may need two explanations."""
    unexplained: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Difference] = field(default_factory=dict)
    """The shortest of each signature."""
    crash_examples: list[str] = field(default_factory=list)

    def count(self, found: Difference) -> None:
        known = explanations(found)
        self.explained.update(known)
        self.differences += 1
        if not known:
            self.unexplained[found.signature()] += 1
        for signature in [each.title for each in known] or [found.signature()]:
            shortest = self.examples.get(signature)
            if shortest is None or len(found.example()) < len(shortest.example()):
                self.examples[signature] = found


def run(requests: int, seed: int, said: Callable[[Tally], None]) -> Tally:
    """``requests`` or a few more; ``said`` is called after each chapter."""
    tally = Tally()
    pair = Pair()
    try:
        while tally.requests < requests:
            _chapter(pair, random.Random(f"{seed}/{tally.chapters}"), tally)
            tally.chapters += 1
            said(tally)
    finally:
        pair.end()
    return tally


def _chapter(pair: Pair, dice: random.Random, tally: Tally) -> None:
    """Ends early when one server took a write that the other refused: from there on they hold different items."""
    current = table(dice, f"table-{tally.chapters}")
    try:
        _step(pair, "CreateTable", current.definition, current, tally)
        _wait(pair, current, there=True)
        for _ in range(CHAPTER_REQUESTS):
            operation, body = request(dice, current)
            if dice.random() < WRONG_SHARE:
                body = spoilt(dice, body)
            if not _step(pair, operation, body, current, tally):
                break
        _step(pair, "DeleteTable", {"TableName": current.name}, current, tally)
        _wait(pair, current, there=False)
    except ServerEnded:
        tally.crashes += 1


def _step(pair: Pair, operation: str, body: Body, current: Table, tally: Tally) -> bool:
    """Whether both still hold the same."""
    tally.requests += 1
    try:
        ours, theirs = pair.ask(operation, body)
    except ServerEnded:
        tally.crash_examples.append(f"{operation} {body}"[:300])
        raise
    found = difference(operation, body, ours, theirs, current)
    if found is not None:
        tally.count(found)
    elif ours[0] != 200:
        tally.refused += 1
    if operation == "UpdateItem" and ours[0] == theirs[0] == 200:
        _compare_stored(pair, body, tally)
    writes = operation in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
    return not writes or (ours[0] == 200) == (theirs[0] == 200)


def _compare_stored(pair: Pair, body: Body, tally: Tally) -> None:
    """What the update left. Where that differs, the item is removed from both, so that one difference shows once."""
    target = {"TableName": body["TableName"], "Key": body["Key"]}
    found = stored(body, *pair.ask("GetItem", target))
    tally.requests += 1
    if found is not None:
        tally.count(found)
        pair.ask("DeleteItem", target)


def _wait(pair: Pair, current: Table, *, there: bool) -> None:
    for _ in range(WAIT_STEPS):
        answers = pair.ask("DescribeTable", {"TableName": current.name})
        if all(
            (body.get("Table", {}).get("TableStatus") == "ACTIVE") if there else status == 400
            for status, body in answers
        ):
            return
        time.sleep(0.005)
    raise SystemExit(f"{current.name} does not become what it should; answers {answers}")
