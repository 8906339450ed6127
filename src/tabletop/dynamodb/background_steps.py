"""The steps of background work: plans that do a bounded amount and answer whether they did anything.

Each takes the most rows that it may look at, beside a bound of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice

import orjson

from tabletop.dynamodb import catalog, expiry, indexes, keys, write
from tabletop.dynamodb.lifecycle import all_indexes, is_to_come
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.vectors import rows as vector_rows
from tabletop.storage.store import Batch, View, after_prefix

PIECES_MAX = 64
"""Pieces of work of one kind that one round takes on."""
CLEARED_MAX = 1000
FILLED_MAX = 500
FILLED_BYTES_MAX = 1 << 20
EXPIRED_MAX = 100
FORGOTTEN_MAX = 500
TOKEN_LIFE_S = 600
ENTRY_KEY_BYTES_MAX = 1978
"""What the store takes. An old value that is too long for a key is left out of a new index, as on AWS."""

Step = tuple[bool, Batch | None]


def clear(view: View, dropped: bytes, now: float, items_max: int = CLEARED_MAX) -> Step:
    """Delete the next keys of a dropped table, index or expiry; when none is left, the work's own key."""
    number, index = keys.numbers_of(dropped)
    noted = view.get(dropped)
    if noted is None:
        return False, None
    table = _table_at(view, noted, number) if noted else None
    if table is not None and is_to_come(_gone(table, index), now):
        return False, None
    batch = Batch()
    if table is not None and index == 0:
        # It was DELETING; from here on it is gone, and what it leaves is nobody's.
        batch.delete(noted)
        batch.put(dropped, b"")
        return True, batch
    left = min(items_max, CLEARED_MAX)
    for prefix in _dropped_prefixes(number, index):
        for key, _ in islice(view.range(prefix, after_prefix(prefix)), left):
            batch.delete(key)
            left -= 1
    if left:
        batch.delete(dropped)
        if index not in (0, keys.EXPIRY_NUMBER):
            batch.delete(keys.counter_key(number, index))
            _forget_index(view, batch, noted, number, index)
    return True, batch


def _gone(table: Table, index: int) -> float:
    """When a table that is DELETING is gone, or (``index`` is not 0) one of its indexes."""
    if index == 0:
        return float(table.record["transition"]["until"])
    return max((one.get("gone", 0.0) for one in all_indexes(table.record) if one["number"] == index), default=0.0)


def _dropped_prefixes(number: int, index: int) -> tuple[bytes, ...]:
    if index == 0:
        return keys.table_data_prefixes(number)
    if index == keys.EXPIRY_NUMBER:
        return (keys.expiry_prefix(number),)
    return (keys.index_prefix(number, index), keys.vector_prefix(number, index))


def _table_at(view: View, catalog_key: bytes, number: int) -> Table | None:
    """The table that the work is for; None when it was dropped, even if another has its name by now."""
    table = catalog.find(view, *keys.catalog_parts(catalog_key))
    return table if table is not None and table.number == number else None


def _forget_index(view: View, batch: Batch, catalog_key: bytes, number: int, index: int) -> None:
    table = _table_at(view, catalog_key, number)
    if table is not None:
        record = dict(table.record)
        for member in ("indexes", "vector_indexes"):
            if member in record:
                record[member] = [one for one in record[member] if one["number"] != index]
        catalog.store_record(batch, record)


def fill(view: View, work: bytes, now: float, items_max: int = FILLED_MAX) -> Step:
    """Add the missing entries of the next items; at the end make the index ACTIVE.

    The work's value is the table's catalog key, followed by the key of the last item that was done.
    Items written meanwhile maintain their entries themselves; an entry that is there is right, and left alone.
    Nothing is filled while entries from before are still to be cleared: clearing would take the new ones along.
    """
    noted = view.get(work)
    number, index_number = keys.numbers_of(work)
    if noted is None or view.get(keys.dropped_key(number, index_number)) is not None:
        return False, None
    catalog_key, cursor = _split_cursor(noted, number)
    batch = Batch()
    table = _table_at(view, catalog_key, number)
    if table is None:
        batch.delete(work)
        return True, batch
    done, size_bytes, last = 0, 0, b""
    items_max = min(items_max, FILLED_MAX)
    start = cursor + b"\0" if cursor else table.item_prefix
    for key, value in view.range(start, after_prefix(table.item_prefix)):
        if index_number == keys.EXPIRY_NUMBER:
            _fill_expiry(batch, table, key, value)
        else:
            _fill_entry(view, batch, table, index_number, key, value)
        done, size_bytes, last = done + 1, size_bytes + len(value), key
        if done == items_max or size_bytes >= FILLED_BYTES_MAX:
            batch.put(work, catalog_key + last)
            return True, batch
    if index_number != keys.EXPIRY_NUMBER and is_to_come(_ready(table, index_number), now):
        if not done:
            return False, None
        batch.put(work, catalog_key + last)
        return True, batch
    batch.delete(work)
    if index_number != keys.EXPIRY_NUMBER:
        _activate(batch, table, index_number)
    return True, batch


