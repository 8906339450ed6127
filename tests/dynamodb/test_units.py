"""Consumed capacity of every operation by AWS's published rules: reads in 4 KB, writes in 1 KB, each index on its own."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema

KB = 1024
TABLE = "users"
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


def sized(size_bytes: int, key: str = "a", **members: str) -> dict[str, Any]:
    """An item of exactly this size with partition key ``p`` and sort key ``c``; all its attributes are strings."""
    texts = {"p": key, "c": "c", "d": "", **members}
    used = sum(len(name) + len(text) for name, text in texts.items())
    texts["d"] = "x" * (size_bytes - used)
    return {name: {"S": text} for name, text in texts.items()}


def key(name: str = "a") -> dict[str, Any]:
    return {"p": {"S": name}, "c": {"S": "c"}}


@pytest.fixture(autouse=True)
def table(dynamo: Dynamo) -> None:
    """Local index ``local`` by ``l`` (keys only), global ``all`` by ``g`` and ``keys`` by ``h`` (keys only)."""
    dynamo(
        "CreateTable",
        **definition(
            BillingMode="PROVISIONED",
            ProvisionedThroughput=UNITS,
            KeySchema=key_schema("p", "c"),
            AttributeDefinitions=attributes(p="S", c="S", l="S", g="S", h="S"),
            LocalSecondaryIndexes=[index("local", "p", "l", projection="KEYS_ONLY")],
            GlobalSecondaryIndexes=[
                index("all", "g") | {"ProvisionedThroughput": UNITS},
                index("keys", "h", projection="KEYS_ONLY") | {"ProvisionedThroughput": UNITS},
            ],
        ),
    )


def units(dynamo: Dynamo, action: str, **body: Any) -> dict[str, float]:
    """What was consumed, by "" for all, "table", and the name of each index."""
    consumed = dynamo(action, ReturnConsumedCapacity="INDEXES", **body)["ConsumedCapacity"]
    if isinstance(consumed, list):
        (consumed,) = consumed
    shown = {"": consumed["CapacityUnits"], "table": consumed["Table"]["CapacityUnits"]}
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        shown |= {name: one["CapacityUnits"] for name, one in consumed.get(member, {}).items()}
    assert shown[""] == sum(amount for name, amount in shown.items() if name)
    return shown


# A write costs a unit for each KB begun, of the larger of the item before and after; what is not there costs one.
def test_writes(dynamo: Dynamo) -> None:
    def put(size_bytes: int) -> float:
        return units(dynamo, "PutItem", TableName=TABLE, Item=sized(size_bytes))[""]

    assert [put(size) for size in (KB, KB + 1, 3 * KB, 10, 10)] == [1, 2, 3, 3, 1]
    change = {
        "UpdateExpression": "SET d = :d",
        "ExpressionAttributeValues": {":d": {"S": "x" * 2 * KB}},
    }
    assert units(dynamo, "UpdateItem", TableName=TABLE, Key=key(), **change)[""] == 3
    assert units(dynamo, "UpdateItem", TableName=TABLE, Key=key(), UpdateExpression="REMOVE d")[""] == 3
    put(2 * KB)
    assert units(dynamo, "DeleteItem", TableName=TABLE, Key=key())[""] == 2
    assert units(dynamo, "DeleteItem", TableName=TABLE, Key=key())[""] == 1
    assert units(dynamo, "UpdateItem", TableName=TABLE, Key=key("b"), UpdateExpression="REMOVE d")[""] == 1


# An index costs a write where its entry comes, goes or changes, two where its key changes, and nothing where it stays.
@pytest.mark.parametrize(
    ("before", "update", "cost"),
    [
        ({}, "SET g = :v", {"all": 1}),
        ({"g": "1"}, "SET g = :v", {"all": 2}),
        ({"g": "1"}, "REMOVE g", {"all": 1}),
        ({"g": "v"}, "SET g = :v", {}),
        ({"g": "1"}, "SET x = :v", {"all": 1}),
        ({"h": "1"}, "SET x = :v", {}),
        ({"h": "1"}, "SET h = :v", {"keys": 2}),
        ({"h": "1", "g": "1", "l": "1"}, "SET h = :v, g = :v, l = :v", {"keys": 2, "all": 2, "local": 2}),
        ({}, "SET l = :v", {"local": 1}),
        ({}, "SET x = :v", {}),
    ],
)
def test_index_writes(dynamo: Dynamo, before: dict[str, str], update: str, cost: dict[str, float]) -> None:
    dynamo("PutItem", TableName=TABLE, Item=sized(100, **before))
    values = {"ExpressionAttributeValues": {":v": {"S": "v"}}} if ":v" in update else {}
    consumed = units(dynamo, "UpdateItem", TableName=TABLE, Key=key(), UpdateExpression=update, **values)
    assert consumed == {"": 1 + sum(cost.values()), "table": 1, **cost}


# Each entry is charged by its own size: a projection of the keys alone stays small.
def test_size_of_index_entries(dynamo: Dynamo) -> None:
    put = units(dynamo, "PutItem", TableName=TABLE, Item=sized(3 * KB, g="1", h="1", l="1"))
    assert put == {"": 8, "table": 3, "all": 3, "keys": 1, "local": 1}
    moved = {
        "UpdateExpression": "SET g = :g, d = :d",
        "ExpressionAttributeValues": {":g": {"S": "2"}, ":d": {"S": "x"}},
    }
    assert units(dynamo, "UpdateItem", TableName=TABLE, Key=key(), **moved) == {"": 7, "table": 3, "all": 4}
    gone = units(dynamo, "DeleteItem", TableName=TABLE, Key=key())
    assert gone == {"": 4, "table": 1, "all": 1, "keys": 1, "local": 1}


# A read costs a unit for each 4 KB begun, half of it where eventual consistency will do; nothing found costs the least.
def test_reads(dynamo: Dynamo) -> None:
    dynamo("PutItem", TableName=TABLE, Item=sized(4 * KB + 1))

    def get(name: str, consistent: bool) -> float:
        return units(dynamo, "GetItem", TableName=TABLE, Key=key(name), ConsistentRead=consistent)[""]

    assert [get("a", False), get("a", True), get("b", False), get("b", True)] == [1, 2, 0.5, 1]
    few = units(dynamo, "GetItem", TableName=TABLE, Key=key(), ProjectionExpression="p")
    assert few == {"": 1, "table": 1}
    asked = {TABLE: {"Keys": [key(), key("b"), key("z")]}}
    assert units(dynamo, "BatchGetItem", RequestItems=asked)[""] == 2
    asked[TABLE]["ConsistentRead"] = True  # type: ignore[assignment]
    assert units(dynamo, "BatchGetItem", RequestItems=asked)[""] == 4


# Query and Scan add up what they read, filtered or counted or not, and round once; the index's reads stand under it.
def test_pages(dynamo: Dynamo) -> None:
    for sort_key in "abcdef":
        item = sized(3 * KB, g="1", l=sort_key) | {"c": {"S": sort_key}}
        dynamo("PutItem", TableName=TABLE, Item=item)
    query = {
        "TableName": TABLE,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    }
    for more in (
        {},
        {"Select": "COUNT"},
        {"FilterExpression": "attribute_exists(nothing)"},
        {"ProjectionExpression": "p"},
    ):
        assert units(dynamo, "Query", **query, **more) == {"": 2.5, "table": 2.5}
        assert units(dynamo, "Query", **query, **more, ConsistentRead=True)[""] == 5
    assert units(dynamo, "Query", **query, Limit=2)[""] == 1
    nothing = query | {"ExpressionAttributeValues": {":p": {"S": "z"}}}
    assert units(dynamo, "Query", **nothing)[""] == 0.5
    assert units(dynamo, "Scan", TableName=TABLE) == {"": 2.5, "table": 2.5}
    assert units(dynamo, "Scan", TableName=TABLE, IndexName="all") == {"": 2.5, "table": 0, "all": 2.5}
    assert units(dynamo, "Scan", TableName=TABLE, IndexName="keys") == {"": 0.5, "table": 0, "keys": 0.5}
    by_local = query | {"IndexName": "local"}
    assert units(dynamo, "Query", **by_local) == {"": 0.5, "table": 0, "local": 0.5}
    fetched = units(dynamo, "Query", **by_local, Select="ALL_ATTRIBUTES")
    assert fetched == {"": 3.5, "table": 3, "local": 0.5}


# A scan of an on-demand table rounds up in each of the four partitions that a new one has.
def test_scan_of_an_on_demand_table(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(TableName="demand"))
    assert units(dynamo, "Scan", TableName="demand")[""] == 2
    assert units(dynamo, "Scan", TableName="demand", ConsistentRead=True)[""] == 4


# The same attributes in another order are no other entry: the index that has them all is not charged.
def test_order_of_attributes(dynamo: Dynamo) -> None:
    item = sized(100, g="1")
    dynamo("PutItem", TableName=TABLE, Item=item)
    turned = dict(reversed(item.items()))
    assert units(dynamo, "PutItem", TableName=TABLE, Item=turned) == {"": 1, "table": 1}


# Transactions cost twice as much, but for their indexes; checks of conditions cost as writes do; the same request again costs
# reads of the items, of the larger of before and after.
def test_transactions(dynamo: Dynamo) -> None:
    dynamo("PutItem", TableName=TABLE, Item=sized(2 * KB, "b"))
    check = {"TableName": TABLE, "Key": key("b"), "ConditionExpression": "attribute_exists(p)"}
    members = [{"Put": {"TableName": TABLE, "Item": sized(KB + 1, g="1")}}, {"ConditionCheck": check}]
    request = {"TransactItems": members, "ClientRequestToken": "once"}
    assert units(dynamo, "TransactWriteItems", **request) == {"": 10, "table": 8, "all": 2}
    again = dynamo("TransactWriteItems", **request, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert again == [{"TableName": TABLE, "CapacityUnits": 4, "ReadCapacityUnits": 4}]
    assert units(dynamo, "TransactWriteItems", **request) == {"": 4, "table": 4}
    dynamo("PutItem", TableName=TABLE, Item=sized(9 * KB, "c"))
    delete = {"TransactItems": [{"Delete": {"TableName": TABLE, "Key": key("c")}}], "ClientRequestToken": "gone"}
    assert units(dynamo, "TransactWriteItems", **delete)[""] == 18
    assert units(dynamo, "TransactWriteItems", **delete)[""] == 6
    gets = [{"Get": {"TableName": TABLE, "Key": key(name)}} for name in "abz"]
    answer = dynamo("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": TABLE, "CapacityUnits": 6, "ReadCapacityUnits": 6}]


# A batch of writes costs what its writes cost alone, table by table.
def test_batch_writes(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(TableName="other"))
    dynamo("PutItem", TableName=TABLE, Item=sized(3 * KB))
    requests = {
        TABLE: [{"DeleteRequest": {"Key": key()}}, {"PutRequest": {"Item": sized(KB + 1, "b", g="1")}}],
        "other": [{"PutRequest": {"Item": {"p": {"S": "a"}}}}],
    }
    consumed = dynamo("BatchWriteItem", RequestItems=requests, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert {one["TableName"]: one["CapacityUnits"] for one in consumed} == {TABLE: 7, "other": 1}


# PartiQL costs what the operation costs that it stands for.
def test_statements(dynamo: Dynamo) -> None:
    def run(statement: str, **more: Any) -> float:
        return units(dynamo, "ExecuteStatement", Statement=statement, **more)[""]

    where = f"FROM {TABLE} WHERE p = 'a' AND c = 'c'"
    assert run(f"INSERT INTO {TABLE} VALUE {{'p': 'a', 'c': 'c', 'g': '1'}}") == 2
    assert run(f"SELECT * {where}") == 0.5
    assert run(f"SELECT * {where}", ConsistentRead=True) == 1
    assert run(f"UPDATE {TABLE} SET g = '2' WHERE p = 'a' AND c = 'c'") == 3
    assert run(f"DELETE {where}") == 2
    insert = {"Statement": f"INSERT INTO {TABLE} VALUE {{'p': 'a', 'c': 'c', 'g': '1'}}"}
    assert units(dynamo, "ExecuteTransaction", TransactStatements=[insert])[""] == 3
    select = {"Statement": f"SELECT * {where}"}
    assert units(dynamo, "BatchExecuteStatement", Statements=[select])[""] == 0.5


# Metrics of collections are given for tables with a local index alone, as a range of whole gigabytes.
def test_collection_metrics(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(TableName="other"))
    metrics = {"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    put = {"TableName": TABLE, "Item": sized(100), "ReturnItemCollectionMetrics": "SIZE"}
    assert dynamo("PutItem", **put)["ItemCollectionMetrics"] == metrics
    plain = {"TableName": "other", "Item": {"p": {"S": "a"}}, "ReturnItemCollectionMetrics": "SIZE"}
    assert "ItemCollectionMetrics" not in dynamo("PutItem", **plain)
    requests = {TABLE: [{"DeleteRequest": {"Key": key()}}]}
    batch = dynamo("BatchWriteItem", RequestItems=requests, ReturnItemCollectionMetrics="SIZE")
    assert batch["ItemCollectionMetrics"] == {TABLE: [metrics]}
    transaction = dynamo(
        "TransactWriteItems",
        TransactItems=[{"Put": {"TableName": TABLE, "Item": sized(100)}}],
        ReturnItemCollectionMetrics="SIZE",
    )
    assert transaction["ItemCollectionMetrics"] == {TABLE: [metrics]}
