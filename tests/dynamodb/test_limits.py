"""DynamoDB's limits at and above their bounds: sizes of items, batches, transactions, collections and expressions."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema

from tabletop.dynamodb import write
from tabletop.dynamodb.expressions import binder

KB = 1024
INVALID = "ValidationException"
TOO_LARGE = (INVALID, "Item size has exceeded the maximum allowed size")


def text(size_bytes: int) -> dict[str, str]:
    return {"S": "x" * size_bytes}


def item(size_bytes: int, key: str = "a", **members: Any) -> dict[str, Any]:
    """An item of exactly this size, with a key of one byte."""
    rest = size_bytes - len("p") - len(key) - len("d") - sum(len(n) + len(v["S"]) for n, v in members.items())
    return {"p": {"S": key}, "d": text(rest), **members}


@pytest.fixture
def table(dynamo: Dynamo) -> str:
    dynamo("CreateTable", **definition())
    return "users"


@pytest.fixture
def ranged(dynamo: Dynamo) -> str:
    """Keys ``p`` and ``c``, a local index of every attribute by ``s`` and one of the keys alone by ``t``."""
    dynamo(
        "CreateTable",
        **definition(
            KeySchema=key_schema("p", "c"),
            AttributeDefinitions=attributes(p="S", c="S", s="S", t="S"),
            LocalSecondaryIndexes=[index("all", "p", "s"), index("keys", "p", "t", projection="KEYS_ONLY")],
        ),
    )
    return "users"


# An item may be 400 KB, names and values; one byte more is refused, each operation in its own words.
def test_item_size(dynamo: Dynamo, table: str) -> None:
    largest, key = item(400 * KB), {"p": {"S": "a"}}
    dynamo("PutItem", TableName=table, Item=largest)
    larger = item(400 * KB + 1)
    assert dynamo.refusal("PutItem", TableName=table, Item=larger) == TOO_LARGE
    assert dynamo.refusal("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": larger}}]}) == TOO_LARGE
    grow = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET d = :d",
        "ExpressionAttributeValues": {":d": larger["d"]},
    }
    assert dynamo.refusal("UpdateItem", **grow) == (
        INVALID,
        "Item size to update has exceeded the maximum allowed size",
    )
    assert dynamo("GetItem", TableName=table, Key=key)["Item"] == largest


# An item and its entries in the local indexes may be 400 KB together, as the developer guide has it.
def test_item_size_with_local_indexes(dynamo: Dynamo, ranged: str) -> None:
    keyed = {"c": {"S": "c"}}
    dynamo("PutItem", TableName=ranged, Item=item(400 * KB, **keyed))
    half = 200 * KB
    dynamo("PutItem", TableName=ranged, Item=item(half, **keyed, s={"S": "s"}))
    assert dynamo.refusal("PutItem", TableName=ranged, Item=item(half + 1, **keyed, s={"S": "s"})) == TOO_LARGE
    # The entry of the other index: p, c and t with a byte each, and their names.
    dynamo("PutItem", TableName=ranged, Item=item(400 * KB - 6, **keyed, t={"S": "t"}))
    assert dynamo.refusal("PutItem", TableName=ranged, Item=item(400 * KB - 5, **keyed, t={"S": "t"})) == TOO_LARGE


# Items of one partition and their local entries have a bound together; what makes them smaller is never refused.
def test_collection_size(dynamo: Dynamo, ranged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(sort_key: str, size_bytes: int, partition: str = "a") -> dict[str, Any]:
        return {"TableName": ranged, "Item": item(size_bytes, partition, c={"S": sort_key}, s={"S": "s"})}

    monkeypatch.setattr(write, "COLLECTION_BYTES_MAX", 1000)
    dynamo("PutItem", **put("a", 250))
    dynamo("PutItem", **put("b", 250))
    refused = ("ItemCollectionSizeLimitExceededException", "Collection size exceeded.")
    assert dynamo.refusal("PutItem", **put("c", 30)) == refused
    dynamo("PutItem", **put("c", 30, "b"))
    dynamo("PutItem", **put("b", 100))
    grow = {
        "TableName": ranged,
        "Key": {"p": {"S": "a"}, "c": {"S": "a"}},
        "UpdateExpression": "SET d = :d",
        "ExpressionAttributeValues": {":d": text(1000)},
    }
    assert dynamo.refusal("UpdateItem", **grow) == refused
    two = [{"PutRequest": {"Item": put(sort_key, 300, "d")["Item"]}} for sort_key in "ab"]
    assert dynamo.refusal("BatchWriteItem", RequestItems={ranged: two}) == refused
    dynamo("BatchWriteItem", RequestItems={ranged: two[:1]})
    put_member = {"Put": put("c", 400)}
    code, message = dynamo.refusal("TransactWriteItems", TransactItems=[put_member])
    assert (code, "[ItemCollectionSizeLimitExceeded]" in message) == ("TransactionCanceledException", True)


# A transaction may store or read 4 MB; the bound holds for what items become, not only for what is sent.
def test_transaction_size(dynamo: Dynamo, table: str) -> None:
    names = "abcdefghijk"
    puts = [{"Put": {"TableName": table, "Item": item(390 * KB, key)}} for key in names]
    too_large = (INVALID, "Transaction payload size cannot exceed 4 MB")
    assert dynamo.refusal("TransactWriteItems", TransactItems=puts) == too_large
    dynamo("TransactWriteItems", TransactItems=puts[:10])
    dynamo("PutItem", **puts[10]["Put"])
    touch = [
        {
            "Update": {
                "TableName": table,
                "Key": {"p": {"S": key}},
                "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            }
        }
        for key in names
    ]
    assert dynamo.refusal("TransactWriteItems", TransactItems=touch) == too_large
    dynamo("TransactWriteItems", TransactItems=touch[:10])
    gets = [{"Get": {"TableName": table, "Key": {"p": {"S": key}}}} for key in names]
    code, message = dynamo.refusal("TransactGetItems", TransactItems=gets)
    assert (code, "exceeds maximum transaction size" in message) == (INVALID, True)
    assert len(dynamo("TransactGetItems", TransactItems=gets[:10])["Responses"]) == 10


# BatchGetItem answers 16 MB; the keys of the rest come back with their table's parameters, to be asked for again.
def test_batch_get_size(dynamo: Dynamo, table: str) -> None:
    keys = [{"p": {"S": chr(48 + n)}} for n in range(42)]
    for key in keys:
        dynamo("PutItem", TableName=table, Item=item(400 * KB, key["p"]["S"]))
    asked: dict[str, Any] = {
        table: {
            "Keys": keys,
            "ConsistentRead": True,
            "ProjectionExpression": "#p",
            "ExpressionAttributeNames": {"#p": "p"},
        }
    }
    answer = dynamo("BatchGetItem", RequestItems=asked, ReturnConsumedCapacity="TOTAL")
    rest = answer["UnprocessedKeys"]
    assert len(answer["Responses"][table]) == 40
    assert rest == {table: asked[table] | {"Keys": keys[40:]}}
    assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 4000.0}]
    again = dynamo("BatchGetItem", RequestItems=rest)
    assert (again["Responses"][table], again["UnprocessedKeys"]) == (keys[40:], {})


# An expression: 4 KB, 300 operators, 100 operands of IN, paths of 32 elements, names and values of 255 bytes and 2 MB.
@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("a = :v" + " " * 4090, None),
        (
            "a = :v" + " " * 4091,
            "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097",
        ),
        ("NOT " + " AND ".join(["a=:v"] * 150), None),
        (
            " AND ".join(["a=:v"] * 151),
            "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
        ),
        (".".join("a" * 32) + " = :v", None),
        (
            ".".join("a" * 33) + " = :v",
            "Invalid FilterExpression: The document path has too many nesting levels; nesting levels: 33",
        ),
        (f"b IN ({','.join([':v'] + ['a'] * 99)})", None),
        (
            f"b IN ({','.join([':v'] + ['a'] * 100)})",
            "Invalid FilterExpression: The IN operator is provided with too many operands; number of operands: 102",
        ),
    ],
)
def test_expression_limits(dynamo: Dynamo, table: str, expression: str, refused: str | None) -> None:
    scan = {"TableName": table, "FilterExpression": expression, "ExpressionAttributeValues": {":v": {"S": "1"}}}
    if refused is None:
        assert dynamo("Scan", **scan)["Count"] == 0
    else:
        assert dynamo.refusal("Scan", **scan) == (INVALID, refused)


# A #name or :value may have 255 bytes, its sign included.
def test_variable_names(dynamo: Dynamo, table: str) -> None:
    for length, refused in ((254, False), (255, True)):
        value, name = ":" + "v" * length, "#" + "n" * length
        by_value = {
            "TableName": table,
            "FilterExpression": f"a = {value}",
            "ExpressionAttributeValues": {value: text(1)},
        }
        by_name = {
            "TableName": table,
            "FilterExpression": f"attribute_exists({name})",
            "ExpressionAttributeNames": {name: "a"},
        }
        for scan in (by_value, by_name):
            if refused:
                code, message = dynamo.refusal("Scan", **scan)
                assert (code, "contains invalid key: Key is too large" in message) == (INVALID, True)
            else:
                assert dynamo("Scan", **scan)["Count"] == 0


# Names and values of one request may be 2 MB together.
def test_variables_size(dynamo: Dynamo, table: str) -> None:
    def scan(size_bytes: int) -> dict[str, Any]:
        values = {":v": text(size_bytes - 1)}
        return {
            "TableName": table,
            "FilterExpression": "#a = :v",
            "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": {"#a": "a"},
        }

    assert dynamo("Scan", **scan(binder.VARIABLES_BYTES_MAX))["Count"] == 0
    code, message = dynamo.refusal("Scan", **scan(binder.VARIABLES_BYTES_MAX + 1))
    assert (code, message.endswith(f"size: {binder.VARIABLES_BYTES_MAX + 1}")) == (INVALID, True)


# Without anything to do, the two batches differ as they did in us-east-1 in September 2026.
def test_empty_batches(dynamo: Dynamo) -> None:
    nothing = "failed to satisfy constraint: Member must have length greater than or equal to 1"
    enum = "failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
    required = (INVALID, "The requestItems parameter is required for BatchWriteItem")
    assert dynamo.refusal("BatchGetItem", RequestItems={}) == (
        INVALID,
        f"1 validation error detected: Value at 'RequestItems' {nothing}",
    )
    assert dynamo.refusal("BatchGetItem", RequestItems={}, ReturnConsumedCapacity="x") == (
        INVALID,
        f"1 validation error detected: Value at 'RequestItems' {nothing}",
    )
    assert dynamo.refusal("BatchWriteItem", RequestItems={}) == required
    missing = "Value null at 'requestItems' failed to satisfy constraint: Member must not be null"
    assert dynamo.refusal("BatchWriteItem") == (INVALID, f"1 validation error detected: {missing}")
    assert dynamo.refusal("BatchWriteItem", RequestItems={}, ReturnConsumedCapacity="x") == (
        INVALID,
        f"1 validation error detected: Value 'x' at 'returnConsumedCapacity' {enum}",
    )
    assert dynamo.refusal("BatchWriteItem", RequestItems=[])[0] == "SerializationException"
