"""FilterLogEvents: the events of many streams in one order, those that match a filter pattern.

A page ends when it has its limit of events or a megabyte, or has looked at ``PAGE_SCANNED_MAX`` events. It is gathered
in chunks, each from a view of its own, so that a search neither holds a view nor stops the event loop for long; its
place between chunks, like its place between pages, is the position of the last event looked at.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from tabletop.base.call import Call
from tabletop.logs import keys
from tabletop.logs.keys import Position
from tabletop.logs.pattern import Matcher, compile_pattern
from tabletop.logs.read import PAGE_BYTES_MAX, PAGE_EVENTS_MAX, event_form, event_time, position_digits
from tabletop.logs.records import Record, get_group, get_stream, group_name_of, invalid, page_token, token_parts
from tabletop.logs.streams import streams_by_last_event
from tabletop.logs.write import stored_bytes
from tabletop.storage.store import Store, View

Answer = dict[str, Any]

PAGE_SCANNED_MAX = 100_000
CHUNK_EVENTS = 1_000
CHUNK_BYTES = 1_048_576

DESCENDING_SINCE_MS = 1_704_067_200_000
"""AWS answers newest first only for start times from 2024-01-01 on."""


class Search(NamedTuple):
    """One call, read and checked. ``place`` is the position of the last event looked at, by the page before."""

    group: str
    stream_names: list[str] | None
    stream_prefix: str
    start: Position
    stop: Position
    place: Position | None
    descending: bool
    matches: Matcher
    limit: int


class _Page:
    """The matching events so far, their bytes, the number of events looked at, and the place of the last of those."""

    def __init__(self, place: Position | None) -> None:
        self.events: list[Answer] = []
        self.size = 0
        self.scanned = 0
        self.place = place


async def filter_events(store: Store, call: Call, params: dict[str, Any]) -> Answer:
    """FilterLogEvents. ``nextToken`` is absent when the search is complete."""
    search = _read_params(call, params)
    page = _Page(search.place)
    while True:
        with store.view() as view:
            more = _scan_chunk(view, call, search, page)
        if not more:
            return {"events": page.events, "searchedLogStreams": []}
        if page.scanned >= PAGE_SCANNED_MAX or len(page.events) == search.limit or page.size >= PAGE_BYTES_MAX:
            break
        await asyncio.sleep(0)
    assert page.place is not None
    token = page_token(int(search.descending), *page.place)
    return {"events": page.events, "searchedLogStreams": [], "nextToken": token}


def _read_params(call: Call, params: dict[str, Any]) -> Search:
    stream_names, stream_prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix")
    if stream_names and stream_prefix:
        raise invalid("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
    start = event_time(params.get("startTime"), 0)
    descending = params.get("startFromHead") is False
    place = None
    if params.get("nextToken"):
        direction, timestamp, sequence = token_parts(params["nextToken"], int, int, int)
        if not (0 <= timestamp <= keys.TIMESTAMP_MAX and 0 <= sequence < 2**63):
            raise invalid("The specified nextToken is invalid.")
        descending, place = bool(direction), Position(timestamp, sequence)
    elif descending and start < DESCENDING_SINCE_MS:
        raise invalid("startFromHead can be false only when startTime is on or after 2024-01-01T00:00:00Z.")
    return Search(
        group=group_name_of(params, call.account, call.region),
        stream_names=stream_names,
        stream_prefix=stream_prefix or "",
        start=Position(start, 0),
        # The end time itself belongs to the search, unlike GetLogEvents's.
        stop=Position(event_time(params.get("endTime"), keys.TIMESTAMP_MAX) + 1, 0),
        place=place,
        descending=descending,
        matches=compile_pattern(params.get("filterPattern") or ""),
        limit=params.get("limit") or PAGE_EVENTS_MAX,
    )


def _scan_chunk(view: View, call: Call, search: Search, page: _Page) -> bool:
    """Add one chunk's matches to the page. True where events may be left behind ``page.place``."""
    group = get_group(view, call.account, call.region, search.group)
    start, stop = search.start, search.stop
    if page.place is not None and search.descending:
        stop = min(stop, page.place)
    elif page.place is not None:
        start = max(start, Position(page.place.timestamp, page.place.sequence + 1))
    streams = list(streams_searched(view, group, search, start, stop))
    scanned_bytes = 0
    found = merged_events(view, group, streams, start, stop, search.descending)
    for looked_at, (position, name, key, raw) in enumerate(found):
        if looked_at == CHUNK_EVENTS or scanned_bytes >= CHUNK_BYTES or len(page.events) == search.limit:
            return True
        size = stored_bytes(raw[8:])
        event = event_form(key, raw)
        if search.matches(event["message"]):
            if page.events and page.size + size > PAGE_BYTES_MAX:
                page.size = PAGE_BYTES_MAX
                return True
            page.events.append({"logStreamName": name, **event, "eventId": position_digits(position)})
            page.size += size
        scanned_bytes += size
        page.scanned += 1
        page.place = position
    return False


def streams_searched(view: View, group: Record, search: Search, start: Position, stop: Position) -> Iterator[Record]:
    """The streams that may have events in the range."""
    if search.stream_names:
        streams: Iterator[Record] = (get_stream(view, group, name) for name in dict.fromkeys(search.stream_names))
    else:
        streams = streams_by_last_event(view, group, since=start.timestamp)
    for stream in streams:
        if (
            stream["first"] is not None
            and stream["first"] <= stop.timestamp
            and stream["name"].startswith(search.stream_prefix)
        ):
            yield stream


def merged_events(
    view: View, group: Record, streams: list[Record], start: Position, stop: Position, descending: bool
) -> Iterator[tuple[Position, str, bytes, bytes]]:
    """The streams' events in order of position, as (position, stream name, key, stored value)."""
    if start >= stop:
        return iter(())

    def events(stream: Record) -> Iterator[tuple[Position, str, bytes, bytes]]:
        number, name = (group["number"], stream["number"]), stream["name"]
        for key, raw in view.range(keys.event_key(*number, start), keys.event_key(*number, stop), reverse=descending):
            yield keys.position_of(key), name, key, raw

    merged = heapq.merge(*map(events, streams), reverse=descending)
    return islice(merged, CHUNK_EVENTS + 1)
