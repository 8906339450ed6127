"""The table that everybody serves, its data, and the operations: each a stream of (action, body).

10,000 items of about 1 KB in 500 partitions of 20, and one GSI (g, s) with all attributes. Keys are drawn at random with
a fixed seed: uniformly for the single operations, by a Zipf distribution for YCSB's mixes, as YCSB does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

TABLE = "bench"
PARTITIONS = 500
PARTITION_ITEMS = 20
ITEMS = PARTITIONS * PARTITION_ITEMS
FILLER_BYTES = 900
ZIPF_EXPONENT = 0.99

Json = dict[str, Any]
Request = tuple[str, bytes]
Draw = Callable[[], int]

TABLE_DEFINITION: Json = {
    "TableName": TABLE,
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", "g")],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def key(number: int) -> Json:
    partition, place = divmod(number, PARTITION_ITEMS)
    return {"p": {"S": f"p{partition:06d}"}, "s": {"S": f"s{place:06d}"}}


def item(number: int) -> Json:
    """``g`` gathers 20 items of different partitions, whose sort keys differ."""
    partition, place = divmod(number, PARTITION_ITEMS)
    group = {"S": f"g{(partition + place) % PARTITIONS:06d}"}
    return {**key(number), "g": group, "n": {"N": str(number % 100)}, "d": {"S": "x" * FILLER_BYTES}}


def batches() -> Iterator[Json]:
    """The data, as BatchWriteItem requests of 25."""
    for first in range(0, ITEMS, 25):
        yield {"RequestItems": {TABLE: [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]}}


def _get(number: int) -> Request:
    return "GetItem", _bytes({"TableName": TABLE, "Key": key(number)})


def _put(number: int) -> Request:
    return "PutItem", _bytes({"TableName": TABLE, "Item": item(number)})


def _version(number: int, version: int) -> Json:
    """The item with another content: a put of what is there already may be no write at all, as it is none in Tabletop."""
    return item(number) | {"v": {"N": str(version)}}


def _update(number: int) -> Request:
    return "UpdateItem", _bytes(
        {
            "TableName": TABLE,
            "Key": key(number),
            "UpdateExpression": "SET v = if_not_exists(v, :zero) + :one",
            "ConditionExpression": "attribute_exists(p)",
            "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
        }
    )


def _delete(number: int) -> Request:
    return "DeleteItem", _bytes({"TableName": TABLE, "Key": key(number)})


def _query(number: int) -> Request:
    values = {":p": key(number)["p"]}
    return "Query", _bytes(
        {"TableName": TABLE, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values}
    )


def _query_index(number: int) -> Request:
    return "Query", _bytes(
        {
            "TableName": TABLE,
            "IndexName": "by-g",
            "KeyConditionExpression": "g = :g",
            "ExpressionAttributeValues": {":g": item(number)["g"]},
        }
    )


def _scan(_number: int) -> Request:
    return "Scan", _bytes({"TableName": TABLE})


def _filtered_scan(number: int) -> Request:
    return "Scan", _bytes(
        {
            "TableName": TABLE,
            "FilterExpression": "n = :n",
            "ExpressionAttributeValues": {":n": {"N": str(number % 100)}},
        }
    )


def _bytes(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _each(make: Callable[[int], Request]) -> Callable[[Draw], Iterator[Request]]:
    return lambda draw: (make(draw()) for _ in count())


def _puts(draw: Draw) -> Iterator[Request]:
    """Each put changes its item: those of a hundred items in one version, then in the other."""
    while True:
        numbers = {draw() for _ in range(100)}
        for version in (1, 2):
            for number in numbers:
                yield "PutItem", _bytes({"TableName": TABLE, "Item": _version(number, version)})


def _deletes(draw: Draw) -> Iterator[Request]:
    while True:
        number = draw()
        yield _delete(number)
        yield _put(number)


def _batch_writes(draw: Draw) -> Iterator[Request]:
    while True:
        numbers = {draw() for _ in range(40)}
        for version in (1, 2):
            puts = [{"PutRequest": {"Item": _version(number, version)}} for number in sorted(numbers)[:25]]
            yield "BatchWriteItem", _bytes({"RequestItems": {TABLE: puts}})


def _batch_gets(draw: Draw) -> Iterator[Request]:
    while True:
        numbers = {draw() for _ in range(120)}
        yield "BatchGetItem", _bytes({"RequestItems": {TABLE: {"Keys": [key(n) for n in sorted(numbers)[:100]]}}})


def _transactions(draw: Draw) -> Iterator[Request]:
    while True:
        numbers = sorted({draw() for _ in range(8)})[:4]
        for version in (1, 2):
            members = [{"Put": {"TableName": TABLE, "Item": _version(number, version)}} for number in numbers]
            yield "TransactWriteItems", _bytes({"TransactItems": members})


def _mix(read: float, write: Callable[[Draw], Iterator[Request]]) -> Callable[[Draw], Iterator[Request]]:
    def requests(draw: Draw) -> Iterator[Request]:
        dice = random.Random(2)
        writes = write(draw)
        while True:
            yield _get(draw()) if dice.random() < read else next(writes)

    return requests


def _inserts(_draw: Draw) -> Iterator[Request]:
    return (_put(number) for number in count(ITEMS))


def _read_modify_writes(draw: Draw) -> Iterator[Request]:
    while True:
        number = draw()
        yield _get(number)
        yield _update(number)


WORKLOADS: dict[str, Callable[[Draw], Iterator[Request]]] = {
    "GetItem": _each(_get),
    "PutItem": _puts,
    "UpdateItem, with a condition": _each(_update),
    "DeleteItem, each put back": _deletes,
    "Query of 20 items": _each(_query),
    "Query of 20 items, by the GSI": _each(_query_index),
    "Scan of 1 MB": _each(_scan),
    "Scan of 1 MB, filtered to 1%": _each(_filtered_scan),
    "BatchWriteItem of 25": _batch_writes,
    "BatchGetItem of 100": _batch_gets,
    "TransactWriteItems of 4": _transactions,
    "YCSB A: half reads, half updates": _mix(0.5, _each(_update)),
    "YCSB B: 95% reads, 5% updates": _mix(0.95, _each(_update)),
    "YCSB C: reads": _each(_get),
    "YCSB D: 95% reads, 5% inserts": _mix(0.95, _inserts),
    "YCSB F: half reads, half read-modify-writes": _mix(0.5, _read_modify_writes),
}

REQUESTS_BYTES_MAX = 24_000_000
REQUESTS_MAX = 20_000
"""Of one run: the generator goes round and round through them."""


def requests(name: str) -> list[Request]:
    """The requests of a workload, the same in every run and for every server."""
    dice = random.Random(1)
    draw = _zipf(dice) if name.startswith("YCSB") else lambda: dice.randrange(ITEMS)
    made: list[Request] = []
    size_bytes = 0
    for request in WORKLOADS[name](draw):
        made.append(request)
        size_bytes += len(request[1]) + 700
        if len(made) == REQUESTS_MAX or size_bytes > REQUESTS_BYTES_MAX:
            return made
    raise AssertionError("a workload has no end")


def _zipf(dice: random.Random) -> Draw:
    weights = [1 / (rank + 1) ** ZIPF_EXPONENT for rank in range(ITEMS)]
    order = list(range(ITEMS))
    random.Random(3).shuffle(order)
    drawn = iter(dice.choices(order, weights, k=4 * REQUESTS_MAX))
    return lambda: next(drawn)


def expected_answer(name: str) -> Callable[[Json], bool]:
    """What the first answer of a workload must be, so that nobody is quick by being wrong."""
    checks: dict[str, Callable[[Json], bool]] = {
        "GetItem": lambda answer: len(answer["Item"]["d"]["S"]) == FILLER_BYTES,
        "Query of 20 items": lambda answer: answer["Count"] == len(answer["Items"]) == PARTITION_ITEMS,
        "Query of 20 items, by the GSI": lambda answer: answer["Count"] == len(answer["Items"]) == PARTITION_ITEMS,
        "Scan of 1 MB": lambda answer: 900 < answer["Count"] < 1200 and "LastEvaluatedKey" in answer,
        "Scan of 1 MB, filtered to 1%": lambda answer: 900 < answer["ScannedCount"] < 1200 and answer["Count"] < 100,
        "BatchGetItem of 100": lambda answer: len(answer["Responses"][TABLE]) == 100 and not answer["UnprocessedKeys"],
        "BatchWriteItem of 25": lambda answer: not answer["UnprocessedItems"],
    }
    return checks.get(name, lambda answer: True)
