"""The one range-read path: Query, Scan, each of its segments, and every index, read here.

A range is a span of keys in the store, bounded below and above, read in either direction from an exclusive start. A page
ends at the limit, or with the item that brings what was read to 1 MB (sizes are those of items as stored, before the
filter). Rows without filter and projection are copied as the JSON they are stored as, unparsed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from tabletop.dynamodb import keys, sizes
from tabletop.dynamodb.capacity import consumed
from tabletop.dynamodb.expressions import Condition, Projection
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Index, Table
from tabletop.storage.store import View

PAGE_BYTES_MAX = 1024 * 1024


@dataclass(slots=True)
class Range:
    """What to read: keys in [start, stop) of the table, or of one of its indexes."""

    table: Table
    index: Index | None
    start: bytes
    stop: bytes
    reverse: bool = False
    limit: int | None = None
    filter: Condition | None = None
    projection: Projection | None = None
    count_only: bool = False
    consistent: bool = False
    fetch: bool = False
    """Complete each entry of a local index with the item's further attributes."""

    def continue_behind(self, key: bytes) -> None:
        """Narrow the range to what lies behind an exclusive start, in the direction of reading."""
        if self.reverse:
            self.stop = min(self.stop, key)
        else:
            self.start = max(self.start, key + b"\0")


@dataclass(slots=True)
class Page:
    """What was read: rows are items' JSON. ``last`` is the item or entry that ended the page; None at the range's end."""

    rows: list[bytes] = field(default_factory=list)
    count: int = 0
    scanned_count: int = 0
    last: Item | None = None
    read_bytes: int = 0
    fetched_units: float = 0.0
    fetched_bytes: int = 0
    """Of items looked up for a local index's entries; they count towards the page's end (inferred), not towards its units."""


def read_page(view: View, span: Range) -> Page:
    page = Page()
    rows = page.rows
    limit = span.limit or -1
    plain = span.filter is None and span.projection is None and not span.fetch
    copied = plain and not span.count_only
    scanned = read_bytes = matched = 0
    for _, value in view.range(span.start, span.stop, reverse=span.reverse):
        scanned += 1
        read_bytes += int.from_bytes(value[:4], "big")
        if copied:
            rows.append(value[4:])
        elif not plain and _select(view, span, page, value):
            matched += 1
        if scanned == limit or read_bytes + page.fetched_bytes >= PAGE_BYTES_MAX:
            page.last = orjson.loads(value[4:])
            break
    page.count = scanned if plain else matched
    page.scanned_count = scanned
    page.read_bytes = read_bytes
    return page


def _select(view: View, span: Range, page: Page, value: bytes) -> bool:
    """Whether a row passes the filter; if so it is added to the page, projected."""
    item: Item = orjson.loads(value[4:])
    if span.fetch:
        value = view.get(keys.item_key(span.table, item)) or value
        item = orjson.loads(value[4:])
        size_bytes = int.from_bytes(value[:4], "big")
        page.fetched_bytes += size_bytes
        page.fetched_units += sizes.read_units(size_bytes, consistent=span.consistent)
    if span.filter is not None and not span.filter.matches(item):
        return False
    if not span.count_only:
        page.rows.append(value[4:] if span.projection is None else orjson.dumps(span.projection.apply(item)))
    return True


def last_evaluated_key(span: Range, last: Item) -> Item:
    """The attributes that name where a page ended: the table's keys and, on an index, the index's."""
    attributes = span.table.key_attributes
    if span.index is not None:
        attributes = attributes + span.index.key_attributes
    return {attribute.name: last[attribute.name] for attribute in attributes}


def render_page(span: Range, page: Page, return_consumed_capacity: str | None, *, partitions: int = 1) -> bytes:
    """The JSON answer of Query and Scan. ``partitions``: how many AWS would have read, each for half a unit at least."""
    parts = [b'"Count":%d,"ScannedCount":%d' % (page.count, page.scanned_count)]
    if not span.count_only:
        parts.append(b'"Items":[' + b",".join(page.rows) + b"]")
    if page.last is not None:
        parts.append(b'"LastEvaluatedKey":' + orjson.dumps(last_evaluated_key(span, page.last)))
    if return_consumed_capacity:
        units = sizes.read_units(page.read_bytes, consistent=span.consistent)
        if partitions > 1:
            units = max(units, partitions * sizes.read_units(0, consistent=span.consistent))
        if span.index is None:
            rendered = consumed(return_consumed_capacity, span.table, units)
        else:
            rendered = consumed(return_consumed_capacity, span.table, page.fetched_units, [(span.index, units)])
        if rendered is not None:
            parts.append(b'"ConsumedCapacity":' + orjson.dumps(rendered))
    return b"{" + b",".join(parts) + b"}"
