"""Proves vector indexes whole: a row for every item that belongs there, as it would be made now, and no other; counters."""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table, VectorIndex
from tabletop.dynamodb.vectors import rows
from tabletop.storage.store import View, after_prefix, read_counter


class VectorCheck:
    """The checks of one table: ``item`` for each of its items, then ``ends``."""

    def __init__(self, view: View, table: Table) -> None:
        self._view = view
        self._table = table
        self._expected: dict[int, list[int]] = {index.number: [0, 0] for index in table.vectors}
        """Index number -> [rows, bytes]."""

    def item(self, item: Item, item_key: bytes) -> Iterator[str]:
        for index in self._table.vectors:
            row = rows.row(self._table, index, item, item_key)
            if row is None:
                continue
            found = self._view.get(row.key)
            if found is None and index.backfilling:
                continue
            if found != row.value:
                yield f"{index.arn}: the vector of item {item_key.hex()} is {'missing' if found is None else 'stale'}"
            expected = self._expected[index.number]
            expected[0] += 1
            expected[1] += row.size_bytes

    def ends(self) -> Iterator[str]:
        for index in self._table.vectors:
            yield from self._index(index, *self._expected[index.number])

    def _index(self, index: VectorIndex, vectors: int, size_bytes: int) -> Iterator[str]:
        present = sum(1 for _ in self._view.range(index.prefix, after_prefix(index.prefix)))
        if present != vectors:
            yield f"{index.arn}: holds {present} vectors for {vectors} items"
        counted = read_counter(self._view, index.counter, 2)
        if counted != (vectors, size_bytes):
            yield f"{index.arn}: {vectors} vectors of {size_bytes} bytes, the counter says {counted[0]} of {counted[1]}"
