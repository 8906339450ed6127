"""Streams as they are stored: made and closed with the change of their table, found by name or ARN.

The record, JSON: number, account, region, table (its name), label, arn, view, key_schema, created (epoch seconds),
disabled (epoch milliseconds, or null while changes are recorded), settled (epoch seconds: until then the stream shows
ENABLING or DISABLING); ``attributes`` and ``seed`` as the table has them, so that
the checker can tell the slice of each change when the table is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import keys
from tabletop.dynamodb.lifecycle import Delays
from tabletop.dynamodb.streams import shards
from tabletop.storage.store import Batch, View, after_prefix

Record = dict[str, Any]

_ARN = re.compile(
    r"arn:aws:dynamodb:(?P<region>[^:/]+):(?P<account>\d+):"
    r"table/(?P<table>[a-zA-Z0-9_.\-]{3,255})/stream/(?P<label>[0-9T:.\-]+)"
)


def follow_table(view: View, batch: Batch, before: Record | None, after: Record | None, now: float) -> None:
    """Open or close the stream as a table's record changes; None stands for no table.

    Gives a new stream its number, and its label if another stream has it, in ``after["stream"]``: to be called before
    ``after`` is stored.
    """
    old = (before or {}).get("stream")
    new = (after or {}).get("stream")
    was, stays = bool(old and old["enabled"]), bool(new and new["enabled"])
    if was and not stays:
        assert before is not None
        _close(view, batch, before, now)
    elif stays and not was:
        assert after is not None
        _open(view, batch, after, now)


def _open(view: View, batch: Batch, table: Record, now: float) -> None:
    newest = batch.writes.get(keys.STREAM_NUMBER_COUNTER) or view.get(keys.STREAM_NUMBER_COUNTER)
    number = 1 + (0 if newest is None else int.from_bytes(newest, "big"))
    stream = table["stream"]
    stream["number"] = number
    key = _key_of_table(table)
    while view.get(key) is not None:
        # A table dropped and made again, or a stream switched on again, within one millisecond.
        stream["label"] = _next_label(stream["label"])
        key = _key_of_table(table)
    names = {part["AttributeName"] for part in table["key_schema"]}
    record = {
        "number": number,
        "account": table["account"],
        "region": table["region"],
        "table": table["name"],
        "label": stream["label"],
        "arn": f"{table['arn']}/stream/{stream['label']}",
        "view": stream["view"],
        "key_schema": table["key_schema"],
        "created": round(now, 3),
        "disabled": None,
        "settled": now + Delays.table_delay_s,
        "attributes": [one for one in table["attributes"] if one[0] in names],
        "seed": table["seed"],
    }
    now_ms = int(now * 1000)
    batch.put(keys.STREAM_NUMBER_COUNTER, number.to_bytes(4, "big"))
    batch.put(key, orjson.dumps(record))
    batch.put(keys.tending_key(now_ms + shards.GENERATION_MS, number), key)
    shards.open_first(batch, number, now_ms)


def _close(view: View, batch: Batch, table: Record, now: float) -> None:
    key = _key_of_table(table)
    raw = view.get(key)
    assert raw is not None, "the stream of a table is stored"
    record = orjson.loads(raw)
    now_ms = int(now * 1000)
    batch.put(key, orjson.dumps(record | {"disabled": now_ms, "settled": now + Delays.table_delay_s}))
    shards.close(view, batch, record["number"], shards.read_state(view, record["number"]), now_ms)


def _key_of_table(table: Record) -> bytes:
    return keys.stream_key(table["account"], table["region"], table["name"], table["stream"]["label"])


def _next_label(label: str) -> str:
    return (datetime.fromisoformat(label) + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")


def parse_arn(arn: str) -> tuple[str, str, str, str]:
    """(account, region, table name, label). Raises ValidationException for what is no stream's ARN."""
    found = _ARN.fullmatch(arn)
    if found is None:
        # Inferred: that it is refused was observed, the words are ours.
        raise ApiError("ValidationException", f"Invalid StreamArn: {arn}")
    return found["account"], found["region"], found["table"], found["label"]


def shown_status(stream: Record, now: float) -> str:
    """The StreamStatus of a stream's record."""
    changing = now < stream.get("settled", 0.0)
    if stream["disabled"] is None:
        return "ENABLING" if changing else "ENABLED"
    return "DISABLING" if changing else "DISABLED"


def find_stream(view: View, call: Call, arn: str) -> Record:
    """The stream of the caller's account and region. Raises ValidationException, ResourceNotFoundException."""
    account, region, table, label = parse_arn(arn)
    raw = None
    if (account, region) == (call.account, call.region):
        raw = view.get(keys.stream_key(account, region, table, label))
    if raw is None:
        raise ApiError("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return orjson.loads(raw)  # type: ignore[no-any-return]


def streams_after(view: View, call: Call, table: str | None, after_arn: str | None) -> Iterator[Record]:
    """Streams of the caller's account and region, or of one table, by table name and label; only those behind an ARN."""
    prefix = keys.stream_key(call.account, call.region, table or "")
    start = prefix
    if after_arn is not None:
        start = max(prefix, keys.stream_key(call.account, call.region, *parse_arn(after_arn)[2:]) + b"\0")
    stop = after_prefix(prefix)
    if start < stop:
        for _, raw in view.range(start, stop):
            yield orjson.loads(raw)
