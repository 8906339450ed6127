"""Changes out of a shard: from a place on, by time, and where a shard's readable part begins."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import changes, keys
from tabletop.dynamodb.streams import shards
from tabletop.dynamodb.streams.shards import Shard
from tabletop.storage.store import View

RECORDS_MAX = 1000
RECORD_BYTES_MAX = 1 << 20
"""What one GetRecords returns; a single larger record is returned alone."""


def read(view: View, stream: dict[str, Any], shard: Shard, position: int, limit: int) -> tuple[list[bytes], int | None]:
    """(JSON of the changes from ``position`` on, where to read on); None once a closed shard is read to its end.

    Raises TrimmedDataAccessException when a change from ``position`` on is no longer there.
    """
    number = stream["number"]
    check_kept(view, number, shard, position)
    newest = shard.last if shard.last is not None else shards.read_state(view, number).sequence
    start = keys.change_key(number, shard.slice, max(position, shard.first))
    stop = keys.change_key(number, shard.slice, newest + 1)
    found: list[bytes] = []
    size_bytes = 0
    following = max(position, shard.first)
    if start < stop:
        for key, value in view.range(start, stop):
            if len(found) == limit or (found and size_bytes + len(value) > RECORD_BYTES_MAX):
                return found, following
            found.append(changes.rendered(stream, key, value))
            size_bytes += len(value)
            following = keys.sequence_of(key) + 1
    return found, None if shard.last is not None else max(following, newest + 1)


def trim_horizon(view: View, number: int, shard: Shard) -> int:
    """The first sequence number of the shard that is not trimmed."""
    return max(shard.first, _trimmed(view, number, shard.slice) + 1)


def check_kept(view: View, number: int, shard: Shard, position: int) -> None:
    """Refuse a place behind which changes were trimmed."""
    if max(position, shard.first) <= _trimmed(view, number, shard.slice):
        raise trimmed()


def trimmed() -> ApiError:
    return ApiError("TrimmedDataAccessException", "The data you are trying to access has been trimmed")


def _trimmed(view: View, number: int, slice_: int) -> int:
    raw = view.get(keys.trimmed_key(number, slice_))
    return 0 if raw is None else int.from_bytes(raw, "big")


def position_at(view: View, number: int, shard: Shard, millisecond: int) -> int:
    """The first place in the shard whose changes were made at ``millisecond`` or later; found by halving."""
    low = trim_horizon(view, number, shard)
    newest = shard.last if shard.last is not None else shards.read_state(view, number).sequence
    high = newest + 1
    stop = keys.change_key(number, shard.slice, high)
    while low < high:
        middle = (low + high) // 2
        found = next(view.range(keys.change_key(number, shard.slice, middle), stop), None)
        if found is None or changes.millisecond(found[1]) >= millisecond:
            high = middle
        else:
            low = keys.sequence_of(found[0]) + 1
    return low
