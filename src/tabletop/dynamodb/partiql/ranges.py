"""Several conditions on one sort key: the span that all of them allow."""

from __future__ import annotations

from tabletop.dynamodb import key_spans
from tabletop.dynamodb.expressions import KeyCondition, match_key_schema
from tabletop.dynamodb.key_spans import Span
from tabletop.dynamodb.schema import Index, Table


def partition_span(table: Table, index: Index | None, equal: list[KeyCondition], sort: list[KeyCondition]) -> Span:
    """The span of one partition that all conditions on the sort key allow.

    Raises ValidationException for a value of another type than its key attribute's.
    """
    hash_attributes = table.hash_attributes if index is None else index.hash
    range_attributes = table.range_attributes if index is None else index.range
    others = [condition for condition in sort if condition.operator != "="]
    fixed = [*equal, *(condition for condition in sort if condition.operator == "=")]
    spans = [
        key_spans.partition_span(table, index, match_key_schema([*fixed, *more], hash_attributes, range_attributes))
        for more in ([[condition] for condition in others] or [[]])
    ]
    start = max(span[0] for span in spans)
    return start, max(start, min(span[1] for span in spans))
