"""The operations on streams: create, delete, describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs import keys
from tabletop.logs.records import (
    Record,
    check_unprotected,
    find_stream,
    get_group,
    get_stream,
    group_name_of,
    invalid,
    new_stream,
    page_token,
    store_stream,
    stream_arn,
    stream_key,
    streams_named,
    token_parts,
)
from tabletop.storage.store import Batch, View, after_prefix

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

STREAMS_PER_PAGE = 50


def create_stream(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    name = params["logStreamName"]
    if find_stream(view, group, name) is not None:
        raise ApiError("ResourceAlreadyExistsException", "The specified log stream already exists")
    sequence, newest = keys.read_numbers(view, group["number"])
    batch = Batch()
    keys.write_numbers(batch, group["number"], sequence, newest + 1)
    store_stream(batch, group, new_stream(name, newest + 1, now))
    return {}, batch


def delete_stream(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """The stream is gone at once; its events are cleared in the background (``background.clear_step``)."""
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    stream = get_stream(view, group, params["logStreamName"])
    check_unprotected(group)
    batch = Batch()
    batch.delete(stream_key(group, stream["name"]))
    batch.delete(keys.recent_key(group["number"], stream["last"], stream["number"]))
    batch.put(keys.dropped_key(group["number"], stream["number"]), b"")
    return {}, batch


def describe_streams(view: View, call: Call, params: dict[str, Any]) -> Answer:
    group = get_group(view, call.account, call.region, group_name_of(params, call.account, call.region))
    by_last_event = params.get("orderBy") == "LastEventTime"
    prefix = params.get("logStreamNamePrefix")
    if by_last_event and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    descending = bool(params.get("descending"))
    token = params.get("nextToken")
    if by_last_event:
        streams = streams_by_last_event(view, group, token_parts(token, int, int) if token else None, descending)
    else:
        after = token_parts(token, str)[0] if token else None
        streams = streams_named(view, group, prefix or "", after=after, reverse=descending)
    limit = params.get("limit") or STREAMS_PER_PAGE
    page: list[Record] = []
    for stream in streams:
        if len(page) == limit:
            newest = page[-1]
            place = (newest["last"] or 0, newest["number"]) if by_last_event else (newest["name"],)
            return {"logStreams": [_summary(call, group, each) for each in page], "nextToken": page_token(*place)}
        page.append(stream)
    return {"logStreams": [_summary(call, group, each) for each in page]}


def streams_by_last_event(
    view: View, group: Record, after: list[int] | None = None, descending: bool = False, *, since: int = 0
) -> Iterator[Record]:
    """The streams in order of their newest events, those without events first (as if at 0).

    ``after``: behind this (last timestamp, stream number) in the order; ``since``: with a newest event not before it.
    """
    prefix = keys.recent_prefix(group["number"])
    start, stop = prefix + since.to_bytes(8, "big"), after_prefix(prefix)
    if after is not None:
        last, number = (
            min(max(each, 0), limit) for each, limit in zip(after, (keys.TIMESTAMP_MAX, 2**32 - 1), strict=True)
        )
        place = keys.recent_key(group["number"], last, number)
        if descending:
            stop = place
        else:
            start = place + b"\0"
    for _, key in view.range(start, stop, reverse=descending):
        raw = view.get(key)
        assert raw is not None, "an entry in the order of last events without its stream"
        yield orjson.loads(raw)


def _summary(call: Call, group: Record, stream: Record) -> Answer:
    summary = {
        "logStreamName": stream["name"],
        "creationTime": stream["created"],
        "arn": stream_arn(call.account, call.region, group["name"], stream["name"]),
        "uploadSequenceToken": stream["token"],
        # AWS reports zero for every stream since June 2019; the bytes of a group are counted.
        "storedBytes": 0,
    }
    for name, member in (
        ("firstEventTimestamp", "first"),
        ("lastEventTimestamp", "last"),
        ("lastIngestionTime", "ingested"),
    ):
        if stream[member] is not None:
            summary[name] = stream[member]
    return summary
