"""The checker finds what must never be: replicas that differ, or do not know each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from dynamo import ACCOUNT, Dynamo, definition
from replica_steps import HERE, THERE, add, put

from tabletop.base.clock import ManualClock
from tabletop.dynamodb import catalog, keys
from tabletop.storage.engine import open_store
from tabletop.storage.store import Batch, View


@pytest.fixture
def damaged() -> Iterator[Callable[[Callable[[View, Batch], None]], list[str]]]:
    """``damaged(change)``: what the checker says of two replicas with the items ``a`` and ``b`` after the change."""
    clock = ManualClock()
    store = open_store(None, clock=clock)
    dynamo = Dynamo(store, clock)
    dynamo("CreateTable", **definition())
    add(dynamo)
    put(dynamo, "a")
    put(dynamo, "b")
    assert dynamo.problems() == []

    def damage(change: Callable[[View, Batch], None]) -> list[str]:
        def plan(view: View, request: Any, now: float) -> tuple[None, Batch]:
            batch = Batch()
            change(view, batch)
            return None, batch

        asyncio.run(store.commit(plan, None))
        return dynamo.problems()

    yield damage
    store.close()


def stored(view: View, region: str) -> Any:
    found = catalog.find(view, ACCOUNT, region, "users")
    assert found is not None
    return found


# An item that only one replica has is found, even where counters agree with each table's own items.
def test_a_missing_item(damaged: Callable[..., list[str]]) -> None:
    def lose(view: View, batch: Batch) -> None:
        table = stored(view, THERE)
        key = keys.item_key(table, {"p": {"S": "a"}})
        value = view.get(key)
        assert value is not None
        batch.delete(key)
        batch.add(table.counter, -1, -int.from_bytes(value[:4], "big"))

    (problem,) = damaged(lose)
    assert "is not the same in" in problem


# So is one with another content, of the same size.
def test_another_item(damaged: Callable[..., list[str]]) -> None:
    def alter(view: View, batch: Batch) -> None:
        for region, attribute in ((HERE, "x"), (THERE, "y")):
            table = stored(view, region)
            value = (6).to_bytes(4, "big") + orjson.dumps({"p": {"S": "a"}, attribute: {"S": "123"}})
            batch.put(keys.item_key(table, {"p": {"S": "a"}}), value)
            batch.add(table.counter, 0, 4)

    (problem,) = damaged(alter)
    assert "is not the same in" in problem


# A replica that the other does not name would miss its writes.
def test_a_replica_that_is_not_named(damaged: Callable[..., list[str]]) -> None:
    def forget(view: View, batch: Batch) -> None:
        record = dict(stored(view, THERE).record)
        record["replicas"] = []
        catalog.store_record(batch, record)

    assert any("does not know its replica" in problem for problem in damaged(forget))
