"""A new replica is filled with the items of the one it is made from, in bounded steps beside the writes of all regions.

While it is filled it takes every write of the others, so each item that it has is as it should be. A step adds only items
that it has not: one written meanwhile is not put back to what it was, and one deleted meanwhile is in the source no
more when its turn comes. Where the work stands is kept with every step (the BACKFILL key with index 0): a killed
process goes on from there.
"""

from __future__ import annotations

import copy
from typing import Any

import orjson

from tabletop.dynamodb import catalog, keys, write
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.stream_labels import new_stream
from tabletop.dynamodb.streams.records import follow_table
from tabletop.storage.store import Batch, View, after_prefix

COPIED_MAX = 250
COPIED_BYTES_MAX = 1 << 20

Record = dict[str, Any]


def begin(view: View, batch: Batch, record: Record, source: Table, now: float) -> None:
    """Copy the first items into a replica that is stored by the same batch; the background does the rest, if there is any.

    Changes ``record``: to be stored after this.
    """
    replica = catalog.compile_table(orjson.dumps(record))
    last = _copy_some(view, batch, source, replica, b"", COPIED_MAX)
    if last is None:
        _open(view, batch, record, now)
    else:
        catalog_key = keys.catalog_key(record["account"], record["region"], record["name"])
        batch.put(keys.backfill_key(record["number"], 0), catalog_key + replica.item_prefix + last)


def go_on(view: View, work: bytes, now: float, items_max: int = COPIED_MAX) -> tuple[bool, Batch | None]:
    """Copy the next items into a replica; behind the last one it is ready."""
    noted = view.get(work)
    if noted is None:
        return False, None
    number, _ = keys.numbers_of(work)
    at = noted.find(keys.item_prefix(number), len(keys.catalog_prefix()))
    replica = catalog.find(view, *keys.catalog_parts(noted[:at]))
    batch = Batch()
    if replica is None or replica.number != number:
        batch.delete(work)
        return True, batch
    source = catalog.find(view, replica.account, replica.record["group"]["source"], replica.name)
    assert source is not None, "what a replica is made from is not deleted before it is ready"
    last = _copy_some(view, batch, source, replica, noted[at + len(replica.item_prefix) :], items_max)
    if last is None:
        batch.delete(work)
        record = copy.deepcopy(replica.record)
        _open(view, batch, record, now)
        catalog.store_record(batch, record)
    else:
        batch.put(work, noted[:at] + replica.item_prefix + last)
    return True, batch


def _copy_some(view: View, batch: Batch, source: Table, replica: Table, after: bytes, items_max: int) -> bytes | None:
    """Add what is missing of the next items behind ``after``; the last one looked at, or None when there are no more.

    Both are item keys without the table's prefix.
    """
    prefix = source.item_prefix
    done, size_bytes, last = 0, 0, b""
    items_max = min(items_max, COPIED_MAX)
    start = prefix + after + b"\0" if after else prefix
    for key, value in view.range(start, after_prefix(prefix)):
        if done == items_max or size_bytes >= COPIED_BYTES_MAX:
            return last
        last = key[len(prefix) :]
        twin = replica.item_prefix + last
        if view.get(twin) is None:
            write.place(view, batch, replica, twin, value)
        done, size_bytes = done + 1, size_bytes + len(value)
    return None


def _open(view: View, batch: Batch, record: Record, now: float) -> None:
    """The replica has everything: open it to requests, with a stream from here on if its global table has streams."""
    before = copy.deepcopy(record)
    record["status"] = "ACTIVE"
    view_type = record["group"].pop("stream", None)
    if view_type is not None:
        record["stream"] = new_stream({"StreamEnabled": True, "StreamViewType": view_type}, now)
        follow_table(view, batch, before, record, now)
