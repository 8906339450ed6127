"""Query: the items of one partition, in order of the sort key, from a table or an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import keys
from tabletop.dynamodb.expressions import Binder, analyse_key_condition, match_key_schema
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import analyse_key_conditions, uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_or_index_targets
from tabletop.dynamodb.read import Range, read_page, render_page
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.selection import Selection, lower_legacy, open_range, prepare_selection, start_behind
from tabletop.storage.store import View, after_prefix


@dataclass(slots=True)
class Query:
    selection: Selection
    conditions: Any
    """What ``analyse_key_condition`` made of the KeyConditionExpression."""
    forward: bool


def prepare(body: Body, call: Call) -> Query:
    legacy = uses_legacy("Query", body)
    text, key_conditions = body.get("KeyConditionExpression"), body.get("KeyConditions")
    if text is None and key_conditions is None:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    given = text is not None or "FilterExpression" in body or "ProjectionExpression" in body
    binder = Binder(
        body.get("ExpressionAttributeNames"), body.get("ExpressionAttributeValues"), expressions_given=given
    )
    selection = prepare_selection(body, call, binder)
    if legacy:
        lower_legacy(body, selection, "QueryFilter")
    conditions = analyse_key_conditions(key_conditions) if text is None else analyse_key_condition(text, binder)
    binder.refuse_unused()
    return Query(selection, conditions, body.get("ScanIndexForward") is not False)


def read(view: View, request: Query, now: float) -> bytes:
    selection = request.selection
    span = open_range(view, selection)
    span.reverse = not request.forward
    table, index = span.table, span.index
    hash_attributes = table.hash_attributes if index is None else index.hash
    range_attributes = table.range_attributes if index is None else index.range
    match = match_key_schema(request.conditions, hash_attributes, range_attributes)
    _refuse_filtered_keys(selection, hash_attributes + range_attributes)
    if index is None:
        prefix = table.item_prefix + keys.partition_hash(table, keys.key_bytes(table.hash, match.hash[table.hash.name]))
    else:
        prefix = keys.index_partition(table, index, match.hash)
    for attribute, value in zip(range_attributes, match.range_equal, strict=False):
        raw = keys.key_bytes(attribute, value)
        prefix += raw if index is None else keys.terminated(raw)
    span.start, span.stop = prefix, after_prefix(prefix)
    if match.range_condition is not None:
        _bound(span, prefix, *match.range_condition)
    elif index is None and match.range_equal:
        span.stop = prefix + b"\0"
    if selection.exclusive_start_key is not None:
        start_behind(span, selection.exclusive_start_key, partition=match.hash)
    return render_page(span, read_page(view, span), selection.return_consumed_capacity)


def _bound(span: Range, prefix: bytes, attribute: KeyAttribute, operator: str, operands: tuple[Item, ...]) -> None:
    """Narrow a partition to a condition on its sort key."""
    first = keys.key_bytes(attribute, operands[0])
    if operator == "begins_with":
        span.start, span.stop = _beginning(span, prefix, first)
    elif operator == "BETWEEN":
        span.start = _at(span, prefix, first)
        span.stop = _behind(span, prefix, keys.key_bytes(attribute, operands[1]))
    elif operator == "<":
        span.stop = _at(span, prefix, first)
    elif operator == "<=":
        span.stop = _behind(span, prefix, first)
    elif operator == ">":
        span.start = _behind(span, prefix, first)
    else:
        span.start = _at(span, prefix, first)


def _at(span: Range, prefix: bytes, sort: bytes) -> bytes:
    """The first key with this sort key. An item's key ends with it, in an entry's key it is self-terminating."""
    return prefix + (sort if span.index is None else keys.terminated(sort))


def _behind(span: Range, prefix: bytes, sort: bytes) -> bytes:
    """The first possible key behind all keys with this sort key."""
    return prefix + sort + b"\0" if span.index is None else after_prefix(prefix + keys.terminated(sort))


def _beginning(span: Range, prefix: bytes, sort: bytes) -> tuple[bytes, bytes]:
    start = _at(span, prefix, sort)
    if not sort.rstrip(b"\xff"):
        return start, after_prefix(prefix)
    return start, _at(span, prefix, after_prefix(sort))


def _refuse_filtered_keys(selection: Selection, key_attributes: tuple[KeyAttribute, ...]) -> None:
    if selection.filter is None:
        return
    for attribute in key_attributes:
        if attribute.name in selection.filter.top_level_attributes:
            raise invalid(
                f"{selection.filter_name} can only contain non-primary key attributes: "
                f"Primary key attribute: {attribute.name}"
            )


OPERATION = Operation("Query", prepare=prepare, targets=table_or_index_targets("Query"), read=read)
