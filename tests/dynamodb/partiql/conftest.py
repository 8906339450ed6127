"""Statements as the service runs them, over a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.constraints import check
from tabletop.storage.engine import open_store
from tabletop.storage.store import Store

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


class Database:
    """Requests to the operations; ``done`` is called at once, since an in-memory store commits where it is asked to."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    def __call__(self, action: str, **body: Any) -> Any:
        body = orjson.loads(orjson.dumps(body))
        check(action, body)
        operation = OPERATIONS[action]
        request = operation.prepare(body, Call("id", ACCOUNT, REGION, ROOT, self.clock()))
        if operation.read is not None:
            with self.store.view() as view:
                return _plain(operation.read(view, request, self.clock()))
        assert operation.plan is not None
        answers: list[Any] = []
        self.store.submit(operation.plan, request, answers.append)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return _plain(answer)

    def run(self, statement: str, *parameters: Any, **more: Any) -> Any:
        if parameters:
            more["Parameters"] = list(parameters)
        return self("ExecuteStatement", Statement=statement, **more)

    def items(self, statement: str, *parameters: Any, **more: Any) -> list[Any]:
        return self.run(statement, *parameters, **more)["Items"]

    def refusal(self, statement: str, *parameters: Any, **more: Any) -> tuple[str, str | None]:
        with pytest.raises(ApiError) as raised:
            self.run(statement, *parameters, **more)
        return raised.value.code, raised.value.message

    def item(self, p: str, s: int) -> Any:
        return self("GetItem", TableName="music", Key={"p": {"S": p}, "s": {"N": str(s)}}).get("Item")


def _plain(answer: Any) -> Any:
    return orjson.loads(answer if isinstance(answer, bytes) else orjson.dumps(answer))


@pytest.fixture
def database() -> Iterator[Database]:
    """A table "music" keyed by p (a string) and s (a number), with a global index by g and s and a local one by t."""
    clock = ManualClock()
    store = open_store(None, clock=clock)
    database = Database(store, clock)
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    database(
        "CreateTable",
        TableName="music",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in ("pS", "sN", "gS", "tS")],
        KeySchema=_keys("p", "s"),
        GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": _keys("g", "s"), "Projection": keys_only}],
        LocalSecondaryIndexes=[{"IndexName": "by-t", "KeySchema": _keys("p", "t"), "Projection": keys_only}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield database
    store.close()


@pytest.fixture
def music(database: Database) -> Database:
    """The table with items (a, 1) to (a, 5) and (b, 1) to (b, 3), each with n, g, t and a map."""
    for p, count in (("a", 5), ("b", 3)):
        for s in range(1, count + 1):
            database(
                "PutItem",
                TableName="music",
                Item={
                    "p": {"S": p},
                    "s": {"N": str(s)},
                    "n": {"N": str(s * 10)},
                    "g": {"S": f"g{s % 2}"},
                    "t": {"S": f"t{9 - s}"},
                    "m": {"M": {"items": {"L": [{"N": "7"}, {"S": "x"}]}, "deep": {"M": {"a b": {"BOOL": True}}}}},
                    "tags": {"SS": ["one", "two"]},
                },
            )
    return database


def _keys(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_name, "KeyType": "HASH"}, {"AttributeName": range_name, "KeyType": "RANGE"}]
