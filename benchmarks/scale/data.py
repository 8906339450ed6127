"""Items of 300 bytes in partitions of 20, with a KEYS_ONLY index whose partitions hold 20 of different partitions."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from benchmarks.load import HEADERS

Json = dict[str, Any]
_fresh = count(100)
TABLE = "scale"
PARTITION_ITEMS = 20
FILLER_BYTES = 268
REQUESTS = 30_000
"""Of one run: the generator goes round and round through them."""


def definition(table: str = TABLE, indexes: int = 1) -> Json:
    """With one index (g, s), or several over the same attributes."""
    made: Json = {
        "TableName": table,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", "g")],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    made["GlobalSecondaryIndexes"] = [index("by-g" if n == 0 else f"by-g-{n}") for n in range(indexes)]
    return made


def index(name: str) -> Json:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def key(number: int) -> Json:
    partition, place = divmod(number, PARTITION_ITEMS)
    return {"p": {"S": f"p{partition:08d}"}, "s": {"S": f"s{place:06d}"}}


def group(number: int, items: int) -> Json:
    partition, place = divmod(number, PARTITION_ITEMS)
    return {"S": f"g{(partition + place) % -(-items // PARTITION_ITEMS):08d}"}


def item(number: int, items: int) -> Json:
    return {
        **key(number),
        "g": group(number, items),
        "n": {"N": str(number % 100)},
        "d": {"S": "x" * FILLER_BYTES},
    }


def lines(items: int) -> Iterator[bytes]:
    """The items as `tabletop import` takes them, some thousand in one piece."""
    form = (
        '{"Item":{"p":{"S":"p%08d"},"s":{"S":"s%06d"},"g":{"S":"g%08d"},"n":{"N":"%d"},"d":{"S":"'
        + "x" * FILLER_BYTES
        + '"}}}\n'
    )
    groups = -(-items // PARTITION_ITEMS)
    for first in range(0, items, 5000):
        rows = []
        for number in range(first, min(first + 5000, items)):
            partition, place = divmod(number, PARTITION_ITEMS)
            rows.append(form % (partition, place, (partition + place) % groups, number % 100))
        yield "".join(rows).encode()


def _get(number: int, _items: int, table: str) -> Json:
    return {"TableName": table, "Key": key(number)}


def _put(number: int, items: int, table: str) -> Json:
    """Never what is there already, which would not be written."""
    return {"TableName": table, "Item": item(number, items) | {"n": {"N": str(next(_fresh))}}}


def _update(number: int, _items: int, table: str) -> Json:
    return {
        "TableName": table,
        "Key": key(number),
        "UpdateExpression": "SET v = if_not_exists(v, :zero) + :one",
        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
    }


def _query(number: int, _items: int, table: str) -> Json:
    values = {":p": key(number)["p"]}
    return {"TableName": table, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values}


def _query_index(number: int, items: int, table: str) -> Json:
    return {
        "TableName": table,
        "IndexName": "by-g",
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": group(number, items)},
    }


def _describe(_number: int, _items: int, table: str) -> Json:
    return {"TableName": table}


BODIES: dict[str, tuple[str, Callable[[int, int, str], Json]]] = {
    "GetItem": ("GetItem", _get),
    "PutItem": ("PutItem", _put),
    "UpdateItem": ("UpdateItem", _update),
    "Query of 20 items": ("Query", _query),
    "Query of 20 entries of the GSI": ("Query", _query_index),
    "BatchGetItem of 25": ("BatchGetItem", _get),
    "DescribeTable": ("DescribeTable", _describe),
}


def requests(name: str, items: int, host: str, *, table: str = TABLE, number: int = REQUESTS) -> list[bytes]:
    """Whole HTTP requests over keys drawn at random, the same in every run."""
    dice = random.Random(1)
    action, make = BODIES[name]
    if name.startswith("BatchGetItem"):
        batches = (sorted({dice.randrange(items) for _ in range(25)}) for _ in range(number // 10))
        bodies: Iterator[Json] = (
            {"RequestItems": {table: {"Keys": [key(each) for each in batch]}}} for batch in batches
        )
    else:
        bodies = (make(dice.randrange(items), items, table) for _ in range(number))
    return [request(action, body, host) for body in bodies]


def mix(items: int, host: str, *, table: str = TABLE) -> list[bytes]:
    """Reads and writes by turns: what other clients do while something large goes on."""
    reads = requests("GetItem", items, host, table=table, number=REQUESTS // 2)
    writes = requests("PutItem", items, host, table=table, number=REQUESTS // 2)
    return [each for pair in zip(reads, writes, strict=True) for each in pair]


def request(action: str, body: Json, host: str) -> bytes:
    """With the well-known test key, whose signature is not verified."""
    content = json.dumps(body, separators=(",", ":")).encode()
    lines_ = [f"{name}: {value}" for name, value in HEADERS.items()]
    lines_ += [f"Host: {host}", f"X-Amz-Target: DynamoDB_20120810.{action}", f"Content-Length: {len(content)}"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines_) + "\r\n\r\n").encode() + content
