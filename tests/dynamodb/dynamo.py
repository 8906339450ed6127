"""DynamoDB in this process over a store in memory, from the decoding of a request to its answer, with a clock of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb import checker
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)

Refusal = tuple[str, str]
"""(error code, message)"""


class Dynamo:
    """One account's requests: ``dynamo("PutItem", TableName=...)`` answers, or raises ApiError."""

    def __init__(self, store: LmdbStore, clock: ManualClock, region: str = REGION) -> None:
        self.store, self.clock, self.region = store, clock, region
        self.service = DynamoDb(store)
        self._background = Background(store, clock)

    def __call__(self, action: str, **body: Any) -> Any:
        answers: list[Any] = []
        self.start(action, answers.append, **body)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return orjson.loads(answer if isinstance(answer, bytes) else orjson.dumps(answer))

    def start(self, action: str, done: Callable[[Any], None], **body: Any) -> None:
        """``done`` gets the answer or the error, later if the action takes steps and an event loop runs."""
        call = Call("id", ACCOUNT, self.region, ROOT, self.clock())
        operation, parameters = self.service.decode(action, orjson.dumps(body), call)
        self.service.run(operation, call, parameters, done)

    def at(self, region: str) -> Dynamo:
        """The same account in another region."""
        return Dynamo(self.store, self.clock, region)

    def refusal(self, action: str, **body: Any) -> Refusal:
        with pytest.raises(ApiError) as raised:
            self(action, **body)
        return raised.value.code, raised.value.message or ""

    def settle(self) -> None:
        """Do all background work that is due."""
        assert self.work(200), "background work does not end"

    def work(self, rounds: int) -> bool:
        """Do background work, a step of each piece in every round; whether all is done."""

        async def step() -> bool:
            return await self._background.step_all()

        return any(not asyncio.run(step()) for _ in range(rounds))

    def problems(self) -> list[str]:
        with self.store.view() as view:
            return list(checker.problems(view))


def definition(**changes: Any) -> dict[str, Any]:
    """Of a table ``users`` with partition key ``p``; None takes a member away."""
    body = {
        "TableName": "users",
        "AttributeDefinitions": attributes(p="S"),
        "KeySchema": key_schema("p"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def attributes(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def key_schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def index(name: str, *names: str, projection: str = "ALL", included: tuple[str, ...] = ()) -> dict[str, Any]:
    shown: dict[str, Any] = {"ProjectionType": projection}
    if included:
        shown["NonKeyAttributes"] = list(included)
    return {"IndexName": name, "KeySchema": key_schema(*names), "Projection": shown}
