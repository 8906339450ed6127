"""One page of a SELECT over its ranges, and the NextToken that continues it.

A token holds a digest of the statement and its parameters, the range that the page ended in, and the key it ended with;
it is base64 of JSON, and opaque to callers. A page that ends between two partitions has no key to show as
LastEvaluatedKey: there the token alone continues it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes
from tabletop.dynamodb.capacity import consumed
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.read import PAGE_BYTES_MAX, Range, last_evaluated_key, read_page
from tabletop.dynamodb.selection import start_behind
from tabletop.storage.store import View


@dataclass(slots=True)
class Position:
    """Where a page ended: the range's number, and the key of its last item (None: at the range's begin)."""

    digest: str
    range: int = 0
    key: Item | None = None

    def token(self) -> str:
        return base64.b64encode(orjson.dumps([self.digest, self.range, self.key])).decode()


@dataclass(slots=True)
class Page:
    rows: list[bytes] = field(default_factory=list)
    next: Position | None = None
    units: float = 0.0
    fetched_units: float = 0.0


def digest_of(text: str, parameters: Any) -> str:
    return hashlib.blake2b(orjson.dumps([text, parameters]), digest_size=12).hexdigest()


def position_of(token: str | None, digest: str) -> Position:
    """Raises ValidationException for what is no token, or one of another statement."""
    if token is None:
        return Position(digest)
    try:
        given, number, key = orjson.loads(base64.b64decode(token, validate=True))
    except (ValueError, TypeError):
        raise refused(errors.TOKEN_UNREADABLE) from None
    if type(given) is not str or type(number) is not int or number < 0 or not isinstance(key, dict | None):
        raise refused(errors.TOKEN_UNREADABLE)
    if given != digest:
        raise refused(errors.TOKEN_MISMATCH)
    return Position(given, number, key)


def read_ranges(view: View, ranges: list[Range], position: Position, limit: int | None) -> Page:
    """Read on from the position until the limit, 1 MB, or the end of the last range."""
    page = Page()
    left, read_bytes = limit, 0
    if position.range >= len(ranges):
        raise refused(errors.TOKEN_UNREADABLE)
    for number in range(position.range, len(ranges)):
        span = ranges[number]
        if number == position.range and position.key is not None:
            _continue(span, position.key)
        if read_bytes >= PAGE_BYTES_MAX:
            page.next = Position(position.digest, number)
            break
        span.limit = left
        read = read_page(view, span)
        page.rows += read.rows
        page.units += sizes.read_units(read.read_bytes, consistent=span.consistent)
        page.fetched_units += read.fetched_units
        read_bytes += read.read_bytes
        if read.last is not None:
            page.next = Position(position.digest, number, last_evaluated_key(span, read.last))
            break
        if left is not None:
            left -= read.scanned_count
    return page


def _continue(span: Range, key: Item) -> None:
    try:
        start_behind(span, key)
    except (ApiError, KeyError, TypeError, ValueError, AttributeError):
        # A token that somebody edited; ours always fits.
        raise refused(errors.TOKEN_UNREADABLE) from None


def render(ranges: list[Range], page: Page, return_consumed_capacity: str | None) -> bytes:
    """The JSON answer of ExecuteStatement."""
    parts = [b'"Items":[' + b",".join(page.rows) + b"]"]
    if page.next is not None:
        parts.append(b'"NextToken":' + orjson.dumps(page.next.token()))
        if page.next.key is not None:
            parts.append(b'"LastEvaluatedKey":' + orjson.dumps(page.next.key))
    table, index = ranges[0].table, ranges[0].index
    if index is None:
        rendered = consumed(return_consumed_capacity, table, page.units)
    else:
        rendered = consumed(return_consumed_capacity, table, page.fetched_units, [(index, page.units)])
    if rendered is not None:
        parts.append(b'"ConsumedCapacity":' + orjson.dumps(rendered))
    return b"{" + b",".join(parts) + b"}"
