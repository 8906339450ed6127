"""What Query and Scan have in common besides reading: the index, Select, the projection, the filter, the exclusive start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys, values
from tabletop.dynamodb.expressions import Binder, Condition, KeyMatch, Projection, compile_condition, compile_projection
from tabletop.dynamodb.key_schema import check_key, invalid, invalid_parameters
from tabletop.dynamodb.key_spans import partition_span
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import compile_attributes_to_get, compile_filter
from tabletop.dynamodb.operations.operation import Body, table_name
from tabletop.dynamodb.read import Range
from tabletop.dynamodb.schema import Index, KeyAttribute, Table
from tabletop.dynamodb.touches import Touch, shown_select
from tabletop.dynamodb.validation_layers import bare_start_key
from tabletop.storage.store import View

_START_KEY = "The provided starting key is invalid"
_ONE_ROW = "The query can return at most one row and cannot be restarted"
_BARE_IN_START_KEYS = (
    "contains duplicates",
    "number set",
    "numeric value",
    "significant digits",
    "number with magnitude",
    "Empty attribute name",
)
"""Errors of values that Scan does not introduce with the words above (dynalite's observation)."""


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
            if (
                error.code != "ValidationException"
                or (operation == "Query" and bare_start_key(error))
                or any(part in (error.message or "") for part in _BARE_IN_START_KEYS)
            ):
                raise
            raise invalid(f"The provided starting key is invalid: {error.message}") from None
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


def start_behind(span: Range, start_key: Item, *, match: KeyMatch | None = None) -> None:
    """Continue behind an ExclusiveStartKey. ``match``: a Query's key conditions, which the key must meet."""
    table, index = span.table, span.index
    attributes = table.key_attributes + (() if index is None else index.key_attributes)
    wanted = {attribute.name: attribute for attribute in attributes}
    if match is not None and index is None and table.range is None:
        # A partition of one item has nothing behind it (Alternator's recorded answer).
        raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {_shown(start_key)}")
    if set(start_key) != set(wanted):
        raise invalid(_START_KEY)
    for attribute in wanted.values():
        _check_start_value(attribute, start_key[attribute.name], read_along=match is not None)
    base_key = {attribute.name: start_key[attribute.name] for attribute in table.key_attributes}
    try:
        check_key(table, base_key)
    except ApiError as error:
        raise invalid(f"{_START_KEY}: {error.message}") from error
    key = keys.item_key(table, base_key)
    if index is not None:
        key = keys.entry_key(table, index, start_key, key)
    if match is not None and not span.start <= key < span.stop:
        raise _outside(span, match, start_key, key)
    span.continue_behind(key)


def _outside(span: Range, match: KeyMatch, start_key: Item, key: bytes) -> ApiError:
    """The query cannot have read that far: the words tell which of its conditions the key does not meet.

    In the order that was recorded in 2026 (comments of dynoxide 1.5, from four regions).
    """
    table, index = span.table, span.index
    *leading, last = match.hash
    if any(start_key[name] != match.hash[name] for name in leading):
        return invalid(_ONE_ROW)
    start, stop = partition_span(table, index, replace(match, hash={name: start_key[name] for name in match.hash}))
    if not start <= key < stop:
        return invalid("The provided starting key does not match the range key predicate")
    assert start_key[last] != match.hash[last]
    if match.range_equal or match.range_condition is not None:
        return invalid(_ONE_ROW)
    return invalid("The provided starting key is outside query boundaries based on provided conditions")


def _shown(key: Item) -> str:
    shown = (
        f"{name}=AttributeValue: {{{kind}:{content}}}" for name, value in key.items() for kind, content in value.items()
    )
    return f"{{{', '.join(shown)}}}"


def _check_start_value(attribute: KeyAttribute, value: dict[str, Any], *, read_along: bool) -> None:
    if attribute.type not in value:
        raise invalid("The provided key element does not match the schema" if read_along else _START_KEY)
    if attribute.type != "N" and not value[attribute.type]:
        kind = "string" if attribute.type == "S" else "binary"
        raise invalid(
            "One or more parameter values are not valid. "
            f"The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {attribute.name}"
        )
