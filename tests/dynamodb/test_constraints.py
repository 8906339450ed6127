"""Types and constraints of requests, and the words of their errors."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.constraint_model import service_model
from tabletop.dynamodb.constraints import check, known_actions


def refusal(action: str, body: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as raised:
        check(action, body)
    return raised.value.code, raised.value.message


def violation(action: str, body: Any) -> str:
    code, message = refusal(action, body)
    assert code == "ValidationException"
    assert message is not None
    return message


_CODES = (None, "SerializationException", "ValidationException")


def code_of(action: str, body: Any) -> str | None:
    try:
        check(action, body)
    except ApiError as error:
        return error.code
    return None


# Each JSON type that does not fit has its own words, those of AWS's deserialiser.
@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("GetItem", {"TableName": 1}, "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": True}, "TRUE_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": ["a"]}, "Unrecognized collection type class java.lang.String"),
        ("GetItem", {"TableName": {}}, "Start of structure or map found where not expected"),
        ("GetItem", {"ConsistentRead": "maybe"}, "Unexpected token received from parser"),
        ("GetItem", {"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ("GetItem", {"Key": "a"}, "Unexpected field type"),
        (
            "GetItem",
            {"Key": []},
            "Unrecognized collection type "
            "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        ("GetItem", {"AttributesToGet": {}}, "Start of structure or map found where not expected"),
        ("GetItem", {"AttributesToGet": "a"}, "Unexpected field type"),
        ("Query", {"Limit": "1"}, "STRING_VALUE cannot be converted to Integer"),
        ("CreateTable", {"KeySchema": ["a"]}, "Unexpected value type in payload"),
        ("CreateTable", {"ProvisionedThroughput": 5}, "Unexpected field type"),
        (
            "CreateTable",
            {"ProvisionedThroughput": {"ReadCapacityUnits": "1"}},
            "STRING_VALUE cannot be converted to Long",
        ),
        ("PutItem", 7, "Unexpected value type in payload"),
    ],
)
def test_wrong_types(action: str, body: Any, message: str) -> None:
    assert refusal(action, body) == ("SerializationException", message)


# All violations of a request are told together, in AWS's order, which is not the model's.
def test_violations_together_in_order() -> None:
    body = {"TableName": "ab;", "ReturnConsumedCapacity": "hi", "ReturnItemCollectionMetrics": "hi"}
    assert violation("PutItem", body) == (
        "4 validation errors detected: "
        "Value 'ab;' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value null at 'item' failed to satisfy constraint: Member must not be null; "
        "Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: "
        "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; "
        "Value 'hi' at 'returnItemCollectionMetrics' failed to satisfy constraint: "
        "Member must satisfy enum value set: [SIZE, NONE]"
    )


# Violations inside lists and structures name the place; lists count from one.
def test_violations_inside() -> None:
    body = {"TableName": "abc", "KeySchema": [], "AttributeDefinitions": [{"AttributeType": "Q"}]}
    assert violation("CreateTable", body) == (
        "3 validation errors detected: "
        "Value null at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: "
        "Member must not be null; "
        "Value 'Q' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [B, N, S]; "
        "Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1"
    )


# The list of violations ends at ten, as AWS's does.
@pytest.mark.parametrize(("bad", "told"), [(9, 9), (10, 10), (11, 10)])
def test_violations_limit(bad: int, told: int) -> None:
    tags = [{"Key": "", "Value": "x"}] * bad
    message = violation("TagResource", {"ResourceArn": "arn:x", "Tags": tags})
    assert message.startswith(f"{told} validation error")
    assert message.count("; ") == told - 1


# Table operations check the name before all else, in words of their own; item operations within the list.
def test_table_names() -> None:
    missing = "The parameter 'TableName' is required but was not present in the request"
    length = "TableName must be at least 3 characters long and at most 255 characters long"
    assert violation("DescribeTable", {}) == missing
    assert violation("CreateTable", {"TableName": "ab", "KeySchema": []}) == length
    assert violation("DeleteTable", {"TableName": "a" * 256}) == length
    assert "at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern" in violation(
        "DeleteTable", {"TableName": "a@b"}
    )
    assert violation("GetItem", {"Key": {}}) == (
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"
    )
    assert "Value at 'TableName' failed to satisfy constraint" in violation("GetItem", {"TableName": "", "Key": {}})
    check("DescribeTable", {"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/abc"})
    check("DescribeTable", {"TableName": "abc"})
    check("DescribeTable", {"TableName": "a" * 255})


# Since the rewording of 2026, ReturnValues is not named, and UpdateItem tells one bad enumeration only.
def test_todays_enumeration_errors() -> None:
    body = {"TableName": "abc", "Key": {}, "ReturnValues": "x"}
    unnamed = (
        "1 validation error detected: Failed to satisfy constraint: Member must satisfy enum value set: "
        "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
    )
    assert violation("DeleteItem", dict(body)) == unnamed
    assert violation("UpdateItem", {**body, "ReturnConsumedCapacity": "y"}) == unnamed
    # Two of UpdateItem's stand without the envelope; without its key the older layer tells everything, by name.
    alone = violation("UpdateItem", {"TableName": "abc", "Key": {}, "ReturnConsumedCapacity": "y"})
    assert alone.startswith("Value 'y' at 'returnConsumedCapacity'")
    older = violation("UpdateItem", {"TableName": "abc", "ReturnValues": "x", "ReturnConsumedCapacity": "y"})
    assert older.startswith("3 validation errors detected: Value 'y' at 'returnConsumedCapacity'")
    assert "Value 'x' at 'returnValues'" in older
    assert older.endswith("Value null at 'key' failed to satisfy constraint: Member must not be null")


# Null members are as absent; numbers with fractions and words for booleans are converted; unknown members pass.
def test_unusual_but_right() -> None:
    body = {"TableName": "abc", "Limit": 2.5, "ConsistentRead": "TRUE", "IndexName": None, "Whatever": 1}
    check("Query", body)
    assert body == {"TableName": "abc", "Limit": 2, "ConsistentRead": True, "Whatever": 1}
    check("ListTables", {})


# Bounds of numbers, at and beyond them.
def test_number_bounds() -> None:
    for limit in (1, 100):
        check("ListTables", {"Limit": limit})
    assert violation("ListTables", {"Limit": 0}).endswith("Member must have value greater than or equal to 1")
    assert violation("ListTables", {"Limit": 101}).endswith("Member must have value less than or equal to 100")


# The lengths of a map's lists are told once, at the map.
def test_map_values() -> None:
    assert violation("BatchWriteItem", {"RequestItems": {"abc": []}}) == (
        "1 validation error detected: Value '{abc=[]}' at 'requestItems' failed to satisfy constraint: "
        "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
        "Member must have length greater than or equal to 1]"
    )


# Whatever JSON is sent to whatever action: it passes, or is refused with one of two errors; nothing else is raised.
@pytest.mark.parametrize("junk", [None, True, 0, 1.5, "", "x", [], [None], {}, {"S": 1}, [[{}]], {"a": {"b": [1]}}])
def test_junk_in_every_member(junk: Any) -> None:
    for service in ("dynamodb", "dynamodbstreams"):
        model = service_model(service)
        for action, operation in model["operations"].items():
            for member in model["shapes"][operation["input"]["shape"]]["members"]:
                assert code_of(action, {"TableName": "abc", member: junk}) in _CODES


# Every action of today's models can be compiled.
def test_all_actions() -> None:
    assert {"PutItem", "GetRecords", "SearchVectors"} <= known_actions()


# An integer beyond what its type holds is refused, and is no fault of ours further in; those of Query and Scan saturate.
@pytest.mark.parametrize("limit", [1 << 31, 3_000_000_000, 1 << 63, -(1 << 70)])
def test_integers_beyond_their_type(limit: int) -> None:
    with pytest.raises(ApiError):
        check("ListTables", {"Limit": limit})
    body = {"TableName": "Table", "Limit": limit}
    if limit < 0:
        assert violation("Scan", body) == (
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    else:
        check("Scan", body)
        assert body["Limit"] == (1 << 31) - 1


# ExecuteStatement tells its violations in an order of AWS's own.
def test_order_of_a_statements_violations() -> None:
    body = {"Statement": "", "Limit": 0, "ReturnConsumedCapacity": "x", "ReturnValuesOnConditionCheckFailure": "y"}
    found = violation("ExecuteStatement", {**body, "Parameters": []}).split("; ")
    members = ("returnValuesOnConditionCheckFailure", "limit", "statement", "returnConsumedCapacity", "parameters")
    assert [member for member, one in zip(members, found, strict=True) if f"'{member}'" in one] == list(members)
