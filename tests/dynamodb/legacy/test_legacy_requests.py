"""Requests with legacy parameters, from the JSON to the stored item."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError

ENVELOPE = "1 validation error detected: "
PREFIX = "One or more parameter values were invalid: "
KEY = {"p": {"S": "k"}}


def update(db: Any, **updates: Any) -> dict[str, Any]:
    """UpdateItem with AttributeUpdates: name=(action, value) or name=action."""
    rendered = {}
    for name, change in updates.items():
        action, value = change if isinstance(change, tuple) else (change, None)
        rendered[name] = {"Action": action} | ({} if value is None else {"Value": value})
    return db("UpdateItem", Key=KEY, AttributeUpdates=rendered)


# Legacy parameters and expressions do not mix, empty maps count, and AWS lists both sides.
@pytest.mark.parametrize(
    ("action", "parameters", "legacy", "expressions"),
    [
        (
            "GetItem",
            {"Key": KEY, "AttributesToGet": ["a"], "ProjectionExpression": "a"},
            "AttributesToGet",
            "ProjectionExpression",
        ),
        (
            "DeleteItem",
            {"Key": KEY, "Expected": {}, "ConditionExpression": "a = b"},
            "Expected",
            "ConditionExpression",
        ),
        (
            "Query",
            {
                "KeyConditionExpression": "p = :p",
                "FilterExpression": "a = :p",
                "AttributesToGet": ["a"],
                "ExpressionAttributeValues": {":p": {"S": "x"}},
            },
            "AttributesToGet",
            "FilterExpression, KeyConditionExpression",
        ),
        (
            "Scan",
            {"ScanFilter": {}, "ConditionalOperator": "AND", "ProjectionExpression": "a"},
            "ScanFilter, ConditionalOperator",
            "ProjectionExpression",
        ),
    ],
)
def test_mixing(db: Any, action: str, parameters: dict[str, Any], legacy: str, expressions: str) -> None:
    envelope = ENVELOPE if action == "DeleteItem" else ""
    assert db.refusal(action, **parameters) == (
        envelope + "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{legacy}}} Expression parameters: {{{expressions}}}"
    )


# KeyConditions alone may stand beside expressions, but not beside the expression that they stand for.
def test_key_conditions_beside_expressions(db: Any) -> None:
    db("PutItem", TableName="pairs", Item={**KEY, "c": {"N": "1"}, "a": {"S": "x"}})
    equal = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [KEY["p"]]}}
    values = {":x": {"S": "x"}}
    page = db(
        "Query",
        TableName="pairs",
        KeyConditions=equal,
        FilterExpression="a = :x",
        ProjectionExpression="c",
        ExpressionAttributeValues=values,
    )
    assert page["Items"] == [{"c": {"N": "1"}}]
    assert "{KeyConditions} Expression parameters: {KeyConditionExpression}" in db.refusal(
        "Query", KeyConditions=equal, KeyConditionExpression="p = :x", ExpressionAttributeValues=values
    )
    assert db.refusal("Query", KeyConditions=equal, ExpressionAttributeValues=values) == (
        "ExpressionAttributeValues can only be specified when using expressions: "
        "FilterExpression and KeyConditionExpression are null"
    )


# AttributesToGet keeps whole attributes, wherever items are read; none may be named twice, or be nameless.
def test_attributes_to_get(db: Any) -> None:
    db("PutItem", Item={**KEY, "a": {"N": "1"}, "a.b": {"N": "2"}})
    wanted = {"a.b": {"N": "2"}}
    assert db("GetItem", Key=KEY, AttributesToGet=["a.b", "gone"])["Item"] == wanted
    assert db("Scan", AttributesToGet=["a.b"])["Items"] == [wanted]
    batch = {"single": {"Keys": [KEY], "AttributesToGet": ["a.b"]}}
    assert db("BatchGetItem", RequestItems=batch)["Responses"] == {"single": [wanted]}
    assert db.refusal("GetItem", Key=KEY, AttributesToGet=["a", "b", "a"]) == (
        PREFIX + "Duplicate value in attribute name: a"
    )
    assert db.refusal("GetItem", Key=KEY, AttributesToGet=[""]) == "Empty attribute name"
    assert db.refusal("Scan", AttributesToGet=["a"], Select="COUNT") == (
        ENVELOPE + "Cannot specify the AttributesToGet when choosing to get only the Count"
    )


# PUT, the default, replaces; ADD adds to numbers, sets and lists and makes them; DELETE takes elements or the attribute.
def test_attribute_updates(db: Any) -> None:
    db("UpdateItem", Key=KEY, AttributeUpdates={"a": {"Value": {"S": "x"}}})
    update(db, n=("ADD", {"N": "2"}), s=("ADD", {"SS": ["a", "b"]}), l=("ADD", {"L": [{"N": "1"}]}))
    update(db, n=("ADD", {"N": "-0.5"}), s=("ADD", {"SS": ["b", "c"]}), l=("ADD", {"L": [{"N": "1"}]}))
    assert db.item("k") == {
        **KEY,
        "a": {"S": "x"},
        "n": {"N": "1.5"},
        "s": {"SS": ["a", "b", "c"]},
        "l": {"L": [{"N": "1"}, {"N": "1"}]},
    }
    update(db, a="DELETE", l="DELETE", n="DELETE", gone="DELETE", s=("DELETE", {"SS": ["a", "z"]}))
    assert db.item("k") == {**KEY, "s": {"SS": ["b", "c"]}}
    update(db, s=("DELETE", {"SS": ["b", "c"]}))
    assert db.item("k") == KEY


# What an attribute is decides at last: an operand of another type is a mismatch, in words that expressions do not have.
@pytest.mark.parametrize("change", [("ADD", {"N": "1"}), ("ADD", {"L": []}), ("DELETE", {"NS": ["1"]})])
def test_mismatch_with_the_item(db: Any, change: tuple[str, Any]) -> None:
    db("PutItem", Item={**KEY, "a": {"SS": ["x"]}})
    with pytest.raises(ApiError) as raised:
        update(db, a=change)
    assert raised.value.message == "Type mismatch for attribute to update"


# What no item could make right is refused without reading one.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Action": "PUT"}, "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD"}, "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD", "Value": {"S": "x"}}, "ADD action is not supported for the type S"),
        ({"Action": "DELETE", "Value": {"L": []}}, "DELETE action with value is not supported for the type L"),
        ({"Value": {"SS": []}}, "An string set  may not be empty"),
    ],
)
def test_refused_updates(db: Any, change: dict[str, Any], message: str) -> None:
    assert db.refusal("UpdateItem", Key=KEY, AttributeUpdates={"a": change}) == PREFIX + message


# An update that only takes away makes no item; one that does nothing does.
def test_which_updates_make_an_item(db: Any) -> None:
    answer = db("UpdateItem", Key=KEY, AttributeUpdates={"a": {"Action": "DELETE"}}, ReturnValues="ALL_NEW")
    assert "Attributes" not in answer
    update(db, a=("DELETE", {"SS": ["x"]}))
    assert db.item("k") is None
    update(db)
    assert db.item("k") == KEY


# ReturnValues shows what the updates named, before and after.
def test_return_values(db: Any) -> None:
    db("PutItem", Item={**KEY, "a": {"N": "1"}, "b": {"N": "1"}, "c": {"N": "1"}})
    updates = {"a": {"Action": "ADD", "Value": {"N": "1"}}, "b": {"Action": "DELETE"}}
    answer = db("UpdateItem", Key=KEY, AttributeUpdates=updates, ReturnValues="UPDATED_NEW")
    assert answer["Attributes"] == {"a": {"N": "2"}}
    answer = db("UpdateItem", Key=KEY, AttributeUpdates=updates, ReturnValues="UPDATED_OLD")
    assert answer["Attributes"] == {"a": {"N": "2"}}
    assert db.item("k") == {**KEY, "a": {"N": "3"}, "c": {"N": "1"}}


# The same expectation guards all three writes.
def test_expected_guards_writes(db: Any) -> None:
    db("PutItem", Item={**KEY, "v": {"N": "1"}})
    writes = {
        "PutItem": {"Item": {**KEY, "v": {"N": "2"}}},
        "UpdateItem": {"Key": KEY, "AttributeUpdates": {"v": {"Value": {"N": "3"}}}},
        "DeleteItem": {"Key": KEY},
    }
    for version, (action, parameters) in enumerate(writes.items(), 1):
        with pytest.raises(ApiError) as raised:
            db(action, **parameters, Expected={"v": {"Value": {"N": "99"}}})
        assert raised.value.code == "ConditionalCheckFailedException"
        db(action, **parameters, Expected={"v": {"Value": {"N": str(version)}}, "gone": {"Exists": False}})
    assert db.item("k") is None


# QueryFilter filters what KeyConditions found, by attributes that are no keys; Query needs one or the other of the keys.
def test_query(db: Any) -> None:
    for c in range(4):
        db("PutItem", TableName="pairs", Item={**KEY, "c": {"N": str(c)}, "even": {"BOOL": c % 2 == 0}})
    keys = {
        "p": {"ComparisonOperator": "EQ", "AttributeValueList": [KEY["p"]]},
        "c": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]},
    }
    even = {"even": {"ComparisonOperator": "EQ", "AttributeValueList": [{"BOOL": True}]}}
    page = db("Query", TableName="pairs", KeyConditions=keys, QueryFilter=even, AttributesToGet=["c"])
    assert page == {"Count": 1, "ScannedCount": 3, "Items": [{"c": {"N": "2"}}]}
    on_key = {"c": {"ComparisonOperator": "NOT_NULL"}}
    assert db.refusal("Query", TableName="pairs", KeyConditions=keys, QueryFilter=on_key) == (
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: c"
    )
    assert db.refusal("Query", TableName="pairs", QueryFilter=even).startswith("Either the KeyConditions or")
    del keys["p"]
    assert db.refusal("Query", TableName="pairs", KeyConditions=keys) == "Query condition missed key schema element: p"


# ScanFilter may name keys; several conditions can be joined by OR.
def test_scan_filter(db: Any) -> None:
    for p in "abc":
        db("PutItem", Item={"p": {"S": p}, "v": {"S": p}})
    conditions = {
        "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
        "v": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "b"}]},
    }
    assert db("Scan", ScanFilter=conditions)["Count"] == 0
    page = db("Scan", ScanFilter=conditions, ConditionalOperator="OR")
    assert (page["Count"], page["ScannedCount"]) == (2, 3)
    assert db("Scan", ScanFilter={})["Count"] == 3


# A member of a transaction has no legacy parameters: what is unknown is passed over, not obeyed.
def test_transactions_know_no_legacy_parameters(db: Any) -> None:
    expected = {"a": {"Value": {"S": "never"}}}
    db("TransactWriteItems", TransactItems=[{"Put": {"TableName": "single", "Item": KEY, "Expected": expected}}])
    assert db.item("k") == KEY
