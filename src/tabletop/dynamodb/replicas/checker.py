"""Proves global tables whole: replicas that name each other, agree on keys and indexes, and hold the same items."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from tabletop.dynamodb import catalog
from tabletop.dynamodb.replicas import groups
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View, after_prefix

DIFFERENCES_MAX = 10
"""Differing items that are named for each pair of replicas."""


def problems(view: View, table: Table) -> Iterator[str]:
    """What is wrong between this table and the other replicas of its global table. Memory does not grow with the items."""
    for one in groups.members(table.record):
        other = catalog.find(view, one["account"], one["region"], table.name)
        if other is None:
            yield f"{table.arn}: its replica in {one['region']} is missing"
            continue
        if table.region not in groups.regions(other.record):
            yield f"{other.arn}: does not know its replica in {table.region}"
        if other.record.get("group", {}).get("consistency") != table.record["group"]["consistency"]:
            yield f"{other.arn}: differs in consistency from its replica in {table.region}"
        if _numbered(table) != _numbered(other):
            yield f"{other.arn}: has other indexes than its replica in {table.region}"
        if table.record["seed"] != other.record["seed"]:
            yield f"{other.arn}: has another seed than its replica in {table.region}"
        elif other.status == "CREATING":
            yield from _filling_problems(view, table, other)
        elif table.status != "CREATING" and table.arn < other.arn:
            yield from _differences(view, table, other)


def _numbered(table: Table) -> dict[int, str]:
    return {index.number: index.name for index in table.indexes} | {index.number: index.name for index in table.vectors}


def _items(view: View, table: Table) -> Iterator[tuple[bytes, bytes]]:
    prefix = table.item_prefix
    return ((key[len(prefix) :], value) for key, value in view.range(prefix, after_prefix(prefix)))


def _differences(view: View, table: Table, other: Table) -> Iterator[str]:
    found = 0
    for one, twin in zip_longest(_items(view, table), _items(view, other)):
        if one != twin:
            found += 1
            tail = min(pair[0] for pair in (one, twin) if pair is not None)
            yield f"{table.arn}: item {tail.hex()} is not the same in {other.region}"
            if found == DIFFERENCES_MAX or one is None or twin is None or one[0] != twin[0]:
                # Behind an item that only one of them has, all pairs would differ.
                return


def _filling_problems(view: View, table: Table, filling: Table) -> Iterator[str]:
    found = 0
    for tail, value in _items(view, filling):
        if view.get(table.item_prefix + tail) != value:
            yield f"{filling.arn}: item {tail.hex()} is not as in {table.region}, and not yet to be filled"
            found += 1
            if found == DIFFERENCES_MAX:
                return
