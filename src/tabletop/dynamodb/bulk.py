"""Many items into one table, chunk by chunk: what ``tabletop import`` commits, by the one write path.

A chunk is prepared outside the write transaction: items checked as PutItem checks them, made canonical, their keys made. Its
plan then only writes. Items are written in the order of their store keys, so that neighbours share the pages that are copied;
of several with one key the last one counts, as if they had been put one after the other.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, keys, write
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.values import canonicalise_item
from tabletop.dynamodb.write import Write
from tabletop.storage.store import Batch, View


class Prepared(NamedTuple):
    """A checked item. ``origin`` is the caller's: where the item came from."""

    key: bytes
    item: Item
    size_bytes: int
    origin: Any


class Chunk(NamedTuple):
    """Items that one plan puts. ``table`` is the form of the table that they were checked against."""

    call: Call
    table: Table
    items: list[Prepared]


def prepare(table: Table, item: Item, origin: Any) -> Prepared:
    """Check an item, which becomes ours and canonical. Raises ApiError as PutItem does."""
    size_bytes = canonicalise_item(item)
    write.check_item_size(size_bytes)
    write.check_put(table, item)
    return Prepared(keys.item_key(table, item), item, size_bytes, origin)


def put_all(view: View, chunk: Chunk, now: float) -> tuple[None, Batch]:
    """The plan. It raises what refuses any of the items, and then puts none: the caller may try them one by one."""
    call, checked, items = chunk
    table = catalog.table_of(view, call, checked.name)
    last = {one.key: one for one in items}
    if table is not checked:
        # The table was changed, or made anew, since its items were checked.
        last = {again.key: again for again in (prepare(table, one.item, one.origin) for one in items)}
    batch = Batch()
    for key in sorted(last):
        _, item, size_bytes, _ = last[key]
        write.apply_at(view, batch, table, key, Write("put", table.name, item, size_bytes), now)
    return None, batch


def item_of_line(table: Table, line: bytes) -> Item:
    """The item of a line of DynamoDB JSON: {"Item": {...}} as exports and imports of AWS have it, or the item alone.

    Raises ValueError. An item whose only attribute is its key, named Item, is told by what is in it.
    """
    row = orjson.loads(line)
    if type(row) is not dict:
        raise ValueError("the line is not a JSON object")
    if len(row) == 1:
        inner = row.get("Item")
        if type(inner) is dict and (table.hash.name != "Item" or "Item" in inner):
            return inner
    return row


def csv_types(table: Table) -> dict[str, str]:
    """The types of the columns that are keys of the table or of an index; all others are strings (AWS's import, documented)."""
    return {**table.indexed_types, **{part.name: part.type for part in table.key_attributes}}


def item_of_cells(types: dict[str, str], header: list[str], cells: list[str]) -> Item:
    """The item of a CSV row. Raises ValueError.

    An empty cell is an empty string; of a key it is no attribute (inferred): the item is then not in that index.
    """
    if len(cells) != len(header):
        raise ValueError(f"the row has {len(cells)} cells, the header {len(header)}")
    item: Item = {}
    for name, cell in zip(header, cells, strict=True):
        kind = types.get(name)
        if kind is None:
            item[name] = {"S": cell}
        elif cell:
            item[name] = {kind: _base64(name, cell) if kind == "B" else cell}
    return item


def _base64(name: str, cell: str) -> str:
    try:
        base64.b64decode(cell, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the cell of {name} is not base64") from error
    return cell
