"""Client tokens of transactions: where they hold, and when they are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.dynamodb import background_steps, keys
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import after_prefix

ACCOUNT = "000000000000"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
ADD_ONE = {
    "ClientRequestToken": "token",
    "TransactItems": [
        {
            "Update": {
                "TableName": "things",
                "Key": {"p": {"S": "x"}},
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        }
    ],
}


class Database:
    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store, self.clock, self.service = store, clock, DynamoDb(store)

    def ask(self, action: str, body: dict[str, Any], region: str = "us-east-1") -> Any:
        call = Call("id", ACCOUNT, region, ROOT, self.clock())
        operation, parameters = self.service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        self.service.run(operation, call, parameters, answers.append)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return orjson.loads(answer) if isinstance(answer, bytes) else answer

    def make(self, region: str = "us-east-1") -> None:
        body = {
            "TableName": "things",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        self.ask("CreateTable", body, region)

    def added(self, region: str = "us-east-1") -> str:
        got = self.ask("GetItem", {"TableName": "things", "Key": {"p": {"S": "x"}}}, region)
        return str(got["Item"]["n"]["N"])

    def forget(self) -> None:
        answers: list[Any] = []
        self.store.submit(background_steps.forget, keys.token_age_prefix(), answers.append)
        assert answers == [True]

    def stored(self, prefix: bytes) -> int:
        with self.store.view() as view:
            return sum(1 for _ in view.range(prefix, after_prefix(prefix)))


@pytest.fixture
def database() -> Iterator[Database]:
    clock = ManualClock()
    store = open_store(None, clock=clock)
    yield Database(store, clock)
    store.close()


# A region knows nothing of another's tokens: the same request under the same token is done in each, once.
def test_a_token_holds_in_its_region(database: Database) -> None:
    regions = ("us-east-1", "eu-west-1")
    for region in regions:
        database.make(region)
    for region in regions:
        database.ask("TransactWriteItems", ADD_ONE, region)
        database.ask("TransactWriteItems", ADD_ONE, region)
        assert database.added(region) == "1"


# A token used again after its ten minutes is a new one: forgetting the first use leaves the second alone.
def test_a_token_used_again_is_kept(database: Database) -> None:
    database.make()
    database.ask("TransactWriteItems", ADD_ONE)
    database.clock.advance(601)
    database.ask("TransactWriteItems", ADD_ONE)
    assert database.added() == "2"
    database.forget()
    database.ask("TransactWriteItems", ADD_ONE)
    assert database.added() == "2"
    database.clock.advance(601)
    database.forget()
    assert database.stored(keys.token_age_prefix()) == 0
    assert database.stored(keys.token_key(ACCOUNT, "us-east-1", "token")) == 0
