"""What refuses a transaction as a whole, what is a reason of its cancellation, and what is no fault in one."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema

TABLE = "users"
EMPTY = "One or more parameter values are not valid. "
EMPTY_HASH = EMPTY + "The AttributeValue for a key attribute cannot contain an empty string value. Key: p"
EMPTY_INDEX = (
    EMPTY
    + "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot "
    "contain an empty string value. IndexName: by_g, IndexKey: g"
)
UPDATED_TO_EMPTY = (
    EMPTY + "The update expression attempted to update a secondary index key to a value that is not supported. "
    "The AttributeValue for a key attribute cannot contain an empty string value."
)


@pytest.fixture(autouse=True)
def table(dynamo: Dynamo) -> None:
    dynamo(
        "CreateTable",
        **definition(
            KeySchema=key_schema("p"),
            AttributeDefinitions=attributes(p="S", g="S"),
            GlobalSecondaryIndexes=[index("by_g", "g")],
        ),
    )


def put(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": item, **more}}


def get(key: str, **more: Any) -> dict[str, Any]:
    return {"Get": {"TableName": TABLE, "Key": {"p": {"S": key}}, **more}}


# Empty values of keys, of the table and its indexes, refuse a TransactWriteItems as a whole, in the words of the write alone.
@pytest.mark.parametrize(
    ("member", "words"),
    [
        (put({"p": {"S": ""}}), EMPTY_HASH),
        (put({"p": {"S": "a"}, "g": {"S": ""}}), EMPTY_INDEX),
        (
            {
                "Update": {
                    "TableName": TABLE,
                    "Key": {"p": {"S": "a"}},
                    "UpdateExpression": "SET g = :g",
                    "ExpressionAttributeValues": {":g": {"S": ""}},
                }
            },
            UPDATED_TO_EMPTY,
        ),
    ],
)
def test_empty_keys_in_writes(dynamo: Dynamo, member: dict[str, Any], words: str) -> None:
    members = [put({"p": {"S": "b"}}), member]
    assert dynamo.refusal("TransactWriteItems", TransactItems=members) == ("ValidationException", words)
    assert dynamo("Scan", TableName=TABLE)["Count"] == 0


# In reads, and in PartiQL's transactions, they are reasons like any other.
def test_empty_keys_elsewhere(dynamo: Dynamo) -> None:
    code, message = dynamo.refusal("TransactGetItems", TransactItems=[get("a"), get("")])
    assert (code, message[-23:]) == ("TransactionCanceledException", "[None, ValidationError]")
    insert = {"Statement": f"INSERT INTO {TABLE} VALUE {{'p': ''}}"}
    code, message = dynamo.refusal("ExecuteTransaction", TransactStatements=[insert])
    assert (code, message[-17:]) == ("TransactionCanceledException", "[ValidationError]")


# An update that makes an index's key empty is told so; one that leaves alone what is older than the index is not hindered by it.
def test_updates_of_index_keys(dynamo: Dynamo) -> None:
    key = {"TableName": TABLE, "Key": {"p": {"S": "a"}}}
    change = {"UpdateExpression": "SET g = :v", "ExpressionAttributeValues": {":v": {"S": ""}}}
    assert dynamo.refusal("UpdateItem", **key, **change) == ("ValidationException", UPDATED_TO_EMPTY)
    dynamo("PutItem", TableName=TABLE, Item={"p": {"S": "a"}, "late": {"N": "1"}})
    later = {"Create": index("later", "late")}
    dynamo(
        "UpdateTable",
        TableName=TABLE,
        AttributeDefinitions=attributes(late="S"),
        GlobalSecondaryIndexUpdates=[later],
    )
    change = {"UpdateExpression": "SET more = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
    assert dynamo("UpdateItem", **key, **change, ReturnValues="ALL_NEW")["Attributes"]["more"] == {"S": "x"}
    change = {"UpdateExpression": "SET late = :v", "ExpressionAttributeValues": {":v": {"N": "2"}}}
    assert dynamo.refusal("UpdateItem", **key, **change) == (
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for Index Key late Expected: S Actual: N IndexName: later",
    )


# A member without expressions may bring names and values along; what is wrong with a value is told nevertheless.
def test_variables_without_expressions(dynamo: Dynamo) -> None:
    variables = {"ExpressionAttributeValues": {":v": {"S": "x"}}, "ExpressionAttributeNames": {"#n": "n"}}
    delete = {"Delete": {"TableName": TABLE, "Key": {"p": {"S": "b"}}, **variables}}
    dynamo("TransactWriteItems", TransactItems=[put({"p": {"S": "a"}}, **variables), delete])
    assert dynamo("Scan", TableName=TABLE)["Count"] == 1
    bad = put({"p": {"S": "a"}}, ExpressionAttributeValues={":v": {"SS": []}})
    assert dynamo.refusal("TransactWriteItems", TransactItems=[bad]) == (
        "ValidationException",
        "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: "
        "An string set  may not be empty for key :v",
    )


# A read whose projection finds nothing in the item is answered as if there were none.
def test_nothing_projected(dynamo: Dynamo) -> None:
    for key in "ab":
        dynamo("PutItem", TableName=TABLE, Item={"p": {"S": key}})
    members = [get("a", ProjectionExpression="nothing"), get("b", ProjectionExpression="p"), get("z")]
    answer = dynamo("TransactGetItems", TransactItems=members)
    assert answer["Responses"] == [{}, {"Item": {"p": {"S": "b"}}}, {}]


# A request of a batch that neither puts nor deletes is refused, and one that does both.
def test_batch_members(dynamo: Dynamo) -> None:
    both = {"PutRequest": {"Item": {"p": {"S": "a"}}}, "DeleteRequest": {"Key": {"p": {"S": "a"}}}}
    for member in ({}, both):
        assert dynamo.refusal("BatchWriteItem", RequestItems={TABLE: [member]}) == (
            "ValidationException",
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        )
