"""The same expressions in request after request: compiled once, and still each request's own."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, definition

KEY = {"p": {"S": "a"}}


@pytest.fixture(autouse=True)
def table(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())


def update(dynamo: Dynamo, values: dict[str, Any], names: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"TableName": "users", "Key": KEY, "UpdateExpression": "SET #a = :v", "ReturnValues": "ALL_NEW", **more}
    names = names or {"#a": "n"}
    return dynamo("UpdateItem", ExpressionAttributeNames=names, ExpressionAttributeValues=values, **body)["Attributes"]


# One text stands for another update as soon as a value, its type or a name is another.
def test_the_same_text_with_other_values_and_names(dynamo: Dynamo) -> None:
    assert update(dynamo, {":v": {"N": "1"}})["n"] == {"N": "1"}
    assert update(dynamo, {":v": {"S": "1"}})["n"] == {"S": "1"}
    assert update(dynamo, {":v": {"N": "1"}}, {"#a": "m"}) == KEY | {"n": {"S": "1"}, "m": {"N": "1"}}


# A value that one request stored is shared with the next: later updates inside it must leave the shared one alone.
def test_a_stored_value_may_be_edited_later(dynamo: Dynamo) -> None:
    values = {":v": {"M": {"deep": {"L": [{"N": "1.0"}]}}}}
    stored = {"M": {"deep": {"L": [{"N": "1"}]}}}
    for _ in range(2):
        assert update(dynamo, values)["n"] == stored
        edit = "SET #a.deep[0] = :n, #a.more = :n ADD s :s"
        edited = update(dynamo, {":n": {"N": "2"}, ":s": {"SS": ["x"]}}, UpdateExpression=edit)
        assert edited["n"] == {"M": {"deep": {"L": [{"N": "2"}]}, "more": {"N": "2"}}}
        assert edited["s"] == {"SS": ["x"]}


# What is refused once is refused again, and the text with good values is not touched by it.
def test_refusals_are_not_remembered(dynamo: Dynamo) -> None:
    body: dict[str, Any] = {"TableName": "users", "Key": KEY, "UpdateExpression": "ADD n :v"}
    for _ in range(2):
        code, message = dynamo.refusal("UpdateItem", ExpressionAttributeValues={":v": {"S": "x"}}, **body)
        assert code == "ValidationException"
        assert "ADD, operand type: STRING" in message
    dynamo("UpdateItem", ExpressionAttributeValues={":v": {"N": "1"}}, **body)
    assert dynamo("GetItem", TableName="users", Key=KEY)["Item"]["n"] == {"N": "1"}


# Values nested deeper than the encoder of the cache's key goes are refused in AWS's words, not as a fault of ours.
def test_values_beyond_the_encoder(dynamo: Dynamo) -> None:
    value: dict[str, Any] = {"N": "1"}
    for _ in range(120):
        value = {"L": [value]}
    code, message = dynamo.refusal(
        "UpdateItem",
        TableName="users",
        Key=KEY,
        UpdateExpression="SET n = :v",
        ExpressionAttributeValues={":v": value},
    )
    assert (code, "Nesting Levels" in message) == ("ValidationException", True)
