"""Item operations on a store in memory, one call each, with two tables ready."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.constraints import check
from tabletop.dynamodb.validation_layers import worded
from tabletop.storage.engine import LmdbStore, open_store

ACCOUNT = "000000000000"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


class Database:
    """``db("GetItem", Key=...)`` answers with a dict; TableName is "single" (key p) unless another is given.

    The other table is "pairs" (keys p and the number c).
    """

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, action: str, **parameters: Any) -> dict[str, Any]:
        takes_table = not action.startswith(("Batch", "Transact"))
        given = {"TableName": "single", **parameters} if takes_table else parameters
        # Through JSON, as a request comes: operations make parameters canonical in place.
        body = orjson.loads(orjson.dumps(given))
        check(action, body)
        operation = OPERATIONS[action]
        try:
            request = operation.prepare(body, Call("id", ACCOUNT, "us-east-1", ROOT, self._clock()))
        except ApiError as error:
            raise worded(action, error) from error
        if operation.read is not None:
            with self._store.view() as view:
                answer = operation.read(view, request, self._clock())
        else:
            assert operation.plan is not None
            answer = asyncio.run(self._commit(operation.plan, request))
        return orjson.loads(answer) if isinstance(answer, bytes) else answer

    async def _commit(self, plan: Any, request: Any) -> Any:
        return await self._store.commit(plan, request)

    def refusal(self, action: str, **parameters: Any) -> str:
        """The message of the ValidationException that the request must raise."""
        with pytest.raises(ApiError) as raised:
            self(action, **parameters)
        assert raised.value.code == "ValidationException"
        assert raised.value.message is not None
        return raised.value.message

    def item(self, p: str) -> dict[str, Any] | None:
        return self("GetItem", Key={"p": {"S": p}}).get("Item")


@pytest.fixture(scope="module")
def _database() -> Iterator[Database]:
    clock = ManualClock()
    store = open_store(None, clock=clock)
    database = Database(store, clock)
    keys = {"p": "S", "c": "N"}
    for name, parts in (("single", "p"), ("pairs", "pc")):
        database(
            "CreateTable",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": part, "AttributeType": keys[part]} for part in parts],
            KeySchema=[{"AttributeName": part, "KeyType": "HASH" if part == "p" else "RANGE"} for part in parts],
            BillingMode="PAY_PER_REQUEST",
        )
    yield database
    store.close()


@pytest.fixture
def db(_database: Database) -> Database:
    """The module's database, with every item of both tables deleted."""
    for name, parts in (("single", "p"), ("pairs", "pc")):
        for item in _database("Scan", TableName=name)["Items"]:
            _database("DeleteItem", TableName=name, Key={part: item[part] for part in parts})
    return _database
