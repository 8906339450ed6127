"""Scan: the items of a table or index in the order of their partitions' hashes, whole or one segment of it."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.dynamodb.expressions import Binder
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_or_index_targets
from tabletop.dynamodb.read import Range, read_page, render_page
from tabletop.dynamodb.selection import Selection, lower_legacy, open_range, prepare_selection, start_behind
from tabletop.storage.store import View, after_prefix

_HASHES = 1 << 64
"""Segments divide the first eight bytes of the partition hash."""


@dataclass(slots=True)
class Scan:
    selection: Selection
    segment: int
    segments: int


def prepare(body: Body, call: Call) -> Scan:
    legacy = uses_legacy("Scan", body)
    segment, segments = body.get("Segment"), body.get("TotalSegments")
    if segment is not None and segments is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
        )
    if segments is not None and segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
        )
    if segment is not None and segment >= segments:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    names, values = body.get("ExpressionAttributeNames"), body.get("ExpressionAttributeValues")
    given = body.get("FilterExpression") is not None or body.get("ProjectionExpression") is not None
    binder = Binder(names, values, expressions_given=given)
    selection = prepare_selection(body, call, binder)
    binder.refuse_unused()
    if legacy:
        lower_legacy(body, selection, "ScanFilter")
    return Scan(selection, segment or 0, segments or 1)


def read(view: View, request: Scan, now: float) -> bytes:
    selection = request.selection
    span = open_range(view, selection)
    prefix = span.start
    span.start = prefix + _boundary(request.segment, request.segments)
    if request.segment + 1 == request.segments:
        span.stop = after_prefix(prefix)
    else:
        span.stop = prefix + _boundary(request.segment + 1, request.segments)
    if selection.exclusive_start_key is not None:
        _continue(span, request, selection.exclusive_start_key)
    return render_page(span, read_page(view, span), selection.return_consumed_capacity)


def _continue(span: Range, request: Scan, start_key: Item) -> None:
    start, stop = span.start, span.stop
    start_behind(span, start_key)
    if request.segments > 1 and not start < span.start <= stop:
        raise invalid(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
            f"Segment. TotalSegments: {request.segments} Segment: {request.segment}"
        )


def _boundary(segment: int, segments: int) -> bytes:
    return (segment * _HASHES // segments).to_bytes(8, "big")


OPERATION = Operation("Scan", prepare=prepare, targets=table_or_index_targets("Scan"), read=read)
