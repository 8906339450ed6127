"""What Query and Scan have in common besides reading: the index, Select, the projection, the filter, the exclusive start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys, values
from tabletop.dynamodb.expressions import Binder, Condition, Projection, compile_condition, compile_projection
from tabletop.dynamodb.key_schema import check_key, invalid, invalid_parameters
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import compile_attributes_to_get, compile_filter
from tabletop.dynamodb.operations.operation import Body, table_name
from tabletop.dynamodb.read import Range
from tabletop.dynamodb.schema import Index, KeyAttribute, Table
from tabletop.dynamodb.touches import Touch, shown_select
from tabletop.storage.store import View

_START_KEY = "The provided starting key is invalid"
_NO_MATCH = "The provided key element does not match the schema"
_BARE_IN_START_KEYS = (
    "contains duplicates",
    "number set",
    "numeric value",
    "significant digits",
    "number with magnitude",
)
"""Errors of values that AWS does not introduce with the words above (dynalite's observation)."""


@dataclass(slots=True)
class Selection:
    """The parameters of Query and Scan that do not say which keys, prepared without the table."""

    call: Call
    operation: str
    table: str
    index: str | None
    select: str | None
    limit: int | None
    consistent: bool
    filter: Condition | None
    projection: Projection | None
    exclusive_start_key: Item | None
    return_consumed_capacity: str | None
    filter_name: str = "Filter Expression"
    """As messages call it."""


def prepare_selection(body: Body, call: Call, binder: Binder, *, operation: str) -> Selection:
    """``operation``: Query or Scan."""
    index = body.get("IndexName")
    select = body.get("Select")
    filter_text = body.get("FilterExpression")
    projection_text = body.get("ProjectionExpression")
    _check_select(select, index, body)
    start_key = body.get("ExclusiveStartKey")
    if start_key is not None:
        try:
            values.check_item(start_key)
        except ApiError as error:
            if error.code != "ValidationException" or any(
                part in (error.message or "") for part in _BARE_IN_START_KEYS
            ):
                raise
            raise invalid(f"The provided starting key is invalid: {error.message}") from error
    projection = None if projection_text is None else compile_projection(projection_text, binder)
    condition = None
    if filter_text is not None:
        condition = compile_condition(filter_text, kind="FilterExpression", binder=binder)
    return Selection(
        call=call,
        operation=operation,
        table=table_name(body["TableName"]),
        index=index,
        select=select,
        limit=body.get("Limit"),
        consistent=bool(body.get("ConsistentRead")),
        filter=condition,
        projection=projection,
        exclusive_start_key=start_key,
        return_consumed_capacity=body.get("ReturnConsumedCapacity"),
    )


def selection_touch(selection: Selection, partitions: list[list[str]] | None, key_names: frozenset[str]) -> Touch:
    """``key_names``: the attributes of the key conditions."""
    attributes = key_names
    if selection.filter is not None:
        attributes |= selection.filter.top_level_attributes
    if selection.projection is not None:
        attributes |= selection.projection.top_level_attributes
    return Touch(
        partitions=partitions,
        attributes=attributes,
        select=shown_select(selection.projection, selection.select, selection.index),
        return_consumed_capacity=selection.return_consumed_capacity or "NONE",
    )


def lower_legacy(body: Body, selection: Selection, filter_name: str) -> None:
    """Give the selection what the request's legacy parameters ask for, of which KeyConditions are none here."""
    names, conditions = body.get("AttributesToGet"), body.get(filter_name)
    if names is not None:
        selection.projection = compile_attributes_to_get(names)
    condition = compile_filter(conditions, body.get("ConditionalOperator"))
    if condition is not None:
        selection.filter = condition
        selection.filter_name = filter_name


def _check_select(select: str | None, index: str | None, body: Body) -> None:
    if select is None:
        return
    projection = next((name for name in ("ProjectionExpression", "AttributesToGet") if name in body), None)
    if projection is not None and select != "SPECIFIC_ATTRIBUTES":
        chosen = "only the Count" if select == "COUNT" else select
        raise invalid(f"Cannot specify the {projection} when choosing to get {chosen}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )


def open_range(view: View, selection: Selection) -> Range:
    """The range of the whole table or index, with everything but the keys' bounds and the exclusive start applied."""
    table = catalog.table_of(view, selection.call, selection.table)
    index = _index_of(table, selection)
    prefix = table.item_prefix if index is None else index.prefix
    return Range(
        table=table,
        index=index,
        start=prefix,
        stop=prefix,
        limit=selection.limit,
        filter=selection.filter,
        projection=selection.projection,
        count_only=selection.select == "COUNT",
        consistent=selection.consistent,
        fetch=index is not None and _needs_fetch(index, selection),
    )


def _index_of(table: Table, selection: Selection) -> Index | None:
    if selection.index is None:
        return None
    index = table.index_named.get(selection.index)
    if index is None:
        if any(vectors.name == selection.index for vectors in table.vectors):
            raise invalid(f"{selection.operation} operation not supported on this index type.")
        raise invalid(f"The table does not have the specified index: {selection.index}")
    if index.is_global and selection.consistent:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    if index.backfilling or index.status == "CREATING":
        raise invalid(f"Cannot read from backfilling global secondary index: {index.name}")
    return index


def _needs_fetch(index: Index, selection: Selection) -> bool:
    """Whether an entry lacks attributes that were asked for. A global index refuses, a local one looks them up."""
    if index.projection == "ALL":
        return False
    if selection.select == "ALL_ATTRIBUTES":
        if index.is_global:
            raise invalid_parameters(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
                "because its projection type is not ALL"
            )
        return True
    if selection.projection is None:
        return False
    missing = selection.projection.top_level_attributes - index.projected
    if missing and index.is_global:
        raise invalid_parameters(f"Global secondary index {index.name} does not project [{', '.join(sorted(missing))}]")
    return bool(missing)


def start_behind(span: Range, start_key: Item, *, partition: Item | None = None) -> None:
    """Continue behind an ExclusiveStartKey. ``partition``: a Query's partition key values, which it must have."""
    table, index = span.table, span.index
    attributes = table.key_attributes + (() if index is None else index.key_attributes)
    wanted = {attribute.name: attribute for attribute in attributes}
    if set(start_key) != set(wanted):
        whole_table = partition is None and index is None
        raise invalid(_START_KEY + (f": {_NO_MATCH}" if whole_table else ""))
    read_by = index.key_attributes if index is not None else () if partition is None else attributes
    for attribute in wanted.values():
        words = _start_value_error(attribute, start_key[attribute.name])
        if words is not None:
            # Of the keys that are read along AWS says no more than that.
            raise invalid(words if attribute in read_by else f"{_START_KEY}: {words}")
    base_key = {attribute.name: start_key[attribute.name] for attribute in table.key_attributes}
    try:
        check_key(table, base_key)
    except ApiError as error:
        raise invalid(f"The provided starting key is invalid: {error.message}") from error
    key = keys.item_key(table, base_key)
    if index is not None:
        key = keys.entry_key(table, index, start_key, key)
    if partition is not None and any(start_key[name] != value for name, value in partition.items()):
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    if partition is not None and not _within(span, key):
        raise invalid("The provided starting key does not match the range key predicate")
    span.continue_behind(key)


def _start_value_error(attribute: KeyAttribute, value: dict[str, Any]) -> str | None:
    if attribute.type not in value:
        return _NO_MATCH
    if attribute.type != "N" and not value[attribute.type]:
        kind = "string" if attribute.type == "S" else "binary"
        return (
            "One or more parameter values were invalid: "
            f"The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {attribute.name}"
        )
    return None


def _within(span: Range, key: bytes) -> bool:
    return span.start <= key < span.stop
