"""Query: the items of one partition, in order of the sort key, from a table or an index."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.dynamodb import keys
from tabletop.dynamodb.expressions import Binder, KeyCondition, analyse_key_condition, match_key_schema
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
    conditions: list[KeyCondition]
    forward: bool


def prepare(body: Body, call: Call) -> Query:
    legacy = uses_legacy("Query", body)
    text = body.get("KeyConditionExpression")
    if text is None and "KeyConditions" not in body:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    valued = text is not None or "FilterExpression" in body
    binder = Binder(
        body.get("ExpressionAttributeNames"),
        body.get("ExpressionAttributeValues"),
        expressions_given=valued or "ProjectionExpression" in body,
        missing="" if valued else "FilterExpression and KeyConditionExpression are null",
    )
    selection = prepare_selection(body, call, binder)
    if legacy:
        lower_legacy(body, selection, "QueryFilter")
    conditions = _key_conditions(body, binder)
    binder.refuse_unused()
    return Query(selection, conditions, body.get("ScanIndexForward") is not False)


def _key_conditions(body: Body, binder: Binder) -> list[KeyCondition]:
    text = body.get("KeyConditionExpression")
    return analyse_key_conditions(body["KeyConditions"]) if text is None else analyse_key_condition(text, binder)


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
    start_key = selection.exclusive_start_key
    if start_key is not None:
        if index is None and table.range is None:
            raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {_shown(start_key)}")
        start_behind(span, start_key, partition=match.hash)
    page = read_page(view, span)
    if index is None and table.range is None:
        # A partition of one item: there is nothing behind it, and AWS takes no start key here.
        page.last = None
    return render_page(span, page, selection.return_consumed_capacity)


def _shown(key: Item) -> str:
    shown = (
        f"{name}=AttributeValue: {{{kind}:{content}}}" for name, value in key.items() for kind, content in value.items()
    )
    return f"{{{', '.join(shown)}}}"


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
