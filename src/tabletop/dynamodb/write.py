"""The one write path: every put, update, delete and condition check of every operation goes through ``apply``.

``apply`` is part of a plan: it reads the view, refuses or lists in the batch what is to be stored: the item, the entries of
its indexes, its expiry, its change record, and the amounts for the table's counters. Single operations, batches,
transactions and the deletion of expired items differ only in how many writes they apply and how they answer.

A write to a replica of a global table is a write to all its replicas, in the same batch: none is ever behind another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, changes, expiry, indexes, key_schema, keys, sizes, values
from tabletop.dynamodb.expressions import Condition, Update
from tabletop.dynamodb.indexes import Stored
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Index, Table, VectorIndex
from tabletop.dynamodb.vectors import rows as vector_rows
from tabletop.storage.store import Batch, View, read_counter

ITEM_BYTES_MAX = 400 * 1024
COLLECTION_BYTES_MAX = 10 * 1024**3


@dataclass(slots=True)
class Write:
    """One prepared write. ``subject`` is the whole item for a put, the key otherwise; canonical, and ours to keep."""

    kind: Literal["put", "update", "delete", "check"]
    table: str
    """Name of the table, in the caller's account and region."""
    subject: Item
    subject_bytes: int = 0
    """Size of the item, for a put."""
    condition: Condition | None = None
    update: Update | None = None
    return_old_on_refusal: bool = False


class Outcome:
    """What a write did. ``old`` and ``new`` are None where there was, or is, no item."""

    __slots__ = ("_old", "index_units", "key", "new", "new_bytes", "old_raw", "paths", "table", "table_units")

    def __init__(self, table: Table, key: bytes, old_raw: bytes | None) -> None:
        self.table = table
        self.key = key
        self.old_raw = old_raw
        self._old: Item | None = None
        self.new: Item | None = None
        self.new_bytes = 0
        """Size of the item that a put or an update stores."""
        self.paths: Any = ()
        self.table_units = 1
        self.index_units: list[tuple[Index | VectorIndex, int]] = []
        """What each changed index consumed: write units, or the bytes of a vector index."""

    @property
    def old(self) -> Item | None:
        """The item before the write, parsed when first asked for. Not to be edited."""
        if self._old is None and self.old_raw is not None:
            self._old = orjson.loads(self.old_raw[4:])
        return self._old

    @property
    def old_bytes(self) -> int:
        """Size of the item before the write; 0 where there was none."""
        return _raw_size(self.old_raw)

    @property
    def partition_hash(self) -> bytes:
        start = len(self.table.item_prefix)
        return self.key[start : start + keys.HASH_BYTES]


def apply(view: View, batch: Batch, call: Call, write: Write, now: float) -> Outcome:
    """Check the write against its table and the item as it is, and add to the batch what it changes.

    Raises ApiError: ResourceNotFoundException, ValidationException, ConditionalCheckFailedException (its ``fields`` hold the
    item if ``return_old_on_refusal``), ItemCollectionSizeLimitExceededException.
    """
    return apply_at(view, batch, *locate(view, call, write), write, now)


def apply_at(view: View, batch: Batch, table: Table, key: bytes, write: Write, now: float) -> Outcome:
    """``apply`` for a write whose place ``locate`` has found."""
    kind = write.kind
    outcome = Outcome(table, key, view.get(key))
    if write.condition is not None and not write.condition.matches(outcome.old):
        raise condition_failed(outcome.old if write.return_old_on_refusal else None)
    if kind == "put":
        _store(view, batch, outcome, write.subject, write.subject_bytes, now)
    elif kind == "update":
        _store_updated(view, batch, outcome, write, now)
    elif kind == "delete":
        _remove(view, batch, outcome, now)
    else:
        outcome.new = outcome.old
        outcome.table_units = sizes.write_units(_raw_size(outcome.old_raw))
    return outcome


def locate(view: View, call: Call, write: Write) -> tuple[Table, bytes]:
    """The table and the key of the item that a write is about, its key attributes checked. Raises as ``apply`` does."""
    table = catalog.table_of(view, call, write.table)
    return table, checked_key(table, write)


def checked_key(table: Table, write: Write) -> bytes:
    """``locate`` where the table is known."""
    subject = write.subject
    if write.kind == "put":
        check_put(table, subject)
    else:
        key_schema.check_key(table, subject)
        if write.update is not None:
            _refuse_key_update(table, write.update)
    return keys.item_key(table, subject)