def _ready(table: Table, number: int) -> float:
    """When a new index may be ACTIVE at the earliest."""
    return max(index.get("ready") or 0.0 for index in all_indexes(table.record) if index["number"] == number)


def _split_cursor(noted: bytes, number: int) -> tuple[bytes, bytes]:
    """(catalog key, last item key or nothing). A table's name has no byte as low as an item key's second."""
    at = noted.find(keys.item_prefix(number), len(keys.catalog_prefix()))
    return (noted, b"") if at < 0 else (noted[:at], noted[at:])


def _fill_entry(view: View, batch: Batch, table: Table, number: int, item_key: bytes, value: bytes) -> None:
    for index in table.indexes:
        if index.number == number:
            entry = indexes.entry(table, index, indexes.Stored(orjson.loads(value[4:]), value), item_key)
            if entry is not None and len(entry.key) <= ENTRY_KEY_BYTES_MAX and view.get(entry.key) is None:
                batch.put(entry.key, entry.value)
                batch.add(index.counter, 1, entry.size_bytes)
    for vectors in table.vectors:
        if vectors.number == number:
            vector_rows.fill(view, batch, table, vectors, item_key, orjson.loads(value[4:]))


def _fill_expiry(batch: Batch, table: Table, item_key: bytes, value: bytes) -> None:
    entry_key = expiry.entry_key(table, orjson.loads(value[4:]), item_key)
    if entry_key is not None:
        batch.put(entry_key, b"")


def _activate(batch: Batch, table: Table, number: int) -> None:
    record = copy.deepcopy(table.record)
    for index in all_indexes(record):
        if index["number"] == number:
            index |= {"status": "ACTIVE", "backfilling": False}
            index.pop("allocated", None)
            index.pop("ready", None)
    catalog.store_record(batch, record)


def due_entries(view: View, table: Table, now: float) -> Iterator[bytes]:
    """Keys of expiry entries whose time has come, and lies within the five years in which AWS deletes.

    None while entries of an attribute that was chosen before are still to be cleared: they are mixed with the new ones. Nor
    of a replica that is being filled: its items expire where they came from.
    """
    if table.ttl_attribute is None or table.status == "CREATING":
        return
    if view.get(keys.dropped_key(table.number, keys.EXPIRY_NUMBER)) is not None:
        return
    for key, _ in view.range(*_due_span(table.number, now)):
        yield key


def has_due(view: View, number: int, now: float) -> bool:
    """Whether the table has expiry entries whose time has come, be they of use or not."""
    return next(view.range(*_due_span(number, now)), None) is not None


def _due_span(number: int, now: float) -> tuple[bytes, bytes]:
    prefix = keys.expiry_prefix(number)
    first = max(0, int(now) - expiry.FIVE_YEARS_S)
    return prefix + first.to_bytes(8, "big"), prefix + (int(now) + 1).to_bytes(8, "big")


def expire(view: View, catalog_key: bytes, now: float, items_max: int = EXPIRED_MAX) -> Step:
    """Delete the next items of a table that have expired, and expiry entries that no item has any more."""
    table = catalog.find(view, *keys.catalog_parts(catalog_key))
    if table is None:
        return False, None
    batch = Batch()
    item_at = len(keys.expiry_prefix(table.number)) + 8
    done: set[bytes] = set()
    for key in islice(due_entries(view, table, now), min(items_max, EXPIRED_MAX)):
        batch.delete(key)
        item_key = table.item_prefix + key[item_at:]
        # The view still has an item that this batch deletes: a second entry would have it counted out twice.
        if item_key not in done:
            done.add(item_key)
            write.delete_expired(view, batch, table, item_key, now)
    return bool(batch), batch


def tokens_stop(now: float) -> bytes:
    """Behind the last token that is to be forgotten."""
    return keys.token_age_key(now - TOKEN_LIFE_S)


def forget(view: View, prefix: bytes, now: float, items_max: int = FORGOTTEN_MAX) -> Step:
    """Forget the next old uses of tokens. A token that was used again since then stays, until that use is old too."""
    batch = Batch()
    for key, _ in islice(view.range(prefix, tokens_stop(now)), min(items_max, FORGOTTEN_MAX)):
        batch.delete(key)
        token = keys.token_of_age(key)
        raw = view.get(token)
        if raw is not None and keys.token_age_key(orjson.loads(raw)["at"], token) == key:
            batch.delete(token)
    return bool(batch), batch
