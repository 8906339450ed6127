"""What happens to a stream with time, in bounded steps: shards roll over, changes older than a day go, then shards,
and at last the stream itself, if it is disabled.

Each stream has one TENDING key: the moment at which it is to be looked at next. So finding the work costs one lookup,
however many streams there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from tabletop.dynamodb import changes, keys
from tabletop.dynamodb.streams import shards
from tabletop.storage.store import Batch, View, after_prefix

RETENTION_MS = 24 * 3600 * 1000
TRIMMED_MAX = 500
"""Changes that one step trims."""
REST_MS = 10_000
"""How long a stream is left alone at least: the changes that came due meanwhile go together."""


def due(view: View, now: float) -> Iterator[bytes]:
    """The TENDING keys whose time has come."""
    for key, _ in view.range(keys.tending_prefix(), keys.tending_key(int(now * 1000) + 1, 0)):
        yield key


def tend(view: View, tending: bytes, now: float, items_max: int = TRIMMED_MAX) -> tuple[bool, Batch | None]:
    """Do what is due for one stream, and note when it is to be tended next."""
    stream_key = view.get(tending)
    if stream_key is None:
        return False, None
    raw = view.get(stream_key)
    assert raw is not None, "only this step removes a stream"
    record = orjson.loads(raw)
    number, now_ms = record["number"], int(now * 1000)
    batch = Batch()
    if _trim(view, batch, number, now_ms - RETENTION_MS, min(items_max, TRIMMED_MAX)):
        # There may be more of it: the stream stays due.
        return True, batch
    state = shards.read_state(view, number)
    if record["disabled"] is None and now_ms >= state.rolls_at_ms:
        state = shards.roll(view, batch, number, state, now_ms)
    kept = _drop_generations(view, batch, number, now_ms - RETENTION_MS)
    batch.delete(tending)
    if record["disabled"] is not None and record["disabled"] + RETENTION_MS <= now_ms and not kept:
        _forget(batch, stream_key, number)
        return True, batch
    following = _next_time(view, number, record, state, kept)
    batch.put(keys.tending_key(max(following, now_ms + REST_MS), number), stream_key)
    return True, batch


def _trim(view: View, batch: Batch, number: int, horizon_ms: int, trimmed_max: int) -> bool:
    """Delete changes made before the horizon, the oldest first, and note how far; False when there was none."""
    left = trimmed_max
    for slice_ in range(shards.SLICES):
        start, stop = keys.change_key(number, slice_, 0), keys.change_key(number, slice_, (1 << 64) - 1)
        last = None
        for key, value in islice(view.range(start, stop), left):
            if changes.millisecond(value) > horizon_ms:
                break
            batch.delete(key)
            last = key
            left -= 1
        if last is not None:
            batch.put(keys.trimmed_key(number, slice_), last[-8:])
    return left < trimmed_max


def _drop_generations(view: View, batch: Batch, number: int, horizon_ms: int) -> list[dict[str, Any]]:
    """Delete closed generations that are old and hold nothing any more; those that stay."""
    rows = shards.generations(view, number)
    kept = [row for _, row in rows]
    for generation, row in rows:
        if row["closed"] is None or row["closed"] > horizon_ms or _holds_changes(view, number, row["last"]):
            break
        batch.delete(keys.generation_key(number, generation))
        kept.remove(row)
    return kept


def _holds_changes(view: View, number: int, last: int) -> bool:
    return any(
        next(view.range(keys.change_key(number, slice_, 0), keys.change_key(number, slice_, last + 1)), None)
        is not None
        for slice_ in range(shards.SLICES)
    )


def _next_time(view: View, number: int, record: dict[str, Any], state: shards.State, kept: list[dict[str, Any]]) -> int:
    times: list[int] = [row["closed"] + RETENTION_MS for row in kept if row["closed"] is not None]
    times.append(state.rolls_at_ms if record["disabled"] is None else record["disabled"] + RETENTION_MS)
    for slice_ in range(shards.SLICES):
        prefix = keys.change_prefix(number) + bytes((slice_,))
        oldest = next(view.range(prefix, after_prefix(prefix)), None)
        if oldest is not None:
            times.append(changes.millisecond(oldest[1]) + RETENTION_MS)
    return min(times)


def _forget(batch: Batch, stream_key: bytes, number: int) -> None:
    batch.delete(stream_key)
    batch.delete(keys.sequence_key(number))
    for slice_ in range(shards.SLICES):
        batch.delete(keys.trimmed_key(number, slice_))