def check_put(table: Table, item: Item) -> None:
    """Hold a canonical item that is to be put against the keys of its table and of the table's indexes."""
    key_schema.check_item_keys(table, item)
    if table.checks_index_keys:
        _check_against_indexes(table, item)


def _check_against_indexes(table: Table, item: Item, before: Item | None = None) -> None:
    key_schema.check_index_keys(table, item, before)
    if table.vectors:
        vector_rows.check_item(table, item)


def condition_failed(old: Item | None) -> ApiError:
    fields = {} if old is None else {"Item": old}
    return ApiError("ConditionalCheckFailedException", "The conditional request failed", fields=fields)


def _refuse_key_update(table: Table, update: Update) -> None:
    for attribute in table.key_attributes:
        if attribute.name in update.top_level_attributes:
            raise key_schema.invalid_parameters(
                f"Cannot update attribute {attribute.name}. This attribute is part of the key"
            )


def _store_updated(view: View, batch: Batch, outcome: Outcome, write: Write, now: float) -> None:
    old = outcome.old
    base = dict(write.subject) if old is None else old
    update = write.update
    if update is None:
        new = base
    elif old is None and not update.makes_item:
        return
    else:
        new, outcome.paths = update.apply(base, exists=old is not None)
    table = outcome.table
    if table.checks_index_keys:
        _check_against_indexes(table, new, base)
    if old is None:
        new_bytes = sizes.item_size(new)
    else:
        changed = () if update is None else update.top_level_attributes
        new_bytes = sizes.size_after(_raw_size(outcome.old_raw), old, new, changed)
    check_updated_size(new_bytes)
    _store(view, batch, outcome, new, new_bytes, now)


def _store(view: View, batch: Batch, outcome: Outcome, new: Item, new_bytes: int, now: float) -> None:
    value = new_bytes.to_bytes(4, "big") + orjson.dumps(new)
    old_raw = outcome.old_raw
    old_bytes = _raw_size(old_raw)
    outcome.new = new
    outcome.new_bytes = new_bytes
    outcome.table_units = sizes.write_units(max(old_bytes, new_bytes))
    if value == old_raw:
        # Nothing changes: what is stored stays, entries and all, and the commit need not sync for it.
        return
    table = outcome.table
    batch.put(outcome.key, value)
    if old_raw is None:
        batch.add(table.counter, 1, new_bytes)
    elif new_bytes != old_bytes:
        batch.add(table.counter, 0, new_bytes - old_bytes)
    _follow(view, batch, outcome, Stored(new, value))
    if table.stream is not None and not _is_rewriting(outcome, new, value):
        changes.record(view, batch, table, outcome.key, new, old_raw, value, now)
    if table.replicas:
        for twin in _twins(view, outcome):
            _store(view, batch, twin, new, new_bytes, now)


def _is_rewriting(outcome: Outcome, new: Item, value: bytes) -> bool:
    """Whether the item keeps its content, in another order of attributes or set members: stored, but not a change."""
    old_raw = outcome.old_raw
    if old_raw is None or len(old_raw) != len(value):
        return False
    return values.equal({"M": outcome.old or {}}, {"M": new})


def _remove(view: View, batch: Batch, outcome: Outcome, now: float, *, expired: bool = False) -> None:
    old_raw = outcome.old_raw
    if old_raw is None:
        return
    old_bytes = _raw_size(old_raw)
    outcome.table_units = sizes.write_units(old_bytes)
    batch.delete(outcome.key)
    batch.add(outcome.table.counter, -1, -old_bytes)
    _follow(view, batch, outcome, None)
    table = outcome.table
    if table.stream is not None:
        changes.record(view, batch, table, outcome.key, outcome.old or {}, old_raw, None, now, expired=expired)
    if table.replicas:
        # To the others an expired item is deleted by a write like any other: only here did time to live do it.
        for twin in _twins(view, outcome):
            _remove(view, batch, twin, now)


def _twins(view: View, outcome: Outcome) -> Iterator[Outcome]:
    """The same item in the other replicas of the table. They share its seed, so its key differs in the table's number alone."""
    tail = outcome.key[len(outcome.table.item_prefix) :]
    for replica in catalog.replicas_of(view, outcome.table):
        key = replica.item_prefix + tail
        yield Outcome(replica, key, view.get(key))


def place(view: View, batch: Batch, table: Table, key: bytes, value: bytes) -> None:
    """Add an item, in its stored form, that the table has not: entries, expiry and counters follow, no change is recorded."""
    batch.put(key, value)
    batch.add(table.counter, 1, _raw_size(value))
    _follow(view, batch, Outcome(table, key, None), Stored(orjson.loads(value[4:]), value))


