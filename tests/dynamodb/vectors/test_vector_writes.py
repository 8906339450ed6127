"""What writes mean for vector indexes: which items are refused, left out or indexed, and what a write consumes."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, index
from vector_tables import described, found, put, search_schema, table, vector, vector_index

from tabletop.dynamodb import keys
from tabletop.storage.store import Batch

INVALID = "One or more parameter values were invalid: "
PART = {"types": {"part": "S", "flag": "N"}}
SCHEMA = search_schema("part", "flag")
IN_PART = {"SearchConditionExpression": "part = :part", "ExpressionAttributeValues": {":part": {"S": "x"}}}
EMPTY_KEY = (
    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
    "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: vix, IndexKey: part"
)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "length": (
        {"v": vector(1, 2, 3)},
        INVALID + "Invalid size for parameter v, Expected: 2, Actual: 3. IndexName: vix",
    ),
    "empty": ({"v": vector()}, INVALID + "Invalid size for parameter v, Expected: 2, Actual: 0. IndexName: vix"),
    "string": ({"v": {"S": "1"}}, INVALID + "Invalid type for parameter v, Expected: L, Actual: S. IndexName: vix"),
    "set": (
        {"v": {"NS": ["1", "2"]}},
        INVALID + "Invalid type for parameter v, Expected: L, Actual: NS. IndexName: vix",
    ),
    "element": (
        {"v": {"L": [{"N": "1"}, {"S": "2"}]}},
        INVALID + "Invalid type for parameter v[1], Expected: N, Actual: S. IndexName: vix",
    ),
    "too large": (
        {"v": vector(1, "-3.5e38")},
        INVALID + "Invalid value for parameter v[1], Expected: a 32-bit floating point number, "
        "Actual: -350000000000000000000000000000000000000. IndexName: vix",
    ),
    "partition's type": (
        {"part": {"N": "1"}},
        INVALID + "Type mismatch for Index Key part Expected: S Actual: N IndexName: vix",
    ),
    "empty partition": ({"part": {"S": ""}}, EMPTY_KEY),
    "long partition": (
        {"part": {"S": "x" * 2049}},
        INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
    ),
    "filter's type": (
        {"flag": {"S": "1"}},
        INVALID + "Type mismatch for Index Key flag Expected: N Actual: S IndexName: vix",
    ),
}


# What an index could not hold is refused, by every way of writing, and nothing of it is stored.
@pytest.mark.parametrize("case", REFUSED)
def test_refused_items(dynamo: Dynamo, case: str) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=SCHEMA), **PART))
    more, words = REFUSED[case]
    item = {"p": {"S": "a"}} | more
    refusal = dynamo.refusal("PutItem", TableName="users", Item=item)
    assert refusal == ("ValidationException", words)
    assert dynamo.refusal("BatchWriteItem", RequestItems={"users": [{"PutRequest": {"Item": item}}]}) == refusal
    ((name, value),) = more.items()
    key = {"TableName": "users", "Key": {"p": item["p"]}}
    change = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": name}}
    assert dynamo.refusal("UpdateItem", **key, **change, ExpressionAttributeValues={":n": value}) == refusal
    members = [{"Put": {"TableName": "users", "Item": item}}]
    code, message = dynamo.refusal("TransactWriteItems", TransactItems=members)
    if words == EMPTY_KEY:
        # Empty values of keys refuse a transaction as a whole.
        assert (code, message) == refusal
    else:
        assert (code, "[ValidationError]" in message) == ("TransactionCanceledException", True)
    assert dynamo("Scan", TableName="users")["Count"] == 0


# The first and last numbers that a 32-bit float holds are taken; smaller ones become zero, more digits are lost.
def test_numbers_at_the_ends_of_their_range(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(Projection={"ProjectionType": "ALL"})))
    put(dynamo, "large", "3.4028234663852886e38", "-3.4028234663852886e38")
    put(dynamo, "small", "1e-100", "0.1234567890123456789")
    kept = dynamo("GetItem", TableName="users", Key={"p": {"S": "small"}})["Item"]["v"]
    assert kept["L"][1] == {"N": "0.1234567890123456789"}
    parameters = {"TableName": "users", "IndexName": "vix", "SearchVector": vector(0, 0)["L"], "TopK": 2}
    results = dynamo("SearchVectors", **parameters, ProjectionExpression="v")["SearchResults"]
    assert [result["Item"]["v"] for result in results] == [
        vector("0", "0.12345679"),
        vector("340282350000000000000000000000000000000", "-340282350000000000000000000000000000000"),
    ]


# An item without the vector or the partition is stored, and silently not indexed; without a filter's attribute it is.
def test_sparse_items(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=SCHEMA), **PART))
    part = {"S": "x"}
    put(dynamo, "whole", 1, 1, part=part, flag={"N": "1"})
    put(dynamo, "no filter", 2, 2, part=part)
    put(dynamo, "no partition", 3, 3, flag={"N": "1"})
    put(dynamo, "no vector", part=part)
    assert found(dynamo, 0, 0, **IN_PART) == ["whole", "no filter"]
    flagged = {
        "SearchConditionExpression": "part = :part AND flag = :flag",
        "ExpressionAttributeValues": {":part": part, ":flag": {"N": "1.0"}},
    }
    assert found(dynamo, 0, 0, **flagged) == ["whole"]
    for key, change in (("whole", "REMOVE part"), ("no filter", "REMOVE v")):
        dynamo("UpdateItem", TableName="users", Key={"p": {"S": key}}, UpdateExpression=change)
    assert found(dynamo, 0, 0, **IN_PART) == []
    assert described(dynamo)["vix"]["ItemCount"] == 0


# An item moves with its partition's value, and is found by its new vector.
def test_items_that_move(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=SCHEMA), **PART))
    put(dynamo, "a", 1, 1, part={"S": "y"})
    put(dynamo, "b", 2, 2, part={"S": "x"})
    assert found(dynamo, 0, 0, **IN_PART) == ["b"]
    put(dynamo, "a", 1, 1, part={"S": "x"})
    assert found(dynamo, 0, 0, **IN_PART) == ["a", "b"]
    put(dynamo, "a", 5, 5, part={"S": "x"})
    assert found(dynamo, 0, 0, **IN_PART) == ["b", "a"]


def written(answer: Any, name: str = "vix") -> float | None:
    return answer["ConsumedCapacity"].get("VectorIndexes", {}).get(name, {}).get("VectorWriteRequestBytes")


# A write consumes the bytes that reach the index (in AWS's example 1,024 dimensions and what is beside them take 4,125),
# nothing if nothing of the index changes; one that moves an entry pays for both.
def test_capacity_of_writes(dynamo: Dynamo) -> None:
    wide = vector_index(
        Dimensions=1024,
        SearchSchema=search_schema("part"),
        Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
    )
    dynamo("CreateTable", **table(wide, types={"part": "S"}))
    item = {"p": {"S": "a" * 12}, "v": vector(*["1"] * 1024), "part": {"S": "x"}, "title": {"S": "12345"}}
    parameters = {"TableName": "users", "ReturnConsumedCapacity": "INDEXES"}
    base = 4096 + 1 + 13 + 5 + 5
    first = dynamo("PutItem", **parameters, Item=item)
    assert written(first) == base + 5
    # What a vector index consumes is no part of the units.
    assert first["ConsumedCapacity"]["CapacityUnits"] == first["ConsumedCapacity"]["Table"]["CapacityUnits"]
    assert written(dynamo("PutItem", **parameters, Item=item)) is None
    assert written(dynamo("PutItem", **parameters, Item=item | {"other": {"S": "o"}})) is None
    assert written(dynamo("PutItem", **parameters, Item=item | {"title": {"S": "1"}})) == base + 5
    assert written(dynamo("PutItem", **parameters, Item=item | {"part": {"S": "y"}})) == base + 1 + base + 5
    total = dynamo("DeleteItem", TableName="users", ReturnConsumedCapacity="TOTAL", Key={"p": {"S": "none"}})
    assert "VectorIndexes" not in total["ConsumedCapacity"]
    assert written(dynamo("DeleteItem", **parameters, Key={"p": item["p"]})) == base + 5


# A write of little is charged as a kilobyte, once for all indexes; batches and transactions add up what their writes consume.
def test_least_capacity(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(), vector_index("second")))
    item = {"p": {"S": "a"}, "v": vector(1, 1)}
    parameters = {"TableName": "users", "ReturnConsumedCapacity": "INDEXES"}
    one = dynamo("PutItem", **parameters, Item=item)
    assert (written(one), written(one, "second")) == (1024 - 11, 11)
    puts = [{"PutRequest": {"Item": item | {"p": {"S": key}}}} for key in "bc"]
    batch = dynamo("BatchWriteItem", RequestItems={"users": puts}, ReturnConsumedCapacity="INDEXES")
    (consumed,) = batch["ConsumedCapacity"]
    assert consumed["VectorIndexes"]["vix"]["VectorWriteRequestBytes"] == 2 * (1024 - 11)
    members = [{"Put": {"TableName": "users", "Item": item | {"p": {"S": "d"}}}}]
    transaction = dynamo("TransactWriteItems", TransactItems=members, ReturnConsumedCapacity="INDEXES")
    (consumed,) = transaction["ConsumedCapacity"]
    assert consumed["VectorIndexes"]["vix"] == {"VectorWriteRequestBytes": 1024.0 - 11}
    assert consumed["CapacityUnits"] == 2.0


# An item that expires leaves the index as a deleted one does.
def test_expired_items(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    on = {"Enabled": True, "AttributeName": "until"}
    dynamo("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=on)
    put(dynamo, "goes", 1, 1, until={"N": str(int(dynamo.clock()) + 5)})
    put(dynamo, "stays", 2, 2)
    dynamo.settle()
    assert found(dynamo, 0, 0) == ["goes", "stays"]
    dynamo.clock.advance(10)
    dynamo.settle()
    assert found(dynamo, 0, 0) == ["stays"]


# Statements write vectors as other operations do, and cannot read a vector index.
def test_partiql(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    dynamo("ExecuteStatement", Statement="INSERT INTO users VALUE {'p': 'a', 'v': [1, 2]}")
    assert found(dynamo, 0, 0) == ["a"]
    assert dynamo.refusal("ExecuteStatement", Statement='SELECT * FROM users."vix"')[0] == "ValidationException"
    short = "INSERT INTO users VALUE {'p': 'b', 'v': [1]}"
    words = INVALID + "Invalid size for parameter v, Expected: 2, Actual: 1. IndexName: vix"
    assert dynamo.refusal("ExecuteStatement", Statement=short) == ("ValidationException", words)


# A vector index is searched, not queried or scanned; other indexes are not searched.
def test_operations_on_other_indexes(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(), GlobalSecondaryIndexes=[index("byp", "p")]))
    on_index = {"TableName": "users", "IndexName": "vix"}
    words = "operation not supported on this index type."
    query = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    assert dynamo.refusal("Query", **on_index, **query) == ("ValidationException", f"Query {words}")
    assert dynamo.refusal("Scan", **on_index) == ("ValidationException", f"Scan {words}")
    search = {"TableName": "users", "IndexName": "byp", "SearchVector": vector(1, 1)["L"], "TopK": 1}
    assert dynamo.refusal("SearchVectors", **search) == ("ValidationException", f"SearchVectors {words}")


# Replicas of a global table have the index, the vectors and what is changed of either.
def test_replicas(dynamo: Dynamo) -> None:
    there = dynamo.at("eu-west-1")
    dynamo("CreateTable", **table(vector_index()))
    put(dynamo, "before", 1, 1)
    dynamo("UpdateTable", TableName="users", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    dynamo.settle()
    put(dynamo, "here", 2, 2)
    put(there, "there", 3, 3)
    assert found(dynamo, 0, 0) == found(there, 0, 0) == ["before", "here", "there"]
    added = vector_index("far", SearchSchema=search_schema("part"))
    creation = {"VectorIndexUpdates": [{"Create": added}], "AttributeDefinitions": attributes(part="S")}
    dynamo("UpdateTable", TableName="users", **creation)
    dynamo.settle()
    arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/users/index/"
    assert [one["IndexArn"] for one in described(there).values()] == [arn + "vix", arn + "far"]
    there("UpdateTable", TableName="users", VectorIndexUpdates=[{"Delete": {"IndexName": "vix"}}])
    dynamo.settle()
    assert list(described(dynamo)) == list(described(there)) == ["far"]


# Whatever is missing, stale or too much in a vector index is found by the checker, and nothing in a whole one.
def test_checker(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(DistanceFunction="COSINE")))
    put(dynamo, "a", 1, 2)
    put(dynamo, "b", 2, 1)
    assert dynamo.problems() == []
    prefix = keys.vector_prefix(1, 1)
    with dynamo.store.view() as view:
        (first, whole), (_, other) = view.range(prefix, prefix + b"\xff" * 40)

    def problems() -> str:
        return "\n".join(dynamo.problems())

    def store(writes: dict[bytes, bytes | None]) -> None:
        def plan(view: Any, request: Any, now: float) -> tuple[None, Batch]:
            batch = Batch()
            batch.writes |= writes
            return None, batch

        dynamo.store.submit(plan, None, lambda answer: None)

    store({first: other})
    assert "is stale" in problems()
    store({first: None})
    assert "is missing" in problems()
    assert "holds 1 vectors for 2 items" in problems()
    store({first: whole, prefix + b"x" * 16: other})
    assert "holds 3 vectors for 2 items" in problems()
    store({prefix + b"x" * 16: None})
    counter = keys.counter_key(1, 1)
    with dynamo.store.view() as view:
        counted = view.get(counter)
    store({counter: bytes(16)})
    assert "the counter says 0 of 0" in problems()
    store({counter: counted})
    assert dynamo.problems() == []
