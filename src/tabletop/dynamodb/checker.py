"""Proves DynamoDB's data whole: every item where its key says, every index entry with its item and the reverse, vectors,
expiry entries, counters, the change log (``streams.checker``), replicas (``replicas.checker``), and nothing left that no
table owns.

A table that cannot be read is a problem, and the others are checked all the same; what no table owns is then unknown.
Runs over one view, so a running server may go on writing. Nothing is gathered: memory is bounded by the number of tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from tabletop.dynamodb import catalog, expiry, indexes, keys, sizes
from tabletop.dynamodb.indexes import Stored
from tabletop.dynamodb.replicas import checker as replicas_checker
from tabletop.dynamodb.schema import Index, Table
from tabletop.dynamodb.streams import checker as streams_checker
from tabletop.dynamodb.vectors.checker import VectorCheck
from tabletop.storage.store import View, after_prefix, read_counter

Total = list[int]
"""[entries, bytes]"""


def problems(view: View) -> Iterator[str]:
    """One line for each thing that is wrong; nothing for whole data."""
    owned: set[int] = set()
    all_read = True
    for key, raw in view.range(keys.catalog_prefix(), after_prefix(keys.catalog_prefix())):
        try:
            table = catalog.compile_table(raw)
        except Exception as error:
            all_read = False
            yield f"the table record {key.hex()} cannot be read: {error!r}"
            continue
        owned.add(table.number)
        if keys.catalog_key(table.account, table.region, table.name) != key:
            yield f"table {table.arn} is kept under another name"
        try:
            yield from _table_problems(view, table)
            yield from replicas_checker.problems(view, table)
        except Exception as error:
            yield f"{table.arn}: cannot be checked to the end: {error!r}"
    dropped = {
        keys.numbers_of(key)[0]
        for key, _ in view.range(keys.dropped_prefix(), after_prefix(keys.dropped_prefix()))
        if keys.numbers_of(key)[1] == 0
    }
    if all_read:
        yield from _orphans(view, owned | dropped)
    yield from streams_checker.problems(view)


def _table_problems(view: View, table: Table) -> Iterator[str]:
    total: Total = [0, 0]
    expected: dict[Index, Total] = {index: [0, 0] for index in table.indexes}
    expiries = 0
    collections = _Collections(view, table)
    vectors = VectorCheck(view, table)
    for key, value in view.range(table.item_prefix, after_prefix(table.item_prefix)):
        item = orjson.loads(value[4:])
        size_bytes = int.from_bytes(value[:4], "big")
        total[0] += 1
        total[1] += size_bytes
        if sizes.item_size(item) != size_bytes:
            yield f"{table.arn}: item {key.hex()} is {sizes.item_size(item)} bytes, its header says {size_bytes}"
        if keys.item_key(table, item) != key:
            yield f"{table.arn}: item {key.hex()} has the key attributes of another"
        local_bytes = size_bytes
        for index in table.indexes:
            entry = indexes.entry(table, index, Stored(item, value), key)
            if entry is None:
                continue
            found = view.get(entry.key)
            if found is None and index.backfilling:
                continue
            if found != entry.value:
                yield f"{index.arn}: the entry of item {key.hex()} is {'missing' if found is None else 'stale'}"
            expected[index][0] += 1
            expected[index][1] += entry.size_bytes
            local_bytes += 0 if index.is_global else entry.size_bytes
        yield from vectors.item(item, key)
        if table.has_local_indexes:
            yield from collections.item(key, local_bytes)
        expiry_key = expiry.entry_key(table, item, key)
        if expiry_key is not None:
            expiries += 1
            filling = view.get(keys.backfill_key(table.number, keys.EXPIRY_NUMBER)) is not None
            if view.get(expiry_key) is None and not filling:
                yield f"{table.arn}: the expiry entry of item {key.hex()} is missing"
    yield from _counter_problems(view, table.arn, table.counter, total)
    for index in table.indexes:
        yield from _counter_problems(view, index.arn, index.counter, expected[index])
        present = sum(1 for _ in view.range(index.prefix, after_prefix(index.prefix)))
        if present != expected[index][0]:
            yield f"{index.arn}: holds {present} entries for {expected[index][0]} items"
    yield from vectors.ends()
    prefix = keys.expiry_prefix(table.number)
    present = sum(1 for _ in view.range(prefix, after_prefix(prefix)))
    clearing = view.get(keys.dropped_key(table.number, keys.EXPIRY_NUMBER)) is not None
    if table.ttl_attribute is not None and present > expiries and not clearing:
        yield f"{table.arn}: {present} expiry entries for {expiries} items that expire"
    yield from collections.ends()


class _Collections:
    """Holds the sizes of item collections against their counters. Both come in the order of partitions: nothing is gathered."""

    def __init__(self, view: View, table: Table) -> None:
        self._table = table
        self._prefix = keys.collection_key(table.number, b"")
        self._counters = view.range(self._prefix, after_prefix(self._prefix))
        self._counter = next(self._counters, None)
        self._partition = b""
        self._size_bytes = 0

    def item(self, item_key: bytes, size_bytes: int) -> Iterator[str]:
        """The next item, with what it and its local entries measure."""
        start = len(self._table.item_prefix)
        partition = item_key[start : start + keys.HASH_BYTES]
        if partition != self._partition:
            if self._partition:
                yield from self._compare()
            self._partition, self._size_bytes = partition, 0
        self._size_bytes += size_bytes

    def ends(self) -> Iterator[str]:
        if self._partition:
            yield from self._compare()
        yield from self._counters_before(None)

    def _compare(self) -> Iterator[str]:
        yield from self._counters_before(self._partition)
        raw = b""
        if self._counter is not None and self._counter[0] == self._prefix + self._partition:
            raw = self._counter[1]
            self._counter = next(self._counters, None)
        if int.from_bytes(raw, "big", signed=True) != self._size_bytes:
            yield self._problem(self._partition, self._size_bytes, raw)

    def _counters_before(self, partition: bytes | None) -> Iterator[str]:
        """Counters of partitions that have no items, up to this partition; None: to the end."""
        while self._counter is not None:
            key, raw = self._counter
            counted = key[len(self._prefix) :]
            if partition is not None and counted >= partition:
                return
            yield self._problem(counted, 0, raw)
            self._counter = next(self._counters, None)

    def _problem(self, partition: bytes, size_bytes: int, raw: bytes) -> str:
        counter = int.from_bytes(raw, "big", signed=True)
        return f"{self._table.arn}: collection {partition.hex()} is {size_bytes} bytes, its counter says {counter}"


def _counter_problems(view: View, name: str, counter: bytes, total: Total) -> Iterator[str]:
    counted = read_counter(view, counter, 2)
    if list(counted) != total:
        yield f"{name}: {total[0]} entries of {total[1]} bytes, the counter says {counted[0]} of {counted[1]}"


def _orphans(view: View, known: set[int]) -> Iterator[str]:
    for kind in keys.table_kinds():
        for number in keys.numbers_below(view, kind):
            if number not in known:
                yield f"data of table number {number}, which no table owns, under {kind.hex()}"