def _follow(view: View, batch: Batch, outcome: Outcome, new: Stored | None) -> None:
    """Bring along everything that follows from the item: index entries, its expiry, its collection's size."""
    table = outcome.table
    if not table.is_followed:
        return
    old_raw = outcome.old_raw
    old = None if old_raw is None else Stored(outcome.old or {}, old_raw)
    if table.has_local_indexes:
        _follow_collection(view, batch, outcome, old, new)
    elif table.indexes:
        outcome.index_units += indexes.maintain(view, batch, table, outcome.key, old, new)
    if table.vectors:
        outcome.index_units += vector_rows.maintain(view, batch, table, outcome.key, old, new)
    if table.ttl_attribute is not None:
        expiry.maintain(batch, table, outcome.key, None if old is None else old.item, None if new is None else new.item)


def _follow_collection(view: View, batch: Batch, outcome: Outcome, old: Stored | None, new: Stored | None) -> None:
    """Index entries, and the size of the collection, of a table with local indexes."""
    table = outcome.table
    local_before = _collection_amount(batch, table)
    outcome.index_units += indexes.maintain(view, batch, table, outcome.key, old, new)
    if new is not None and outcome.new_bytes * (1 + len(table.indexes)) > ITEM_BYTES_MAX:
        _refuse_large_with_entries(outcome, new)
    grown = _raw_size(None if new is None else new.value) - _raw_size(outcome.old_raw)
    grown += _collection_amount(batch, table) - local_before
    collection = keys.collection_key(table.number, outcome.partition_hash)
    batch.add(collection, grown)
    # What this batch has written before counts too.
    if grown > 0 and _collection_bytes(view, batch, collection) > COLLECTION_BYTES_MAX:
        raise ApiError("ItemCollectionSizeLimitExceededException", "Collection size exceeded.")


def _refuse_large_with_entries(outcome: Outcome, new: Stored) -> None:
    """An item and its entries in all local indexes may be 400 KB together (documented; the words are inferred)."""
    table = outcome.table
    entries = (indexes.entry(table, index, new, outcome.key) for index in table.indexes if not index.is_global)
    check_item_size(outcome.new_bytes + sum(entry.size_bytes for entry in entries if entry is not None))


def _collection_amount(batch: Batch, table: Table) -> int:
    """Bytes that the batch adds to local indexes so far."""
    amounts = batch.amounts
    return sum(amounts[index.counter][1] for index in table.indexes if not index.is_global and index.counter in amounts)


def _collection_bytes(view: View, batch: Batch, collection: bytes) -> int:
    return read_counter(view, collection, 1)[0] + batch.amounts[collection][0]


def collection_metrics(view: View, outcome: Outcome) -> dict[str, Any] | None:
    """ItemCollectionMetrics of a written item; None for tables without local indexes, as AWS leaves them out."""
    table = outcome.table
    if not table.has_local_indexes:
        return None
    item = outcome.new or outcome.old
    if item is None:
        return None
    size_bytes = read_counter(view, keys.collection_key(table.number, outcome.partition_hash), 1)[0]
    size_gb = size_bytes // 1024**3
    return {
        "ItemCollectionKey": {table.hash.name: item[table.hash.name]},
        "SizeEstimateRangeGB": [float(size_gb), float(size_gb + 1)],
    }


def delete_expired(view: View, batch: Batch, table: Table, item_key: bytes, now: float) -> None:
    """Delete an item whose time has come; nothing if it is gone, or no longer expired.

    The expiry entry alone is not proof: the item is read again, since a write may have moved its time.
    """
    outcome = Outcome(table, item_key, view.get(item_key))
    old = outcome.old
    if old is not None and expiry.is_expired(table, old, now):
        _remove(view, batch, outcome, now, expired=True)


def _raw_size(raw: bytes | None) -> int:
    return 0 if raw is None else int.from_bytes(raw[:4], "big")


def check_item_size(size_bytes: int) -> None:
    """Refuse an item to be put that is larger than 400 KB."""
    if size_bytes > ITEM_BYTES_MAX:
        raise ApiError("ValidationException", "Item size has exceeded the maximum allowed size")


def check_updated_size(size_bytes: int) -> None:
    """The same of what an update makes, or asks for."""
    if size_bytes > ITEM_BYTES_MAX:
        raise ApiError("ValidationException", "Item size to update has exceeded the maximum allowed size")


def canonical_subject(subject: Item) -> int:
    """Make a Key or Item parameter canonical in place; its size in bytes."""
    return values.canonicalise_item(subject)
