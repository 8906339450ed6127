"""ARNs as table names: only those of tables in the caller's account and region, so that policies and store mean one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore, open_store

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Table"
ROOT = Principal(kind="root", account="000000000000", arn="arn:aws:iam::000000000000:root", unique_id="0")
CALL = Call(request_id="r", account="000000000000", region="us-east-1", principal=ROOT, now=1_700_000_000.0)


@pytest.fixture
def store() -> Iterator[LmdbStore]:
    store = open_store(None)
    yield store
    store.close()


def code(store: LmdbStore, action: str, **body: object) -> str:
    try:
        DynamoDb(store).decode(action, orjson.dumps(body), replace(CALL))
    except ApiError as error:
        return error.code
    return "accepted"


# An ARN that would name one table to a policy and another to the store, or none at all, is refused in every place of a name.
@pytest.mark.parametrize(
    ("arn", "answer"),
    [
        (ARN, "accepted"),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/Public/index/Secret", "ValidationException"),
        ("arn:aws:dynamodb:eu-west-1:000000000000:table/Table", "ResourceNotFoundException"),
        ("arn:aws:dynamodb:eu-west-1:111111111111:table/Table", "ResourceNotFoundException"),
        ("arn:x/Table", "ValidationException"),
        ("arn:x/a\0b", "ValidationException"),
        ("arn:", "ValidationException"),
    ],
)
def test_arns_that_are_taken(store: LmdbStore, arn: str, answer: str) -> None:
    key = {"p": {"S": "1"}}
    assert code(store, "GetItem", TableName=arn, Key=key) == answer
    assert code(store, "DescribeTable", TableName=arn) == answer
    assert code(store, "BatchGetItem", RequestItems={arn: {"Keys": [key]}}) == answer
    assert code(store, "TransactGetItems", TransactItems=[{"Get": {"TableName": arn, "Key": key}}]) == answer
    assert code(store, "TransactWriteItems", TransactItems=[{"Delete": {"TableName": arn, "Key": key}}]) == answer


# A request about tables of one other account is one to that account, with its caller's identity; about two it is refused.
def test_tables_of_another_account(store: LmdbStore) -> None:
    theirs, third = ARN.replace("000000000000", "111111111111"), ARN.replace("000000000000", "222222222222")
    key = {"p": {"S": "1"}}

    def account(action: str, **body: object) -> str:
        call = replace(CALL)
        try:
            DynamoDb(store).decode(action, orjson.dumps(body), call)
        except ApiError as error:
            return error.code
        assert call.principal.account == "000000000000"
        return call.account

    assert account("GetItem", TableName=theirs, Key=key) == "111111111111"
    assert account("BatchGetItem", RequestItems={theirs: {"Keys": [key]}}) == "111111111111"
    for other in (third, ARN, "Table"):
        requests = {theirs: {"Keys": [key]}, other: {"Keys": [key]}}
        assert account("BatchGetItem", RequestItems=requests) == "ResourceNotFoundException"
        gets = [{"Get": {"TableName": name, "Key": key}} for name in (theirs, other)]
        assert account("TransactGetItems", TransactItems=gets) == "ResourceNotFoundException"
    assert account("GetItem", TableName=theirs, Key=key, RequestItems={"Table": 1}) == "ResourceNotFoundException"
    assert account("DeleteTable", TableName=theirs) == "ResourceNotFoundException"


# What policies are held against is made of the name that the store uses.
def test_targets_name_the_table_that_is_used(store: LmdbStore) -> None:
    operation, body = DynamoDb(store).decode("GetItem", orjson.dumps({"TableName": ARN, "Key": {}}), CALL)
    assert operation.targets(body, CALL) == [("dynamodb:GetItem", ARN)]


# Members that an action does not have are ignored, whatever they hold, also under the names that tables stand under.
@pytest.mark.parametrize("value", [{"a": 1}, [1], 1, "text", [[{"TableName": 1}]]], ids=str)
def test_unknown_members_of_any_type(store: LmdbStore, value: object) -> None:
    assert code(store, "ListTables", TableName=value, RequestItems=value, TransactItems=value) == "accepted"
    put = {"TableName": "Table", "Item": {"p": {"S": "1"}}}
    assert (
        code(store, "TransactWriteItems", TransactItems=[{"Put": put, "Unknown": {"TableName": value}}]) == "accepted"
    )
