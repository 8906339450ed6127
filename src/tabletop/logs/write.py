"""The one way in for events: PutLogEvents, and ``append`` for the functions' own logs.

Durable when the commit is answered. One batch holds the events, the stream's record with its newest timestamps, the
group's numbers and its bytes, and a parcel for each subscription filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tabletop.base.call import Call
from tabletop.logs import keys
from tabletop.logs.parcels import put_parcels
from tabletop.logs.records import (
    GROUPS,
    Record,
    find_stream,
    get_group,
    get_stream,
    invalid,
    new_group,
    new_stream,
    store_stream,
)
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]
Event = tuple[int, str]
"""Timestamp in milliseconds, message."""

EVENT_OVERHEAD_BYTES = 26
BATCH_BYTES_MAX = 1_048_576
EVENT_BYTES_MAX = 1_048_576
SPAN_MAX_MS = 24 * 3600 * 1000
TOO_OLD_MS = 14 * 24 * 3600 * 1000
TOO_NEW_MS = 2 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000


class Appended(NamedTuple):
    """What ``append`` asks for: events of one stream, which is created with its group where missing."""

    account: str
    region: str
    group: str
    stream: str
    events: Sequence[Event]


def put_events(view: View, request: Request, now: float) -> tuple[Answer, Batch | None]:
    """PutLogEvents. The sequence token in the request is ignored, as AWS does since 2023."""
    call, params = request
    events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
    _check_batch(events)
    group = get_group(view, call.account, call.region, params["logGroupName"])
    stream = get_stream(view, group, params["logStreamName"])
    now_ms = int(now * 1000)
    accepted, rejected = _accept(events, now_ms, group["retention"])
    if accepted and accepted[-1][0] - accepted[0][0] > SPAN_MAX_MS:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    answer: Answer = {"rejectedLogEventsInfo": rejected} if rejected else {}
    if not accepted:
        return {"nextSequenceToken": stream["token"], **answer}, None
    batch = Batch()
    newest_sequence, newest_stream = keys.read_numbers(view, group["number"])
    sequence = _write(batch, group, stream, accepted, newest_sequence, now_ms)
    put_parcels(batch, (call.account, call.region), group, stream, now, newest_sequence + 1, _times(accepted))
    keys.write_numbers(batch, group["number"], sequence, newest_stream)
    return {"nextSequenceToken": stream["token"], **answer}, batch


def append_events(view: View, request: Appended, now: float) -> tuple[int, Batch]:
    """Events in order of their timestamps, of any age; group and stream are created where missing. Their ingestion time."""
    account, region, group_name, stream_name, events = request
    batch = Batch()
    group = GROUPS.get(view, account, region, group_name)
    if group is None:
        group = new_group(view, batch, account, region, group_name, now)
        GROUPS.put(batch, group, account, region, group_name)
    sequence, newest_stream = keys.read_numbers(view, group["number"])
    stream = find_stream(view, group, stream_name)
    if stream is None:
        newest_stream += 1
        stream = new_stream(stream_name, newest_stream, now)
        store_stream(batch, group, stream)
    if events:
        first = sequence + 1
        sequence = _write(batch, group, stream, events, sequence, int(now * 1000))
        put_parcels(batch, (account, region), group, stream, now, first, _times(events))
    keys.write_numbers(batch, group["number"], sequence, newest_stream)
    return int(now * 1000), batch


def stored_bytes(message: bytes) -> int:
    """What an event counts in its group's storedBytes, and towards the size of a batch or a page."""
    return len(message) + EVENT_OVERHEAD_BYTES


def _times(events: Sequence[Event]) -> list[int]:
    return [timestamp for timestamp, _ in events]


def _check_batch(events: list[Event]) -> None:
    sizes = [stored_bytes(message.encode()) for _, message in events]
    if max(sizes, default=0) > EVENT_BYTES_MAX:
        # Recalled words, of the time when an event's limit was smaller.
        raise invalid(f"Log event too large: {max(sizes)} bytes exceeds limit of {EVENT_BYTES_MAX}")
    size = sum(sizes)
    if size > BATCH_BYTES_MAX:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")
    if any(later[0] < earlier[0] for earlier, later in pairwise(events)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")


def _accept(events: list[Event], now_ms: int, retention: int | None) -> tuple[list[Event], dict[str, int]]:
    """The events of an acceptable age (the batch is in order, so they lie together), and the rejectedLogEventsInfo."""
    too_old = sum(timestamp < now_ms - TOO_OLD_MS for timestamp, _ in events)
    too_new = sum(timestamp > now_ms + TOO_NEW_MS for timestamp, _ in events)
    expired = 0 if retention is None else sum(timestamp < now_ms - retention * DAY_MS for timestamp, _ in events)
    rejected = {}
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(events) - too_new
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    return events[max(too_old, expired) : len(events) - too_new], rejected


def _write(batch: Batch, group: Record, stream: Record, events: Sequence[Event], sequence: int, now_ms: int) -> int:
    """Put events that are in order, and what follows from them into ``stream``. The sequence of the last one."""
    ingested = now_ms.to_bytes(8, "big")
    size = 0
    for timestamp, message in events:
        sequence += 1
        raw = message.encode()
        size += stored_bytes(raw)
        batch.put(keys.event_key(group["number"], stream["number"], keys.Position(timestamp, sequence)), ingested + raw)
    batch.add(keys.counter_key(group["number"]), size)
    first, last, last_before = events[0][0], events[-1][0], stream["last"]
    stream["first"] = first if stream["first"] is None else min(first, stream["first"])
    stream["last"] = last if last_before is None else max(last, last_before)
    stream["ingested"] = now_ms
    stream["token"] = f"49{now_ms:015d}{sequence:039d}"
    store_stream(batch, group, stream, last_before=last_before)
    return sequence
