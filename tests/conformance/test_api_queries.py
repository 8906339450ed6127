"""Query and Scan: order, bounds, pages, filters, indexes and segments."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

PAGE_BYTES = 1 << 20

ENVELOPE = "1 validation error detected: "


@pytest.fixture(scope="module")
def partition(dynamodb: Any, indexed: str) -> str:
    """A partition of 30 items c = 0..29; ``s`` and ``g`` tie in groups, two items lack them."""
    partition = uuid.uuid4().hex
    requests = []
    for number in range(30):
        item = {"p": {"S": partition}, "c": {"N": f"{number}"}, "x": {"S": f"x{number}"}, "y": {"S": "y"}}
        if number < 28:
            item |= {"s": {"S": f"s{number // 10}"}, "g": {"S": partition}, "n": {"N": f"{number % 4}"}}
        requests.append({"PutRequest": {"Item": item}})
    for start in range(0, 30, 25):
        dynamodb.batch_write_item(RequestItems={indexed: requests[start : start + 25]})
    return partition


def numbers(items: list[dict[str, Any]]) -> list[int]:
    return [int(item["c"]["N"]) for item in items]


def every_page(operation: Any, limit: int | None = None, **parameters: Any) -> list[dict[str, Any]]:
    """All items; each page but the last has ``limit`` scanned ones, and the last page ends it."""
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    bound = {} if limit is None else {"Limit": limit}
    for _ in range(200):
        page = operation(**parameters, **bound, **start)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        assert limit is None or page["ScannedCount"] == limit
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    raise AssertionError("pagination does not end")


def query(table: str, partition: str, condition: str = "", **parameters: Any) -> dict[str, Any]:
    values = {":p": {"S": partition}} | parameters.pop("values", {})
    key = "g" if str(parameters.get("IndexName", "")).startswith("global") else "p"
    return {
        "TableName": table,
        "KeyConditionExpression": f"{key} = :p" + (f" AND {condition}" if condition else ""),
        "ExpressionAttributeValues": values,
    } | parameters


# Conditions on the sort key, both ways.
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", range(30)),
        ("c = :a", [7]),
        ("c < :a", range(7)),
        ("c <= :a", range(8)),
        ("c > :a", range(8, 30)),
        ("c >= :a", range(7, 30)),
        ("c BETWEEN :a AND :b", range(7, 13)),
    ],
)
def test_conditions_on_the_sort_key(
    dynamodb: Any, indexed: str, partition: str, condition: str, expected: Any, forward: bool
) -> None:
    given = {":a": {"N": "7"}, ":b": {"N": "12"}}
    values = {name: value for name, value in given.items() if name in condition}
    parameters = query(indexed, partition, condition, values=values, ScanIndexForward=forward)
    expected = list(expected) if forward else list(expected)[::-1]
    assert numbers(dynamodb.query(**parameters)["Items"]) == expected
    assert numbers(every_page(dynamodb.query, 4, **parameters)) == expected


# Sort keys that are numbers are ordered by value, strings by their bytes in UTF-8.
@pytest.mark.parametrize(
    ("kind", "ordered"),
    [
        ("N", ["-1e20", "-10", "-1.5", "-0.001", "0", "1e-100", "0.5", "2", "10", "1e20"]),
        ("S", ["A", "Z", "a", "aa", "ab", "b", "é", "\uffee", "\U0001f600"]),
        ("B", [b"\0", b"\0\0", b"\1", b"a", b"a\0", b"\xff", b"\xff\0"]),
    ],
)
def test_order(dynamodb: Any, make_table: Any, kind: str, ordered: list[Any]) -> None:
    keys = [{"AttributeName": name, "KeyType": each} for name, each in (("p", "HASH"), ("c", "RANGE"))]
    types = [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": kind}]
    table = make_table(KeySchema=keys, AttributeDefinitions=types)
    for value in sorted(ordered, key=str):
        dynamodb.put_item(TableName=table, Item={"p": {"S": "p"}, "c": {kind: value}})
    found = [item["c"][kind] for item in dynamodb.query(**query(table, "p"))["Items"]]
    assert [float(each) if kind == "N" else each for each in found] == [
        float(each) if kind == "N" else each for each in ordered
    ]


# An index with sort keys that tie: pages of any size give every entry once, in order, both ways, and end.
@pytest.mark.parametrize("limit", [1, 3, 7, 28, 29, 1000])
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("index", ["local_all", "local_some", "local_keys", "global_all", "global_some", "global_keys"])
def test_index_pages(dynamodb: Any, indexed: str, partition: str, index: str, forward: bool, limit: int) -> None:
    parameters = query(indexed, partition, IndexName=index, ScanIndexForward=forward)
    items = every_page(dynamodb.query, limit, **parameters)
    assert sorted(numbers(items)) == list(range(28))
    sort_key = {"local_some": "n", "global_all": "n", "global_keys": None}.get(index, "s")
    if sort_key is not None:
        values = [item[sort_key].get("S") or int(item[sort_key]["N"]) for item in items if sort_key in item]
        assert values == sorted(values, reverse=not forward)
    # Going on from any entry that the client kept gives what lies behind it.
    names = {"p", "c", *({"g"} if index.startswith("global") else ()), *((sort_key,) if sort_key else ())}
    if index not in ("global_keys",):
        start = {name: items[9][name] for name in names}
        rest = dynamodb.query(**parameters, ExclusiveStartKey=start)["Items"]
        assert numbers(rest) == numbers(items[10:])


# What an entry holds: everything, keys, or keys and what was named.
@pytest.mark.parametrize(
    ("index", "names"),
    [
        ("local_all", {"p", "c", "s", "g", "n", "x", "y"}),
        ("local_keys", {"p", "c", "s"}),
        ("local_some", {"p", "c", "n", "x"}),
        ("global_all", {"p", "c", "s", "g", "n", "x", "y"}),
        ("global_keys", {"p", "c", "g"}),
        ("global_some", {"p", "c", "g", "s", "x"}),
    ],
)
def test_projections(dynamodb: Any, indexed: str, partition: str, refusal: Any, index: str, names: set[str]) -> None:
    item = dynamodb.query(**query(indexed, partition, IndexName=index, Limit=1))["Items"][0]
    assert set(item) == names
    # A local index looks up what it lacks, a global one refuses.
    parameters = query(indexed, partition, IndexName=index, Limit=1, Select="ALL_ATTRIBUTES")
    if index in ("global_keys", "global_some"):
        assert refusal(dynamodb.query, **parameters) == (
            "ValidationException",
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
            f"secondary index {index} because its projection type is not ALL",
        )
    else:
        assert set(dynamodb.query(**parameters)["Items"][0]) == {"p", "c", "s", "g", "n", "x", "y"}


# A filter takes away after the limit has counted; COUNT gives no items.
def test_filter_and_select(dynamodb: Any, indexed: str, partition: str) -> None:
    parameters = query(indexed, partition, values={":x": {"S": "x2"}}, FilterExpression="begins_with(x, :x)", Limit=5)
    page = dynamodb.query(**parameters)
    assert (page["Count"], page["ScannedCount"]) == (1, 5)
    assert page["LastEvaluatedKey"] == {"p": {"S": partition}, "c": {"N": "4"}}
    counted = dynamodb.query(**query(indexed, partition, Select="COUNT"))
    assert (counted["Count"], "Items" in counted) == (30, False)
    projected = dynamodb.query(**query(indexed, partition, ProjectionExpression="x", Limit=1))
    assert projected["Items"] == [{"x": {"S": "x0"}}]


# A page ends with the item that brings it to 1 MB, before the filter.
@pytest.mark.parametrize("filtered", [False, True])
def test_one_megabyte_pages(dynamodb: Any, ranged: str, key: str, filtered: bool) -> None:
    for number in range(12):
        item = {"p": {"S": key}, "c": {"S": f"{number:02}"}, "filler": {"S": "x" * 100_000}}
        dynamodb.put_item(TableName=ranged, Item=item)
    parameters = query(ranged, key)
    if filtered:
        parameters["FilterExpression"] = "attribute_not_exists(filler)"
    page = dynamodb.query(**parameters)
    assert page["ScannedCount"] == 11
    assert page["Count"] == (0 if filtered else 11)
    page = dynamodb.query(**parameters, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page["ScannedCount"] == 1
    assert "LastEvaluatedKey" not in page


# Segments part the table: every item is in exactly one, and pages within a segment go on where they ended.
@pytest.mark.parametrize("segments", [1, 2, 3, 8, 50])
@pytest.mark.parametrize("index", [None, "global_all", "local_keys"])
def test_parallel_scan(dynamodb: Any, indexed: str, partition: str, index: str | None, segments: int) -> None:
    for other in range(5):
        item = {"p": {"S": f"{partition}-{other}"}, "c": {"N": "1"}, "s": {"S": "s"}, "g": {"S": f"{other}"}}
        dynamodb.put_item(TableName=indexed, Item=item | {"n": {"N": "1"}})
    parameters = {"TableName": indexed} | ({} if index is None else {"IndexName": index})
    whole = every_page(dynamodb.scan, **parameters)
    parts: list[tuple[str, str]] = []
    for segment in range(segments):
        found = every_page(dynamodb.scan, 3, Segment=segment, TotalSegments=segments, **parameters)
        parts += [(item["p"]["S"], item["c"]["N"]) for item in found]
    assert sorted(parts) == sorted((item["p"]["S"], item["c"]["N"]) for item in whole)


# Questions that cannot be answered, and AWS's sentence for each.
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"KeyConditionExpression": "c = :p"}, "Query condition missed key schema element: p"),
        ({"KeyConditionExpression": "p > :p"}, "Query key condition not supported"),
        ({"KeyConditionExpression": "p = :p OR c = :p"},
         "Invalid operator used in KeyConditionExpression: OR"),
        ({"KeyConditionExpression": "p = :p AND p = :p"},
         "KeyConditionExpressions must only contain one condition per key"),
        ({"IndexName": "nobody"}, "The table does not have the specified index: nobody"),
        ({"IndexName": "global_all", "KeyConditionExpression": "g = :p", "ConsistentRead": True},
         "Consistent reads are not supported on global secondary indexes"),
        ({"FilterExpression": "c = :p"},
         "Filter Expression can only contain non-primary key attributes: Primary key attribute: c"),
        ({"Select": "SPECIFIC_ATTRIBUTES"},
         ENVELOPE + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"),
        ({"Select": "ALL_PROJECTED_ATTRIBUTES"},
         ENVELOPE + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
        ({"Select": "COUNT", "ProjectionExpression": "x"},
         ENVELOPE + "Cannot specify the ProjectionExpression when choosing to get only the Count"),
        ({"ExclusiveStartKey": {"p": {"S": "x"}}}, "The provided starting key is invalid"),
        ({"ExclusiveStartKey": {"p": {"S": "other"}, "c": {"N": "1"}}},
         "The provided starting key is outside query boundaries based on provided conditions"),
    ],
)  # fmt: skip
def test_refused_queries(
    dynamodb: Any, indexed: str, partition: str, refusal: Any, changes: dict[str, Any], message: str
) -> None:
    assert refusal(dynamodb.query, **query(indexed, partition) | changes) == ("ValidationException", message)


# Limit and segments have bounds of their own.
def test_refused_scans(dynamodb: Any, indexed: str, refusal: Any) -> None:
    assert refusal(dynamodb.scan, TableName=indexed, Limit=0) == (
        "ValidationException",
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1",
    )
    assert refusal(dynamodb.scan, TableName=indexed, Segment=2, TotalSegments=2) == (
        "ValidationException",
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
        "Segment: 2 is not less than TotalSegments: 2",
    )
    assert refusal(dynamodb.scan, TableName=indexed, Segment=0) == (
        "ValidationException",
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    )
