"""SELECT, lowered: the ranges to read, in the order of the answer; or the one item that the whole key names.

A WHERE clause that fixes the partition key reads partitions, and sort key conditions bound what is read of them; any
other reads the whole table or index. What the keys do not settle filters what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, key_schema, keys
from tabletop.dynamodb.expressions import KeyCondition, Projection, compile_tree
from tabletop.dynamodb.key_schema import invalid_parameters
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.operations.operation import local_table_name
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.binding import Bound
from tabletop.dynamodb.partiql.columns import Columns
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.overlaps import refuse_overlaps
from tabletop.dynamodb.partiql.ranges import partition_span
from tabletop.dynamodb.partiql.tree import OrderTerm, Select
from tabletop.dynamodb.partiql.wheres import (
    KIND,
    check_key_conditions,
    check_key_sizes,
    check_key_value,
    conjunction,
    conjuncts,
    full_key,
    key_condition,
    use_of_keys,
)
from tabletop.dynamodb.read import Range
from tabletop.dynamodb.schema import Index, Table
from tabletop.dynamodb.values import order_key
from tabletop.storage.store import View, after_prefix

Partitions = list[list[KeyCondition]]


def lower_select(view: View, call: Call, bound: Bound, *, consistent: bool) -> list[Range]:
    """The ranges to read, one behind the other: one, or one for each partition that IN names."""
    select = bound.clauses
    assert isinstance(select, Select)
    table = catalog.table_of(view, call, local_table_name(select.source.table, call))
    index = _index_of(table, select.source.index, consistent)
    columns = None if select.columns is None else Columns(select.columns)
    fetch = index is not None and columns is not None and _needs_fetch(index, columns)
    hash_attributes = table.hash_attributes if index is None else index.hash
    range_attributes = table.range_attributes if index is None else index.range
    if select.where is not None:
        # For its checks: what the keys settle is not in the filter.
        compile_tree(select.where, kind=KIND, binder=bound.binder)
    use = use_of_keys(select.where, bound.binder, hash_attributes, range_attributes)
    rest = conjunction(use.rest)
    condition = None if rest is None else compile_tree(rest, kind=KIND, binder=bound.binder)
    prefix = table.item_prefix if index is None else index.prefix
    reverse = False
    hash_names = {attribute.name for attribute in hash_attributes}
    if select.order:
        if select.where is None:
            raise refused(errors.ORDER_WITHOUT_WHERE)
        range_names = {attribute.name for attribute in range_attributes}
        for term in select.order:
            if term.attribute not in hash_names | range_names:
                raise refused(errors.ORDER_BY_OTHER.format(name=term.attribute))
    refuse_overlaps(select.where, bound.binder, table, index)
    if select.order:
        reverse = _order(select.order, use.partitions, hash_names)
    if use.partitions is None:
        spans = [(prefix, after_prefix(prefix))]
    else:
        for equal in use.partitions:
            check_key_conditions(hash_attributes, equal)
        check_key_conditions(range_attributes, use.sort)
        if len(use.partitions) == 1:
            check_key_sizes(use.partitions[0], use.sort)
        spans = [partition_span(table, index, equal, use.sort) for equal in use.partitions]
    return [
        Range(
            table=table,
            index=index,
            start=start,
            stop=stop,
            reverse=reverse,
            filter=condition,
            projection=columns,
            consistent=consistent,
            fetch=fetch,
        )
        for start, stop in spans
    ]


def _index_of(table: Table, name: str | None, consistent: bool) -> Index | None:
    if name is None:
        return None
    index = table.index_named.get(name)
    if index is None:
        raise refused(errors.NO_INDEX)
    if index.is_global and consistent:
        raise refused(errors.CONSISTENT_GLOBAL)
    if index.backfilling or index.status == "CREATING":
        raise refused(f"Cannot read from backfilling global secondary index: {index.name}")
    return index


def _needs_fetch(index: Index, columns: Columns) -> bool:
    """As a Query with a projection: a global index refuses what it does not hold, a local one looks it up."""
    if index.projection == "ALL":
        return False
    missing = columns.top_level_attributes - index.projected
    if missing and index.is_global:
        raise invalid_parameters(f"Global secondary index {index.name} does not project [{', '.join(sorted(missing))}]")
    return bool(missing)


def _order(order: tuple[OrderTerm, ...], partitions: Partitions | None, hash_names: set[str]) -> bool:
    """Put the partitions in order; whether each is to be read backwards.

    By the sort key alone only one partition can be ordered (ours: AWS merges several).
    """
    if partitions is None:
        raise refused(errors.ORDER_WITHOUT_PARTITION)
    reverse: bool | None = None
    partitions_ordered = len(partitions) == 1
    if partitions_ordered and len(order) == 1 and order[0].attribute in hash_names:
        return order[0].descending
    for term in order:
        if term.attribute in hash_names:
            if not partitions_ordered:
                partitions.sort(key=_partition_order, reverse=term.descending)
                partitions_ordered = True
        elif not partitions_ordered:
            raise refused(errors.ORDER_SEVERAL)
        elif reverse is None:
            reverse = term.descending
    return bool(reverse)


def _partition_order(equal: list[KeyCondition]) -> Any:
    value = equal[0].operands[0]
    kind = next(iter(value))
    return kind, order_key(value) if kind in ("S", "N", "B") else ""


@dataclass(slots=True)
class Lookup:
    """A SELECT of one item by its whole key, as batches and transactions have them."""

    table: Table
    key: bytes
    columns: Projection | None

    def shown(self, raw: bytes | None) -> Any:
        """What the statement answers of the stored item; None where it is not there."""
        if raw is None:
            return None
        if self.columns is None:
            return orjson.Fragment(raw[4:])
        item: Item = orjson.loads(raw[4:])
        return self.columns.apply(item)


def lower_lookup(
    view: View, call: Call, bound: Bound, *, without_key: str, with_index: str, own_words: bool = True
) -> Lookup:
    """``without_key`` and ``with_index`` are the messages for a SELECT that does not name one item of a table.

    ``own_words``: a key of a wrong type has the words of PartiQL, else those of GetItem.
    """
    select = bound.clauses
    assert isinstance(select, Select)
    table = catalog.table_of(view, call, local_table_name(select.source.table, call))
    if select.source.index is not None:
        raise refused(with_index)
    refuse_overlaps(select.where, bound.binder, table, None)
    found = full_key(select.where, bound.binder, table)
    if found is None:
        raise refused(without_key)
    key, rest = found
    settled = [key_condition(node, bound.binder) for node in conjuncts(select.where) if node not in rest]
    if any(key_condition(node, bound.binder) not in settled for node in rest):
        # The same condition twice counts once.
        raise refused(without_key)
    if own_words:
        for attribute in table.key_attributes:
            check_key_value(attribute, key[attribute.name])
    key_schema.check_key(table, key)
    return Lookup(
        table=table,
        key=keys.item_key(table, key),
        columns=None if select.columns is None else Columns(select.columns),
    )
