"""What a vector index holds for an item, and how the one write path and the backfill keep it so.

An item has no row if it lacks the vector or the partition's attribute (AWS: it is silently left out), or if one of
them is of a form that writes are refused for since the index is there, which an older item may have.

Presence of a row is looked up where it matters, rather than worked out from the old item: parsing a vector costs a
hundred times what the lookup does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from tabletop.base.errors import ApiError
from tabletop.dynamodb import key_schema, keys, sizes
from tabletop.dynamodb.indexes import Stored
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import KeyAttribute, Table, VectorIndex
from tabletop.dynamodb.vectors import packing
from tabletop.storage.store import Batch, View

REQUEST_BYTES_MIN = 1024
"""What a request on a table's vector indexes consumes at least, however little it touches."""


class Row(NamedTuple):
    key: bytes
    value: bytes
    size_bytes: int


def row(table: Table, index: VectorIndex, item: Item, item_key: bytes) -> Row | None:
    """The index's row for an item; None where the item is not in this index."""
    key = row_key(table, index, item, item_key)
    if key is None or not _filters_fit(index, item):
        return None
    try:
        components = packing.packed(index, item[index.attribute])
    except ApiError:
        return None
    return Row(key, components + _filters(index, item), size_bytes(index, projected(index, item)))


def row_key(table: Table, index: VectorIndex, item: Item, item_key: bytes) -> bytes | None:
    """Where the item's row is, if it has one; None if the item has no vector, or no partition in this index."""
    if index.attribute not in item:
        return None
    partition = index.hash
    if partition is None:
        return index.prefix + item_key[len(table.item_prefix) :]
    value = item.get(partition.name)
    if value is None or not value.get(partition.type) or _too_long(partition, value):
        return None
    return keys.vector_partition(table, index, value) + item_key[len(table.item_prefix) :]


def _filters_fit(index: VectorIndex, item: Item) -> bool:
    return all(part.type in item[part.name] for part in index.filters if part.name in item)


def _filters(index: VectorIndex, item: Item) -> bytes:
    return orjson.dumps({part.name: item[part.name] for part in index.filters if part.name in item})


def projected(index: VectorIndex, item: Item) -> Item:
    """What the index shows of an item, but for the vector, which is shown where it is asked for by name."""
    names = index.projected
    return {name: value for name, value in item.items() if name != index.attribute and (names is None or name in names)}


def size_bytes(index: VectorIndex, shown: Item) -> int:
    """Of an item in the index: the vector's four bytes a dimension, its name, and what is projected beside it.

    (Inferred: in AWS's example 1,024 dimensions take 4,125 bytes; a client's reading of 256 was 1,061.)
    """
    return sizes.item_size(shown) + sizes.string_size(index.attribute) + packing.COMPONENT_BYTES * index.dimensions


def check_item(table: Table, item: Item) -> None:
    """Refuse an item that the table's vector indexes could not hold as it is. Raises ValidationException."""
    for index in table.vectors:
        for part in index.search_attributes:
            value = item.get(part.name)
            if value is not None:
                _check_search_attribute(index, part, value)
        vector = item.get(index.attribute)
        if vector is not None:
            packing.checked(index, vector)


def _check_search_attribute(index: VectorIndex, part: KeyAttribute, value: dict[str, Any]) -> None:
    if part.type not in value:
        raise key_schema.index_key_mismatch(part, value, index.name)
    if part is index.hash and part.type != "N":
        if not value[part.type]:
            raise key_schema.empty_index_key(part, index.name)
        if _too_long(part, value):
            raise key_schema.hash_key_too_long()


def _too_long(part: KeyAttribute, value: dict[str, Any]) -> bool:
    """A partition key's bound for an index's (inferred)."""
    return sizes.value_size(value) > key_schema.HASH_KEY_BYTES_MAX if part.type != "N" else False


def maintain(
    view: View, batch: Batch, table: Table, item_key: bytes, old: Stored | None, new: Stored | None
) -> list[tuple[VectorIndex, int]]:
    """Bring every vector index from the old item to the new one; the bytes that each changed index consumed."""
    consumed = []
    for index in table.vectors:
        written_bytes = _maintain_one(
            view, batch, table, index, item_key, None if old is None else old.item, None if new is None else new.item
        )
        if written_bytes:
            consumed.append((index, written_bytes))
    short = REQUEST_BYTES_MIN - sum(written_bytes for _, written_bytes in consumed)
    if consumed and short > 0:
        # The least is charged once for a write (AWS); which of several indexes bears the rest is ours.
        index, written_bytes = consumed[0]
        consumed[0] = (index, written_bytes + short)
    return consumed


def _maintain_one(
    view: View, batch: Batch, table: Table, index: VectorIndex, item_key: bytes, old: Item | None, new: Item | None
) -> int:
    """The bytes consumed: those of the row that comes, goes or changes in place (the larger), of both where it moves."""
    old_key = None if old is None else row_key(table, index, old, item_key)
    shown_before = {} if old is None else projected(index, old)
    shown_after = {} if new is None else projected(index, new)
    present = old_key is not None and view.get(old_key) is not None
    before_bytes = size_bytes(index, shown_before) if present else 0
    same_vector = old is not None and new is not None and old.get(index.attribute) == new.get(index.attribute)
    if present and same_vector and shown_before == shown_after:
        return 0
    after = None if new is None else row(table, index, new, item_key)
    if after is None:
        if present:
            assert old_key is not None
            batch.delete(old_key)
            batch.add(index.counter, -1, -before_bytes)
        return before_bytes
    batch.put(after.key, after.value)
    batch.add(index.counter, 0 if present else 1, after.size_bytes - before_bytes)
    if not present or after.key == old_key:
        return max(before_bytes, after.size_bytes)
    assert old_key is not None
    batch.delete(old_key)
    return before_bytes + after.size_bytes


def fill(view: View, batch: Batch, table: Table, index: VectorIndex, item_key: bytes, item: Item) -> None:
    """Add the item's row if it is missing: a row that is there is right."""
    made = row(table, index, item, item_key)
    if made is not None and view.get(made.key) is None:
        batch.put(made.key, made.value)
        batch.add(index.counter, 1, made.size_bytes)
