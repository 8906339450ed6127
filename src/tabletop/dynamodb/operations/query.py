"""Query: the items of one partition, in order of the sort key, from a table or an index."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.dynamodb.expressions import Binder, KeyCondition, analyse_key_condition, match_key_schema
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.key_spans import partition_span
from tabletop.dynamodb.legacy import analyse_key_conditions, uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_or_index_targets
from tabletop.dynamodb.read import read_page, render_page
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.selection import (
    Selection,
    lower_legacy,
    open_range,
    prepare_selection,
    selection_touch,
    start_behind,
)
from tabletop.dynamodb.touches import Touch, hash_attributes_of, text_of
from tabletop.storage.store import View


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
    selection = prepare_selection(body, call, binder, operation="Query")
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
    span.start, span.stop = partition_span(table, index, match)
    start_key = selection.exclusive_start_key
    if start_key is not None:
        start_behind(span, start_key, match=match)
    page = read_page(view, span)
    if index is None and table.range is None:
        # A partition of one item has nothing behind it, and takes no start key.
        page.last = None
    return render_page(span, page, selection.return_consumed_capacity)


def _refuse_filtered_keys(selection: Selection, key_attributes: tuple[KeyAttribute, ...]) -> None:
    if selection.filter is None:
        return
    for attribute in key_attributes:
        if attribute.name in selection.filter.top_level_attributes:
            raise invalid(
                f"{selection.filter_name} can only contain non-primary key attributes: "
                f"Primary key attribute: {attribute.name}"
            )


def touches(view: View, request: Query) -> list[Touch]:
    selection = request.selection
    equal = {one.attribute: one.operands[0] for one in request.conditions if one.operator == "="}
    attributes = hash_attributes_of(view, selection.call, selection.table, selection.index)
    partitions = None
    if attributes is not None and all(attribute.name in equal for attribute in attributes):
        partitions = [[text_of(equal[attribute.name])] for attribute in attributes]
    return [selection_touch(selection, partitions, frozenset(one.attribute for one in request.conditions))]


OPERATION = Operation("Query", prepare=prepare, targets=table_or_index_targets("Query"), read=read, touches=touches)
