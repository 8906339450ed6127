"""What an index holds for an item: one function of (old item, new item), for local and global indexes alike.

An entry is stored under ``keys.entry_key``; its value is a 4-byte size in DynamoDB's terms and the projected item's JSON.
An item without all of the index's key attributes has no entry (a sparse index). Nor has one with a key attribute of
another type, empty or too long: such items are refused once the index is there, but may be older than it.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tabletop.dynamodb import key_schema, keys, sizes
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Index, Table
from tabletop.storage.store import Batch, View


class Entry(NamedTuple):
    key: bytes
    value: bytes
    size_bytes: int


class Stored(NamedTuple):
    """An item beside its stored form, so that neither is made twice."""

    item: Item
    value: bytes
    """Size (4 bytes) and JSON."""


def entry(table: Table, index: Index, stored: Stored, item_key: bytes) -> Entry | None:
    """The index's entry for an item; None where the item is not in this index."""
    item = stored.item
    may_outgrow = index.may_outgrow
    for part in index.key_attributes:
        attribute = item.get(part.name)
        if attribute is None:
            return None
        text = attribute.get(part.type)
        if not text:
            return None
        if len(text) > key_schema.SHORT_KEY_CHARACTERS:
            may_outgrow = True
    if may_outgrow and key_schema.index_keys_too_long(index, item):
        return None
    return _entry_at(keys.entry_key(table, index, item, item_key), index, stored)


def _entry_at(key: bytes, index: Index, stored: Stored) -> Entry:
    if index.projection == "ALL":
        value = stored.value
        return Entry(key, value, int.from_bytes(value[:4], "big"))
    projected = index.projected
    kept = {name: value for name, value in stored.item.items() if name in projected}
    size_bytes = sizes.item_size(kept)
    return Entry(key, size_bytes.to_bytes(4, "big") + orjson.dumps(kept), size_bytes)


def maintain(
    view: View, batch: Batch, table: Table, item_key: bytes, old: Stored | None, new: Stored | None
) -> list[tuple[Index, int]]:
    """Bring every index from the old item to the new one; the write units that each changed index consumed."""
    consumed: list[tuple[Index, int]] = []
    for index in table.indexes:
        before = None if old is None else entry(table, index, old, item_key)
        if before is not None and new is not None and _keyed_alike(index, old, new):
            # Most updates leave the index's keys alone, and making a key costs more than comparing its attributes.
            after: Entry | None = _entry_at(before.key, index, new)
        else:
            after = None if new is None else entry(table, index, new, item_key)
        if before is None and after is None:
            continue
        units = _replace(view, batch, index, before, after)
        if units:
            consumed.append((index, units))
    return consumed


def _keyed_alike(index: Index, old: Stored | None, new: Stored) -> bool:
    assert old is not None
    before, after = old.item, new.item
    return all(before.get(part.name) == after.get(part.name) for part in index.key_attributes)


def _replace(view: View, batch: Batch, index: Index, before: Entry | None, after: Entry | None) -> int:
    """Write the difference between two states of one item's entry.

    Units, as AWS charges them: one write for an entry that comes, goes or changes in place (of the larger size), two
    (delete and put) where its key changes, none where nothing of it changes.
    """
    if before is not None and after is not None and before.key == after.key:
        if before.value == after.value and not index.backfilling:
            return 0
        batch.put(after.key, after.value)
        present = not index.backfilling or view.get(before.key) is not None
        batch.add(index.counter, 0 if present else 1, after.size_bytes - (before.size_bytes if present else 0))
        return sizes.write_units(max(before.size_bytes, after.size_bytes))
    units = 0
    if before is not None:
        # While an index is being filled, the entry of an item that the backfill has not reached is not there yet.
        if not index.backfilling or view.get(before.key) is not None:
            batch.delete(before.key)
            batch.add(index.counter, -1, -before.size_bytes)
        units += sizes.write_units(before.size_bytes)
    if after is not None:
        batch.put(after.key, after.value)
        batch.add(index.counter, 1, after.size_bytes)
        units += sizes.write_units(after.size_bytes)
    return units
