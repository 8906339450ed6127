"""Long reads are done in steps, between which the event loop serves others; so many at once, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from dynamo import Dynamo
from vector_tables import numbers, put, table, vector_index

from tabletop.base.errors import ApiError
from tabletop.dynamodb import stepwise
from tabletop.dynamodb.stepwise import StepwiseReads
from tabletop.dynamodb.vectors import search
from tabletop.storage.store import View


def counting(steps: int, log: list[Any], name: Any = None) -> Any:
    def read(view: View) -> Generator[None, None, Any]:
        for step in range(steps):
            log.append((name, step))
            yield
        return name

    return read


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# Reads go on turn by turn: none waits for another's end, and other work of the loop comes between.
def test_reads_take_turns(dynamo: Dynamo) -> None:
    log: list[Any] = []

    async def work() -> None:
        reads = StepwiseReads(dynamo.store)
        answers: list[Any] = []
        for name in "ab":
            reads.run(counting(3, log, name), answers.append)
        log.append("loop")
        await turns(6)
        assert answers == ["a", "b"]

    asyncio.run(work())
    assert log == [("a", 0), ("b", 0), "loop", ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


# A read of one step is answered at once; one that fails answers with its error, and the next goes on.
def test_first_step_and_faults(dynamo: Dynamo) -> None:
    def failing(view: View) -> Generator[None, None, Any]:
        yield
        raise KeyError("x")

    async def work() -> None:
        reads = StepwiseReads(dynamo.store)
        answers: list[Any] = []
        reads.run(counting(0, [], "at once"), answers.append)
        assert answers == ["at once"]
        reads.run(failing, answers.append)
        await turns(3)
        assert isinstance(answers[1], KeyError)

    asyncio.run(work())


# Beyond so many at once reads wait for their turn, and beyond so many waiting they are refused.
def test_bounds(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepwise, "RUNNING_MAX", 2)
    monkeypatch.setattr(stepwise, "WAITING_MAX", 1)

    async def work() -> None:
        reads = StepwiseReads(dynamo.store)
        log: list[Any] = []
        answers: list[Any] = []
        for name in range(4):
            reads.run(counting(2, log, name), answers.append)
        assert [name for name, _ in log] == [0, 1]
        (refusal,) = answers
        assert isinstance(refusal, ApiError)
        assert refusal.code == "ThrottlingException"
        await turns(12)
        assert answers[1:] == [0, 1, 2]

    asyncio.run(work())


# A long search yields after a bounded number of vectors, sees one moment whatever is written meanwhile, and is right.
def test_search_in_steps(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEP_NUMBERS", 10 * (2 + search.ROW_NUMBERS))
    dynamo("CreateTable", **table(vector_index()))
    for number in range(95):
        put(dynamo, f"{number:02}", number, 0)
    body: dict[str, Any] = {"TableName": "users", "IndexName": "vix", "SearchVector": numbers(0, 0), "TopK": 95}
    answers: list[Any] = []

    async def work() -> int:
        dynamo.start("SearchVectors", answers.append, **body)
        assert answers == []
        dynamo("DeleteItem", TableName="users", Key={"p": {"S": "94"}})
        waited = 0
        while not answers and waited < 100:
            await asyncio.sleep(0)
            waited += 1
        return waited

    assert 8 <= asyncio.run(work()) <= 12
    assert answers[0].count(b'"Score"') == 95


# Making the answer takes steps as well, where the items are large.
def test_answer_in_steps(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEP_BYTES", 1000)
    dynamo("CreateTable", **table(vector_index()))
    for number in range(12):
        put(dynamo, f"{number:02}", number, 0, more={"S": "x" * 500})
    body: dict[str, Any] = {"TableName": "users", "IndexName": "vix", "SearchVector": numbers(0, 0), "TopK": 12}
    answers: list[Any] = []

    async def work() -> None:
        dynamo.start("SearchVectors", answers.append, **body)
        for _ in range(5):
            assert answers == []
            await asyncio.sleep(0)
        await turns(2)

    asyncio.run(work())
    assert answers[0].count(b'"Score"') == 12
