"""Behaviours of item operations that came to light beside the legacy parameters: today's words, capacity, missing items."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError

ENVELOPE = "1 validation error detected: "
KEY = {"p": {"S": "k"}}


# Since 2026 PutItem, UpdateItem and DeleteItem put their validation errors in an envelope.
def test_envelope_of_expression_errors(db: Any) -> None:
    syntax = 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'
    assert db.refusal("PutItem", Item=KEY, ConditionExpression="a =") == ENVELOPE + syntax
    assert db.refusal("UpdateItem", Key=KEY, ConditionExpression="a =") == ENVELOPE + syntax
    assert db.refusal("DeleteItem", Key=KEY, ConditionExpression="a =") == ENVELOPE + syntax
    unused = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"
    names = {"#a": "a"}
    assert db.refusal("UpdateItem", Key=KEY, UpdateExpression="REMOVE b", ExpressionAttributeNames=names) == (
        ENVELOPE + unused
    )
    assert db.refusal("PutItem", Item=KEY, ExpressionAttributeValues={":v": {"S": ""}}) == (
        ENVELOPE + "ExpressionAttributeValues can only be specified when using expressions"
    )
    assert db.refusal("UpdateItem", Key=KEY, AttributeUpdates={}, UpdateExpression="REMOVE a") == (
        ENVELOPE + "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}"
    )


# Sets: an empty one of an expression is named, a duplicate is not, and its members are quoted.
def test_envelope_of_set_errors(db: Any) -> None:
    empty = "One or more parameter values were invalid: An string set  may not be empty"
    assert db.refusal("PutItem", Item={**KEY, "a": {"SS": []}}) == ENVELOPE + empty
    values = {":a": {"SS": []}}
    assert db.refusal("UpdateItem", Key=KEY, UpdateExpression="SET a = :a", ExpressionAttributeValues=values) == (
        f"{ENVELOPE}ExpressionAttributeValues contains invalid value: {empty} for key :a"
    )
    assert db.refusal("DeleteItem", Key=KEY, ConditionExpression="a = :a", ExpressionAttributeValues=values) == (
        f"{ENVELOPE}ExpressionAttributeValues contains invalid value: {empty} for key :a"
    )
    twice = {":a": {"SS": ["x", "x"]}}
    assert db.refusal("UpdateItem", Key=KEY, UpdateExpression="SET a = :a", ExpressionAttributeValues=twice) == (
        ENVELOPE + 'One or more parameter values were invalid: Input collection ["x", "x"] contains duplicates.'
    )


# What is found with the table or the item at hand has no envelope, nor has the size of the item, nor a value of no type.
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Item": {"p": {"N": "1"}}}, "One or more parameter values were invalid: Type mismatch for key p"),
        ({"Item": {**KEY, "n": {}}}, "Supplied AttributeValue is empty"),
        ({"Item": {**KEY, "s": {"S": "x" * 410_000}}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_errors_without_envelope(db: Any, parameters: dict[str, Any], message: str) -> None:
    assert db.refusal("PutItem", **parameters).startswith(message)


# REMOVE and DELETE alone make no item, whatever the path; beside a SET the missing parts are passed over.
def test_removals_make_no_item(db: Any) -> None:
    for text in ("REMOVE a", "REMOVE x.y, z[0]"):
        assert "Attributes" not in db("UpdateItem", Key=KEY, UpdateExpression=text, ReturnValues="ALL_NEW")
    values = {":a": {"SS": ["x"]}}
    db("UpdateItem", Key=KEY, UpdateExpression="DELETE a :a", ExpressionAttributeValues=values)
    assert db.item("k") is None
    db("UpdateItem", Key=KEY, UpdateExpression="SET a = :a REMOVE x.y", ExpressionAttributeValues=values)
    assert db.item("k") == {**KEY, "a": {"SS": ["x"]}}


# A partition without a sort key has one item: nothing lies behind it, and a start key there is refused.
def test_query_of_one_item_has_no_cursor(db: Any) -> None:
    db("PutItem", Item=KEY)
    query = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": KEY["p"]}, "Limit": 1}
    page = db("Query", **query)
    assert page["Count"] == 1
    assert "LastEvaluatedKey" not in page
    assert db.refusal("Query", **query, ExclusiveStartKey=KEY) == (
        "The provided exclusive start key is invalid: ExclusiveStartKey: {p=AttributeValue: {S:k}}"
    )


# A new on-demand table has four partitions on AWS, and a scan pays for each one that it reads.
def test_scan_pays_for_four_partitions(db: Any) -> None:
    db("PutItem", Item=KEY)

    def units(**parameters: Any) -> float:
        answer = db("Scan", ReturnConsumedCapacity="TOTAL", **parameters)
        units: float = answer["ConsumedCapacity"]["CapacityUnits"]
        return units

    assert (units(), units(ConsistentRead=True)) == (2.0, 4.0)
    assert [units(TotalSegments=4, Segment=segment) for segment in range(4)] == [0.5] * 4
    assert [units(TotalSegments=2, Segment=segment) for segment in range(2)] == [1.0] * 2
    first = db("Scan", Limit=1, ReturnConsumedCapacity="TOTAL")
    rest = units(ExclusiveStartKey=first["LastEvaluatedKey"])
    assert first["ConsumedCapacity"]["CapacityUnits"] + rest in (2.0, 2.5)


# All members of a transaction are validated before any condition is tested, and only to the first fault.
def test_transaction_tells_the_first_invalid_member(db: Any) -> None:
    put = {"TableName": "single", "Item": KEY}
    members = [
        {"Put": {**put, "ConditionExpression": "attribute_exists(p)"}},
        {"Put": {**put, "Item": {"p": {"N": "7"}}}},
        {"Put": {**put, "Item": {"p": {"N": "8"}}}},
    ]
    with pytest.raises(ApiError) as raised:
        db("TransactWriteItems", TransactItems=members)
    assert raised.value.code == "TransactionCanceledException"
    codes = [reason["Code"] for reason in raised.value.fields["CancellationReasons"]]
    assert codes == ["None", "ValidationError", "None"]


# The request's items together may be 4 MB; each alone is within its own bound.
def test_transaction_of_more_than_4_mb(db: Any) -> None:
    members = [
        {"Put": {"TableName": "single", "Item": {"p": {"S": str(n)}, "x": {"S": "x" * 300_000}}}} for n in range(15)
    ]
    assert db.refusal("TransactWriteItems", TransactItems=members) == "Transaction payload size cannot exceed 4 MB"


# No table can have a name of two characters: item operations say so rather than that there is none.
def test_table_names_too_short_to_exist(db: Any) -> None:
    assert db.refusal("PutItem", TableName="xx", Item=KEY) == (
        f"{ENVELOPE}Value 'xx' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3"
    )
    with pytest.raises(ApiError) as raised:
        db("PutItem", TableName="xxx", Item=KEY)
    assert raised.value.code == "ResourceNotFoundException"


# A parameter of another operation is unknown, and ignored like any unknown one, however wrong it is.
def test_parameters_of_update_item_mean_nothing_to_put_item(db: Any) -> None:
    db("PutItem", Item=KEY, UpdateExpression="SET a =", AttributeUpdates={"a": {"Action": "PUT"}})
    assert db.item("k") == KEY


# Start keys: what AWS puts before an error depends on who finds it, as dynalite's authors observed.
def test_words_of_bad_start_keys(db: Any) -> None:
    prefix, mismatch = "The provided starting key is invalid", "The provided key element does not match the schema"
    query = {
        "TableName": "pairs",
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": KEY["p"]},
    }
    wrong_type = {"p": {"S": "k"}, "c": {"S": "x"}}
    assert db.refusal("Query", **query, ExclusiveStartKey=KEY) == prefix
    assert db.refusal("Query", **query, ExclusiveStartKey=wrong_type) == mismatch
    assert db.refusal("Scan", TableName="pairs", ExclusiveStartKey=KEY) == prefix
    assert db.refusal("Scan", TableName="pairs", ExclusiveStartKey=wrong_type) == prefix
    not_a_number = {"p": {"S": "k"}, "c": {"N": "x"}}
    assert db.refusal("Scan", TableName="pairs", ExclusiveStartKey=not_a_number) == (
        "The parameter cannot be converted to a numeric value: x"
    )
