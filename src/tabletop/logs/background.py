"""Background work, in bounded steps that are plans: retention, and the clearing of what was deleted."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import orjson

from tabletop.logs import keys
from tabletop.logs.records import GROUPS, Record, store_stream, streams_named, streams_prefix
from tabletop.logs.write import DAY_MS, stored_bytes
from tabletop.storage.store import Batch, View, after_prefix

EVENTS_PER_STEP = 1_000
STREAMS_PER_STEP = 1_000
GROUPS_PER_STEP = 1_000


class Cursor(NamedTuple):
    """Where the round of retention stands: at this group's document, behind this stream of it."""

    group_key: bytes
    stream: str | None


def expire_step(view: View, request: Cursor | None, now: float) -> tuple[Cursor | None, Batch | None]:
    """Delete events older than their group's retention: one step of a round over all groups and streams.

    ``request`` is what the step before answered, None at the beginning of a round; the answer None ends the round.
    """
    batch = Batch()
    every_group = GROUPS.key()
    start = every_group if request is None else request.group_key
    events_left, streams_left = EVENTS_PER_STEP, STREAMS_PER_STEP
    for count, (key, raw) in enumerate(view.range(start, after_prefix(every_group))):
        if count == GROUPS_PER_STEP:
            return Cursor(key, None), batch or None
        group = orjson.loads(raw)
        if group["retention"] is None:
            continue
        horizon = int(now * 1000) - group["retention"] * DAY_MS
        after = request.stream if request is not None and request.group_key == key else None
        for stream in streams_named(view, group, after=after):
            if streams_left == 0:
                return Cursor(key, after), batch or None
            streams_left -= 1
            if stream["first"] is not None and stream["first"] < horizon:
                done = _expire_events(view, batch, group, stream, horizon, events_left)
                events_left -= done
                if events_left == 0:
                    return Cursor(key, after), batch or None
            after = stream["name"]
    return None, batch or None


def _expire_events(view: View, batch: Batch, group: Record, stream: Record, horizon: int, count_max: int) -> int:
    """Delete at most ``count_max`` events of a stream from before the horizon, and correct its record. How many."""
    prefix = keys.event_prefix(group["number"], stream["number"])
    count = size = 0
    stream["first"] = None
    for key, raw in view.range(prefix, after_prefix(prefix)):
        timestamp = keys.position_of(key).timestamp
        if count == count_max or timestamp >= horizon:
            stream["first"] = timestamp
            break
        batch.delete(key)
        count += 1
        size += stored_bytes(raw[8:])
    batch.add(keys.counter_key(group["number"]), -size)
    # The newest timestamp stays, though its event may be gone: AWS goes on to report it.
    store_stream(batch, group, stream, last_before=stream["last"])
    return count


def clear_step(view: View, request: None, now: float) -> tuple[bool, Batch | None]:
    """Clear a bounded part of what a deleted group or stream left behind. True while something is left to clear."""
    batch = Batch()
    dropped = keys.dropped_prefix()
    tombstone = next((key for key, _ in view.range(dropped, after_prefix(dropped))), None)
    if tombstone is None:
        return False, None
    group, stream = keys.dropped_numbers(tombstone)
    if stream:
        prefixes: tuple[bytes, ...] = (keys.event_prefix(group, stream),)
    else:
        prefixes = (keys.event_prefix(group), streams_prefix(group), keys.recent_prefix(group))
    left = EVENTS_PER_STEP
    size = 0
    for prefix in prefixes:
        for key, raw in islice(view.range(prefix, after_prefix(prefix)), left):
            batch.delete(key)
            left -= 1
            size += stored_bytes(raw[8:])
    # A dropped group's tombstone sorts before those of its streams, so its numbers and its total are gone by then.
    if stream and size and view.get(keys.numbers_key(group)) is not None:
        batch.add(keys.counter_key(group), -size)
    if left:
        batch.delete(tombstone)
        if not stream:
            batch.delete(keys.counter_key(group))
            batch.delete(keys.numbers_key(group))
    return True, batch
