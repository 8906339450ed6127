"""What clients notice while something large goes on beside them: reads and writes by turns, before and meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.compare.load import Outcome
from benchmarks.scale import data
from benchmarks.scale.serving import Served, run_beside

BACKFILL_WATCHED_S = 60.0
"""After that the new index is taken away again: the rate is known."""
END_TIMEOUT_S = 600.0


def beside(served: Served, others: str, items: int, seconds: int) -> Iterator[str]:
    """Rows of a table, then what else there is to say.

    ``others`` is a further, small table of the same server, of ``items`` items: its clients are asked.
    """
    client = served.client
    requests = data.mix(items, served.host, table=others)
    yield "| Meanwhile | p50 ms | p99 ms | p99.9 ms | p99 against nothing else |"
    yield "|---|---:|---:|---:|---:|"
    quiet = served.drive(requests, seconds, pause_ms=5.0)
    yield _row("nothing else", quiet, quiet)
    done: list[str] = []

    def scan() -> None:
        began, count, pages = time.perf_counter(), 0, 0
        following: dict[str, Any] = {}
        while time.perf_counter() - began < seconds or not pages:
            page = client.scan(TableName=data.TABLE, Select="COUNT", **following)
            count, pages = count + page["Count"], pages + 1
            if "LastEvaluatedKey" not in page:
                break
            following = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        done.append(f"Scan, counting, beside the load: {count / (time.perf_counter() - began):,.0f} items/s")

    yield _row("Scan of the large table", run_beside(served, requests, seconds, scan), quiet)
    attributes = data.definition()["AttributeDefinitions"]
    began = time.perf_counter()
    update = {"AttributeDefinitions": attributes, "GlobalSecondaryIndexUpdates": [{"Create": data.index("by-g-more")}]}
    filling = run_beside(served, requests, seconds, lambda: client.update_table(TableName=data.TABLE, **update))
    rows = _index_items(client)
    yield _row("backfill of a new GSI", filling, quiet)
    done.append(f"Backfill beside the load: {rows / (time.perf_counter() - began):,.0f} items/s")
    began, before = time.perf_counter(), rows
    _wait(lambda: _index_status(client) == "ACTIVE" or time.perf_counter() - began > BACKFILL_WATCHED_S)
    after = _index_items(client)
    done.append(f"Backfill with nothing else to do: {(after - before) / (time.perf_counter() - began):,.0f} items/s")
    if _index_status(client) != "ACTIVE":
        removal = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-g-more"}}]}
        client.update_table(TableName=data.TABLE, **removal)
        _wait(lambda: _new_index(client) is None)
    clearing = run_beside(served, requests, seconds, lambda: client.delete_table(TableName=data.TABLE))
    yield _row("clearing of the deleted table", clearing, quiet)
    yield ""
    yield from (f"- {line}." for line in done)


def _row(name: str, outcome: Outcome, quiet: Outcome) -> str:
    errors = f" ({outcome.errors} errors)" if outcome.errors else ""
    return (
        f"| {name}{errors} | {outcome.p50_ms:.2f} | {outcome.p99_ms:.2f} | {outcome.p999_ms:.2f} "
        f"| {outcome.p99_ms / quiet.p99_ms:.2f} |"
    )


def _new_index(client: Any) -> Any:
    indexes = client.describe_table(TableName=data.TABLE)["Table"]["GlobalSecondaryIndexes"]
    return next((index for index in indexes if index["IndexName"] == "by-g-more"), None)


def _index_items(client: Any) -> int:
    return int(_new_index(client)["ItemCount"])


def _index_status(client: Any) -> str:
    return str(_new_index(client)["IndexStatus"])


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except ClientError as error:
            raise RuntimeError("the table cannot be described") from error
        # Seldom: a request makes background work rest.
        time.sleep(5)
    raise RuntimeError("it takes too long")
