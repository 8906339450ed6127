"""What the user manager refuses before it asks the database, and how it meets a busy database; no endpoint needed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

EXAMPLE = Path(__file__).parents[2] / "examples" / "user_manager"
USER = {"userId": "user-101", "email": "test@example.com"}

INVALID: list[dict[str, Any]] = [
    {"action": "CREATE"},
    {"action": "CREATE", "data": {}},
    {"action": "CREATE", "data": "user-101"},
    {"action": "CREATE", "data": {"userId": "user-101"}},
    {"action": "CREATE", "data": {**USER, "userId": ""}},
    {"action": "CREATE", "data": {**USER, "userId": 7}},
    {"action": "CREATE", "data": {**USER, "userId": "email#x"}},
    {"action": "CREATE", "data": {**USER, "userId": "x" * 257}},
    {"action": "CREATE", "data": {**USER, "email": "test"}},
    {"action": "CREATE", "data": {**USER, "email": "a b@example.com"}},
    {"action": "CREATE", "data": {**USER, "age": "25"}},
    {"action": "CREATE", "data": {**USER, "age": -1}},
    {"action": "CREATE", "data": {**USER, "age": 151}},
    {"action": "CREATE", "data": {**USER, "age": 25.5}},
    {"action": "CREATE", "data": {**USER, "age": True}},
    {"action": "CREATE", "data": {**USER, "credits": -1}},
    {"action": "CREATE", "data": {**USER, "name": " "}},
    {"action": "CREATE", "data": {**USER, "version": 9}},
    {"action": "CREATE", "data": {**USER, "ttlSeconds": 0}},
    {"action": "CREATE", "data": {**USER, "ttlSeconds": 1.5}},
    {"action": "CREATE", "data": {**USER, "": 1}},
    {"action": "CREATE", "data": {**USER, "x" * 256: 1}},
    {"action": "CREATE", "data": {**USER, "score": 10**38 + 1}},
    {"action": "CREATE", "data": {**USER, "score": float("inf")}},
    {"action": "READ"},
    {"action": "READ", "userId": None},
    {"action": "UPDATE", "userId": "user-101"},
    {"action": "UPDATE", "userId": "user-101", "updates": {}},
    {"action": "UPDATE", "userId": "user-101", "updates": {"userId": "x"}},
    {"action": "UPDATE", "userId": "user-101", "updates": {"email": None}},
    {"action": "UPDATE", "userId": "user-101", "updates": {"age": 1}, "expectedVersion": 0},
    {"action": "UPDATE", "userId": "user-101", "updates": {"age": 1}, "expectedVersion": "1"},
    {"action": "DELETE", "userId": []},
    {"action": "LIST", "limit": 0},
    {"action": "LIST", "limit": 101},
    {"action": "LIST", "limit": True},
    {"action": "LIST", "nextToken": "no token"},
    {"action": "LIST", "nextToken": "e30="},
    {"action": "LIST", "nextToken": 5},
    {"action": "FIND_BY_EMAIL"},
    {"action": "ADD_RECORD", "userId": "user-101", "record": {"createdAt": "yesterday"}},
    {"action": "LIST_RECORDS", "userId": "user-101", "since": "2026-02-01", "until": "2026-01-01"},
    {"action": "BATCH_CREATE", "users": []},
    {"action": "BATCH_CREATE", "users": ["user-101"]},
    {"action": "BATCH_CREATE", "users": [USER, USER]},
    {"action": "BATCH_READ", "userIds": ["x"] * 2},
    {"action": "BATCH_READ", "userIds": [str(number) for number in range(101)]},
    {"action": "UPDATE_IF_GREATER", "userId": "user-101", "attribute": "age", "value": "30"},
    {"action": "UPDATE_IF_GREATER", "userId": "user-101", "attribute": "version", "value": 30},
    {"action": "TRANSFER", "from": "a", "to": "a", "amount": 1},
    {"action": "TRANSFER", "from": "a", "to": "b", "amount": 0},
    {"action": "TRANSFER", "from": "a", "to": "b", "amount": 1, "transferId": "x" * 37},
]


# Wrong input is the caller's to mend: always 400 with a code and a sentence, and the database is never asked.
@pytest.mark.parametrize("event", INVALID, ids=lambda event: json.dumps(event)[:70])
def test_wrong_input_is_refused(call_unstored: Any, event: dict[str, Any]) -> None:
    status, body = call_unstored(**event)
    assert (status, body["error"]) == (400, "InvalidInput")
    assert body["message"].endswith(".")


# Whatever arrives as an event, the answer is an error result and not an exception.
@pytest.mark.parametrize("event", [None, [], "READ", 5, {}, {"action": None}, {"action": ["READ"]}, {"action": "read"}])
def test_an_unknown_action_is_refused(function: ModuleType, event: Any) -> None:
    answer = function.lambda_handler(event, None)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == "UnknownAction"


# Decimals leave as JSON numbers with every digit; anything else is as json.dumps would have it.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+2"), "100"),
        (Decimal("0.10"), "0.10"),
        (Decimal("12345678901234567890123456789012345678"), "12345678901234567890123456789012345678"),
        ({"a": [Decimal(1), None, True, 'é"']}, '{"a": [1, null, true, "é\\""]}'),
        ({"b", "a"}, '["a", "b"]'),
        (b"\x00\xff", '"AP8="'),
    ],
)
def test_to_json(function: ModuleType, value: Any, text: str) -> None:
    assert function.to_json(value) == text
    json.loads(text)


# A busy table leaves part of a batch: only that part is sent again, until nothing is left.
def test_unprocessed_items_are_sent_again(function: ModuleType) -> None:
    requests: list[list[str]] = []

    def one_at_a_time(**arguments: Any) -> dict[str, Any]:
        entries = arguments["RequestItems"]["Users"]
        requests.append([entry["PutRequest"]["Item"]["userId"] for entry in entries])
        return {"UnprocessedItems": {"Users": entries[1:]} if entries[1:] else {}}

    function.client.batch_write_item = one_at_a_time
    assert function.batch_write([{"userId": user_id} for user_id in "abc"]) == set()
    assert requests == [["a", "b", "c"], ["b", "c"], ["c"]]


# A table that stays busy ends the retries, and the caller learns what was not written.
def test_retries_of_a_batch_are_bounded(function: ModuleType) -> None:
    attempts = 0

    def never(**arguments: Any) -> dict[str, Any]:
        nonlocal attempts
        attempts += 1
        return {"UnprocessedItems": arguments["RequestItems"]}

    function.client.batch_write_item = never
    assert function.batch_write([{"userId": "a"}]) == {"a"}
    assert attempts == function.ATTEMPTS_MAX


# What was read before the table got busy is kept, and the rest is named.
def test_unprocessed_keys_are_asked_for_again(function: ModuleType) -> None:
    def one_at_a_time(**arguments: Any) -> dict[str, Any]:
        keys = arguments["RequestItems"]["Users"]["Keys"]
        left = {"Users": {"Keys": keys[1:]}} if keys[1:] else {}
        return {"Responses": {"Users": [keys[0]]}, "UnprocessedKeys": left}

    function.client.batch_get_item = one_at_a_time
    assert function.batch_get(["a", "b"]) == ({"a": {"userId": "a"}, "b": {"userId": "b"}}, [])
    many = [str(number) for number in range(function.ATTEMPTS_MAX + 2)]
    assert function.batch_get(many)[1] == many[-2:]


# Two transactions that met are nobody's mistake: the same one is sent again under the same token, within bounds.
def test_a_transaction_conflict_is_tried_again(function: ModuleType) -> None:
    with Stubber(function.client) as stub:
        conflict = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
        cancelled = ("transact_write_items", "TransactionCanceledException", "Transaction cancelled", 400)
        statement = {"Put": {"TableName": "Users", "Item": {"userId": "user-101"}}}
        steps = [(statement, lambda old: AssertionError("no condition failed"))]
        expected = {"TransactItems": [statement], "ClientRequestToken": "t"}
        stub.add_client_error(*cancelled, modeled_fields=conflict, expected_params=expected)
        stub.add_response("transact_write_items", {}, expected)
        function.transact(steps, token="t")
        stub.assert_no_pending_responses()
        for _ in range(function.ATTEMPTS_MAX):
            stub.add_client_error(*cancelled, modeled_fields=conflict)
        with pytest.raises(function.Refused) as refusal:
            function.transact(steps, token="t")
        assert refusal.value.body["error"] == "Busy"


# A missing permission is the operator's fault: the invocation must fail, so that alarms and retries see it.
def test_a_refused_permission_fails_the_invocation(function: ModuleType) -> None:
    with Stubber(function.users.meta.client) as stub:
        stub.add_client_error("get_item", "AccessDeniedException", "not authorized", 400)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            function.lambda_handler({"action": "READ", "userId": "user-101"}, None)


# Pauses grow and stay within Lambda's default time limit of three seconds.
def test_pauses_are_bounded(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(function.time, "sleep", pauses.append)
    monkeypatch.setattr(function.random, "uniform", lambda low, high: high)
    for attempt in range(1, function.ATTEMPTS_MAX + 1):
        function.real_pause(attempt)
    assert pauses == sorted(pauses)
    assert sum(pauses) < 2.5


# The tutorial's policy is the base, word for word, and nothing beyond the challenge actions' needs is added to it.
def test_the_policy_grants_what_the_actions_need_and_no_more() -> None:
    statements = json.loads((EXAMPLE / "dynamodb-lambda-policy.json").read_text())["Statement"]
    six = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"]
    assert statements[0]["Action"] == [f"dynamodb:{name}" for name in six]
    assert all("*" not in action for statement in statements for action in statement["Action"])
    granted = {
        action
        for statement in statements[2:]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    extra = {"BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "PutItem", "Query"}
    assert granted == {f"dynamodb:{name}" for name in extra}


# The table definitions are what boto3 and the CLI take.
@pytest.mark.parametrize("name", ["users-table.json", "user-records-table.json"])
def test_table_definitions_are_valid_requests(aws_environment: pytest.MonkeyPatch, name: str) -> None:
    client = boto3.client("dynamodb")
    definition = json.loads((EXAMPLE / name).read_text())
    with Stubber(client) as stub:
        stub.add_response("create_table", {}, definition)
        client.create_table(**definition)
