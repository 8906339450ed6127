"""From conditions on keys to the span of store keys that holds what they allow: for Query and PartiQL alike."""

from __future__ import annotations

from tabletop.dynamodb import keys
from tabletop.dynamodb.expressions import KeyMatch
from tabletop.dynamodb.schema import Index, Table
from tabletop.storage.store import after_prefix

Span = tuple[bytes, bytes]
"""Keys in [start, stop)."""


def partition_span(table: Table, index: Index | None, match: KeyMatch) -> Span:
    """The span of the keys, of the table or of one of its indexes, that the conditions allow."""
    if index is None:
        prefix = table.item_prefix + keys.partition_hash(table, keys.key_bytes(table.hash, match.hash[table.hash.name]))
    else:
        prefix = keys.index_partition(table, index, match.hash)
    range_attributes = table.range_attributes if index is None else index.range
    for attribute, value in zip(range_attributes, match.range_equal, strict=False):
        raw = keys.key_bytes(attribute, value)
        prefix += raw if index is None else keys.terminated(raw)
    if match.range_condition is not None:
        attribute, operator, operands = match.range_condition
        return _bounded(prefix, operator, [keys.key_bytes(attribute, operand) for operand in operands], index)
    if index is None and len(match.range_equal) == len(range_attributes):
        return prefix, prefix + b"\0"
    return prefix, after_prefix(prefix)


def _bounded(prefix: bytes, operator: str, operands: list[bytes], index: Index | None) -> Span:
    start, stop = prefix, after_prefix(prefix)
    first = operands[0]
    if operator == "begins_with":
        start = _at(prefix, first, index)
        if first.rstrip(b"\xff"):
            stop = _at(prefix, after_prefix(first), index)
    if operator in (">=", "BETWEEN"):
        start = _at(prefix, first, index)
    if operator in ("<=", "BETWEEN"):
        stop = _behind(prefix, operands[-1], index)
    if operator == "<":
        stop = _at(prefix, first, index)
    if operator == ">":
        start = _behind(prefix, first, index)
    return start, stop


def _at(prefix: bytes, sort: bytes, index: Index | None) -> bytes:
    """The first key with this sort key. An item's key ends with it, in an entry's key it is self-terminating."""
    return prefix + (sort if index is None else keys.terminated(sort))


def _behind(prefix: bytes, sort: bytes, index: Index | None) -> bytes:
    """The first possible key behind all keys with this sort key."""
    return prefix + sort + b"\0" if index is None else after_prefix(prefix + keys.terminated(sort))
