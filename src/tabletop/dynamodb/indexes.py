"""What an index holds for an item: one function of (old item, new item), for local and global indexes alike.

An entry is stored under ``keys.entry_key``; its value is a 4-byte size in DynamoDB's terms and the projected item's JSON.
An item without all of the index's key attributes has no entry (a sparse index). Nor has one with a key attribute of
another type, empty or too long: such items are refused once the index is there, but may be older than it.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tabletop.dynamodb import key_schema, keys, sizes, values
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
    if not _is_indexed(index, stored.item):
        return None
    value = _entry_value(index, stored)
    return Entry(keys.entry_key(table, index, stored.item, item_key), value, int.from_bytes(value[:4], "big"))


def _is_indexed(index: Index, item: Item) -> bool:
    may_outgrow = index.may_outgrow
    for part in index.key_attributes:
        attribute = item.get(part.name)
        if attribute is None:
            return False
        text = attribute.get(part.type)
        if not text:
            return False
        if len(text) > key_schema.SHORT_KEY_CHARACTERS:
            may_outgrow = True
    return not (may_outgrow and key_schema.index_keys_too_long(index, item))


def _entry_value(index: Index, stored: Stored) -> bytes:
    if index.projection == "ALL":
        return stored.value
    projected = index.projected
    kept = {name: value for name, value in stored.item.items() if name in projected}
    return sizes.item_size(kept).to_bytes(4, "big") + orjson.dumps(kept)


def maintain(
    view: View, batch: Batch, table: Table, item_key: bytes, old: Stored | None, new: Stored | None
) -> list[tuple[Index, int]]:
    """Bring every index from the old item to the new one; the write units that each changed index consumed."""
    consumed: list[tuple[Index, int]] = []
    for index in table.indexes:
        if old is not None and new is not None and _keyed_alike(index, old.item, new.item):
            units = _replace_in_place(view, batch, table, index, item_key, old, new)
        else:
            before = None if old is None else entry(table, index, old, item_key)
            after = None if new is None else entry(table, index, new, item_key)
            units = _replace(view, batch, index, before, after)
        if units:
            consumed.append((index, units))
    return consumed


def _keyed_alike(index: Index, before: Item, after: Item) -> bool:
    for part in index.key_attributes:
        name = part.name
        if before.get(name) != after.get(name):
            return False
    return True


def _replace_in_place(
    view: View, batch: Batch, table: Table, index: Index, item_key: bytes, old: Stored, new: Stored
) -> int:
    """``_replace`` for an item whose keys of the index stay, as most updates leave them: the key is made once, or not at all."""
    before, after = _entry_value(index, old), _entry_value(index, new)
    if (before == after and not index.backfilling) or not _is_indexed(index, new.item):
        return 0
    key = keys.entry_key(table, index, new.item, item_key)
    present = not index.backfilling or view.get(key) is not None
    before_bytes, after_bytes = int.from_bytes(before[:4], "big"), int.from_bytes(after[:4], "big")
    batch.put(key, after)
    if not present:
        batch.add(index.counter, 1, after_bytes)
    elif after_bytes != before_bytes:
        batch.add(index.counter, 0, after_bytes - before_bytes)
    elif len(before) == len(after) and values.equal({"M": orjson.loads(before[4:])}, {"M": orjson.loads(after[4:])}):
        # The same content in another order of attributes: stored, so that entry and item look alike, but nothing to pay for.
        return 0
    return sizes.write_units(max(before_bytes, after_bytes))


def _replace(view: View, batch: Batch, index: Index, before: Entry | None, after: Entry | None) -> int:
    """Write the difference between two states of one item's entry.

    Units, as AWS charges them: one write for an entry that comes, goes or changes in place (of the larger size), two
    (delete and put) where its key changes, none where nothing of it changes.
    """
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
