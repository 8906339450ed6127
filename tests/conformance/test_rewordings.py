"""The messages that AWS reworded in 2026, over the wire: by boto3, and by signed HTTP without a client's help."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

KEY = {"p": {"S": "a"}}
ONE = "1 validation error detected: "
NOTHING = "failed to satisfy constraint: Member must have length greater than or equal to 1"
RETURN_VALUES = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
LEAST = "failed to satisfy constraint: Member must have value greater than or equal to 1"
CAPACITY = "failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
BAD_ENUMS = {"ReturnValues": "X", "ReturnConsumedCapacity": "Y", "ReturnItemCollectionMetrics": "Z"}
EMPTY_SET = {"SS": list[str]()}
EMPTY_SET_WORDS = ONE + "One or more parameter values were invalid: An string set  may not be empty"
SYNTAX = 'Expression: Syntax error; token: "<EOF>", near: "("'

REWORDINGS: list[tuple[str, dict[str, Any], str]] = [
    *(
        (action, {"TableName": "", **more}, f"{ONE}Value at 'TableName' {NOTHING}")
        for action, more in (
            ("PutItem", {"Item": KEY}),
            ("GetItem", {"Key": KEY}),
            ("UpdateItem", {"Key": KEY}),
            ("DeleteItem", {"Key": KEY}),
            ("Query", {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": KEY["p"]}}),
            ("Scan", {}),
        )
    ),
    ("PutItem", {"Item": KEY, "ConditionExpression": "a("}, f"{ONE}Invalid Condition{SYNTAX}"),
    ("UpdateItem", {"Key": KEY, "ConditionExpression": "a("}, f"{ONE}Invalid Condition{SYNTAX}"),
    ("DeleteItem", {"Key": KEY, "ConditionExpression": "a("}, f"{ONE}Invalid Condition{SYNTAX}"),
    ("PutItem", {"Item": KEY | {"s": EMPTY_SET}}, EMPTY_SET_WORDS),
    (
        "UpdateItem",
        {"Key": KEY, "UpdateExpression": "SET s = :s", "ExpressionAttributeValues": {":s": EMPTY_SET}},
        f"{ONE}ExpressionAttributeValues contains invalid value: {EMPTY_SET_WORDS.removeprefix(ONE)} for key :s",
    ),
    ("PutItem", {"Item": KEY, "ReturnValues": "X"}, f"{ONE}{RETURN_VALUES}"),
    ("DeleteItem", {"Key": KEY, "ReturnValues": "X"}, f"{ONE}{RETURN_VALUES}"),
    ("UpdateItem", {"Key": KEY, "ReturnValues": "X"}, f"{ONE}{RETURN_VALUES}"),
    ("UpdateItem", {"Key": KEY, **BAD_ENUMS}, f"{ONE}{RETURN_VALUES}"),
    ("UpdateItem", {"Key": KEY, "ReturnConsumedCapacity": "Y"}, f"Value 'Y' at 'returnConsumedCapacity' {CAPACITY}"),
    ("Query", {"Limit": 0, "KeyConditionExpression": "p = :p"}, f"{ONE}Value at 'Limit' {LEAST}"),
    (
        "Scan",
        {"Limit": 0, "TotalSegments": 0},
        f"2 validation errors detected: Value at 'Limit' {LEAST}; Value at 'TotalSegments' {LEAST}",
    ),
    ("PutItem", {"Item": KEY | {"n": {"N": "x"}}}, f"{ONE}The parameter cannot be converted to a numeric value: x"),
    ("GetItem", {"Key": {"p": {"N": ""}}}, "The parameter cannot be converted to a numeric value: "),
    ("DeleteItem", {"Key": KEY, "ReturnValues": "ALL_NEW"}, f"{ONE}ReturnValues can only be ALL_OLD or NONE"),
    (
        "PutItem",
        {"Item": KEY, "ConditionalOperator": "X"},
        f"{ONE}ConditionalOperator cannot be used without Filter or Expected",
    ),
    (
        "UpdateItem",
        {"Key": KEY, "AttributeUpdates": {"a": {"Action": "X"}}},
        f"{ONE}Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action",
    ),
    ("BatchGetItem", {"RequestItems": {}}, f"{ONE}Value at 'RequestItems' {NOTHING}"),
    (
        "BatchGetItem",
        {"RequestItems": {"abc": {"Keys": []}}},
        f"{ONE}Value at 'RequestItems.abc.member.Keys' {NOTHING}",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {"a!": {"Keys": [KEY]}}},
        ONE + """Value '{"a!":{"Keys":[{"p":{"S":"a"}}]}}' at 'requestItems' failed to satisfy constraint: """
        "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length "
        "greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{}]},
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
    ),
    ("BatchWriteItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchWriteItem"),
]


def _with_table(action: str, body: dict[str, Any], table: str) -> dict[str, Any]:
    return body if "TableName" in body or action.startswith(("Batch", "Transact")) else {"TableName": table, **body}


# boto3, which validates nothing here, shows each message as its users would see it.
@pytest.mark.parametrize(("action", "body", "message"), REWORDINGS)
def test_by_boto3(
    dynamodb: Any, simple: str, refusal: Callable[..., Any], action: str, body: dict[str, Any], message: str
) -> None:
    operation = getattr(dynamodb, re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower())
    assert refusal(operation, **_with_table(action, body, simple)) == ("ValidationException", message)


# The same over plain HTTP: the status, the type's whole name and the member that carries the message.
@pytest.mark.parametrize(("action", "body", "message"), REWORDINGS)
def test_by_http(dynamodb: Any, simple: str, action: str, body: dict[str, Any], message: str) -> None:
    url = dynamodb.meta.endpoint_url
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"DynamoDB_20120810.{action}",
        "Host": urlsplit(url).netloc,
    }
    request = AWSRequest("POST", url + "/", headers=headers, data=orjson.dumps(_with_table(action, body, simple)))
    credentials = dynamodb._request_signer._credentials
    SigV4Auth(credentials, "dynamodb", dynamodb.meta.region_name).add_auth(request)
    secure = url.startswith("https:")
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(urlsplit(url).netloc)
    try:
        connection.request("POST", "/", request.body, dict(request.headers))
        answer = connection.getresponse()
        told = orjson.loads(answer.read())
    finally:
        connection.close()
    assert answer.status == 400
    assert told == {"__type": "com.amazon.coral.validate#ValidationException", "message": message}
