"""Other ways to be large: each a row of what its requests cost in an otherwise empty server."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.scale import data
from benchmarks.scale.serving import Served

LARGE_BYTES = 400 * 1024 - 200
PARTITION = 100_000
INDEXES = 20
TABLES = 500
HEAD = "| Shape | Requests | requests/s | p50 ms | p99 ms | CPU µs |"


def shapes(served: Served, seconds: int) -> Iterator[str]:
    yield HEAD
    yield "|---|---|---:|---:|---:|---:|"
    yield from _hot_key(served, seconds)
    yield from _large_items(served, seconds)
    yield from _large_partition(served, seconds)
    yield from _many_indexes(served, seconds)
    yield from _many_tables(served, seconds)


def _row(served: Served, shape: str, what: str, requests: list[bytes], seconds: int) -> str:
    outcome = served.drive(requests, seconds)
    errors = f" ({outcome.errors} errors)" if outcome.errors else ""
    return (
        f"| {shape} | {what}{errors} | {outcome.requests_per_s:,.0f} | {outcome.p50_ms:.2f} | {outcome.p99_ms:.2f} "
        f"| {outcome.cpu_us:,.0f} |"
    )


def _requests(served: Served, action: str, bodies: Iterator[data.Json]) -> list[bytes]:
    return [data.request(action, body, served.host) for body in bodies]


def _hot_key(served: Served, seconds: int) -> Iterator[str]:
    served.client.create_table(**data.definition("hot"))
    served.client.put_item(TableName="hot", Item=data.item(0, 20))
    count = {":one": {"N": "1"}}
    update = {
        "TableName": "hot",
        "Key": data.key(0),
        "UpdateExpression": "ADD v :one",
        "ExpressionAttributeValues": count,
    }
    requests = _requests(served, "UpdateItem", iter([update]))
    yield _row(served, "one key", "UpdateItem, a counter", requests, seconds)
    requests = _requests(served, "GetItem", iter([{"TableName": "hot", "Key": data.key(0)}]))
    yield _row(served, "one key", "GetItem", requests, seconds)


def _large_items(served: Served, seconds: int) -> Iterator[str]:
    served.client.create_table(**data.definition("large"))
    large = {"d": {"S": "x" * LARGE_BYTES}}
    puts = ({"TableName": "large", "Item": data.item(number, 40) | large} for number in range(40))
    requests = _requests(served, "PutItem", puts)
    yield _row(served, "items of 400 KB", "PutItem", requests, seconds)
    gets = ({"TableName": "large", "Key": data.key(number)} for number in range(40))
    yield _row(served, "items of 400 KB", "GetItem", _requests(served, "GetItem", gets), seconds)


def _large_partition(served: Served, seconds: int) -> Iterator[str]:
    client = served.client
    client.create_table(**data.definition("partition"))
    one = {"p": {"S": "p"}, "d": {"S": "x" * data.FILLER_BYTES}}
    for first in range(0, PARTITION, 25):
        rows = [one | {"s": {"S": f"s{number:06d}"}} for number in range(first, first + 25)]
        client.batch_write_item(RequestItems={"partition": [{"PutRequest": {"Item": row}} for row in rows]})
    body = {
        "TableName": "partition",
        "KeyConditionExpression": "p = :p AND s >= :s",
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":s": {"S": "s050000"}},
        "Limit": 20,
    }
    yield _row(served, f"{PARTITION:,} items in one partition", "Query of 20 in the middle",
               _requests(served, "Query", iter([body])), seconds)  # fmt: skip
    back = body | {"ScanIndexForward": False}
    yield _row(served, f"{PARTITION:,} items in one partition", "the same, backwards",
               _requests(served, "Query", iter([back])), seconds)  # fmt: skip


def _many_indexes(served: Served, seconds: int) -> Iterator[str]:
    served.client.create_table(**data.definition("indexes", INDEXES))
    for action in ("PutItem", "UpdateItem"):
        requests = data.requests(action, 10_000, served.host, table="indexes", number=10_000)
        yield _row(served, f"{INDEXES} GSIs", action, requests, seconds)


def _many_tables(served: Served, seconds: int) -> Iterator[str]:
    client = served.client
    began = time.perf_counter()
    for number in range(TABLES):
        client.create_table(**data.definition(f"table-{number:03d}"))
    made_s = time.perf_counter() - began
    puts = ({"TableName": f"table-{n % TABLES:03d}", "Item": data.item(n, 10_000)} for n in range(10_000))
    yield _row(served, f"{TABLES} tables", "PutItem over all", _requests(served, "PutItem", puts), seconds)
    gets = ({"TableName": f"table-{n % TABLES:03d}", "Key": data.key(n)} for n in range(10_000))
    yield _row(served, f"{TABLES} tables", "GetItem over all", _requests(served, "GetItem", gets), seconds)
    lists = _requests(served, "ListTables", iter([{}]))
    yield _row(served, f"{TABLES} tables", "ListTables", lists, seconds)
    yield f"| {TABLES} tables | CreateTable, one after the other | {TABLES / made_s:,.0f} | | | |"
