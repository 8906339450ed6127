"""Resource policies are stored with the table and given back; revisions guard them."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore, open_store

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Guarded"
POLICY = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def store() -> Iterator[LmdbStore]:
    store = open_store(None)
    yield store
    store.close()


def ask(store: LmdbStore, action: str, body: bytes) -> dict:
    root = Principal(kind="root", account="000000000000", arn="arn:aws:iam::000000000000:root", unique_id="0")
    call = Call(request_id="r", account="000000000000", region="us-east-1", principal=root, now=1_700_000_000.0)
    database = DynamoDb(store)
    answers: list = []
    operation, parameters = database.decode(action, body, call)
    database.run(operation, call, parameters, answers.append)
    (answer,) = answers
    if isinstance(answer, BaseException):
        raise answer
    return answer


# A policy comes back as it was put, the same policy keeps its revision, and after its deletion there is none.
def test_policy_life(store: LmdbStore) -> None:
    ask(
        store,
        "CreateTable",
        b'{"TableName":"Guarded","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],'
        b'"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}',
    )
    named = {"ResourceArn": ARN}
    with pytest.raises(ApiError) as refused:
        ask(store, "GetResourcePolicy", orjson.dumps(named))
    assert refused.value.code == "PolicyNotFoundException"
    put = orjson.dumps({**named, "Policy": POLICY, "ExpectedRevisionId": "NO_POLICY"})
    revision = ask(store, "PutResourcePolicy", put)["RevisionId"]
    assert ask(store, "GetResourcePolicy", orjson.dumps(named)) == {"Policy": POLICY, "RevisionId": revision}
    again = orjson.dumps({**named, "Policy": POLICY})
    assert ask(store, "PutResourcePolicy", again)["RevisionId"] == revision
    with pytest.raises(ApiError) as refused:
        ask(store, "PutResourcePolicy", put)
    assert refused.value.code == "PolicyNotFoundException"
    with pytest.raises(ApiError) as refused:
        ask(store, "PutResourcePolicy", orjson.dumps({**named, "Policy": "{"}))
    assert refused.value.code == "ValidationException"
    assert ask(store, "DeleteResourcePolicy", orjson.dumps(named)) == {"RevisionId": revision}
    assert ask(store, "DeleteResourcePolicy", orjson.dumps(named)) == {}


# Brackets nested deeper than the parser's stack are a syntax error like any other, and no fault of the server.
def test_deeply_nested_policy(store: LmdbStore) -> None:
    with pytest.raises(ApiError, match="Invalid policy document"):
        ask(store, "PutResourcePolicy", orjson.dumps({"ResourceArn": ARN, "Policy": "[" * 5_000}))
