"""Time to live: when an item expires, and the entries that let expired items be found in order of their time.

A value that is not a number, or lies more than five years back, never expires (AWS's rule, so that a wrong unit in the
past does not empty a table).
"""

from __future__ import annotations

from decimal import Decimal

from tabletop.dynamodb import keys
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import Batch

FIVE_YEARS_S = 5 * 365 * 24 * 3600
_SECOND_MAX = 1 << 62


def second_of(table: Table, item: Item) -> int | None:
    """The epoch second at which the item expires; None if it never does, or the table has no time to live."""
    if table.ttl_attribute is None:
        return None
    text = item.get(table.ttl_attribute, {}).get("N")
    if text is None:
        return None
    second = int(Decimal(text))
    return second if 0 < second < _SECOND_MAX else None


def is_expired(table: Table, item: Item, now: float) -> bool:
    second = second_of(table, item)
    return second is not None and now - FIVE_YEARS_S <= second <= now


def entry_key(table: Table, item: Item, item_key: bytes) -> bytes | None:
    """Where the item's expiry entry lies; None for an item that never expires."""
    second = second_of(table, item)
    return None if second is None else keys.expiry_key(table, second, item_key)


def maintain(batch: Batch, table: Table, item_key: bytes, old: Item | None, new: Item | None) -> None:
    before = None if old is None else entry_key(table, old, item_key)
    after = None if new is None else entry_key(table, new, item_key)
    if before == after:
        return
    if before is not None:
        batch.delete(before)
    if after is not None:
        batch.put(after, b"")
