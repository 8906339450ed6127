"""Scan: the items of a table or index in the order of their partitions' hashes, whole or one segment of it."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.dynamodb import keys
from tabletop.dynamodb.expressions import Binder
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_or_index_targets
from tabletop.dynamodb.read import Page, Range, read_page, render_page
from tabletop.dynamodb.selection import (
    Selection,
    lower_legacy,
    open_range,
    prepare_selection,
    selection_touch,
    start_behind,
)
from tabletop.dynamodb.touches import Touch
from tabletop.storage.store import View, after_prefix

_HASHES = 1 << 64
"""Segments divide the first eight bytes of the partition hash."""
ON_DEMAND_PARTITIONS = 4
"""Of a new on-demand table on AWS."""


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
    missing = "" if body.get("FilterExpression") is not None else "FilterExpression is null"
    binder = Binder(names, values, expressions_given=given, missing=missing)
    selection = prepare_selection(body, call, binder, operation="Scan")
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
    page = read_page(view, span)
    mode = selection.return_consumed_capacity
    if mode is None or mode == "NONE":
        return render_page(span, page, mode)
    return render_page(span, page, mode, partitions=_partitions_read(span, page, prefix))


def _partitions_read(span: Range, page: Page, prefix: bytes) -> int:
    """How many of a new on-demand table's four partitions the page reaches into; 1 for provisioned tables.

    AWS rounds up in each, so that a scan of one small item costs 2 units (observed; the four are in its guide).
    """
    if span.table.record["billing"]["mode"] != "PAY_PER_REQUEST":
        return 1
    if page.last is None:
        last = _hash_at(prefix, span.stop, _HASHES) - 1
    else:
        key = keys.item_key(span.table, page.last)
        if span.index is not None:
            key = keys.entry_key(span.table, span.index, page.last, key)
        last = _hash_at(prefix, key, 0)
    width = _HASHES // ON_DEMAND_PARTITIONS
    return last // width - _hash_at(prefix, span.start, 0) // width + 1


def _hash_at(prefix: bytes, key: bytes, otherwise: int) -> int:
    """The first eight bytes of the partition hash in a key of the table or index; ``otherwise`` where it has none."""
    if not key.startswith(prefix) or len(key) == len(prefix):
        return otherwise
    return int.from_bytes(key[len(prefix) : len(prefix) + 8], "big")


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


def touches(view: View, request: Scan) -> list[Touch]:
    return [selection_touch(request.selection, None, frozenset())]


OPERATION = Operation("Scan", prepare=prepare, targets=table_or_index_targets("Scan"), read=read, touches=touches)
