"""Values of fields: how they compare, what number they stand for, and how results show them.

Missing is None. Truth values are 1 and 0, moments are milliseconds. Texts that look like numbers are numbers to whatever wants
one, as in AWS's examples. How floats are shown is inferred.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from tabletop.base.errors import ApiError

Value = Any
Row = dict[str, Value]

_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_NUMBER_CHARACTERS_MAX = 64
MOMENT_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class QueryFailed(Exception):
    """The query cannot go on: its status becomes Failed, and the server's log tells why."""


class Moment(int):
    """Milliseconds since the epoch, shown as a date and time."""

    def __str__(self) -> str:
        if not 0 <= self <= MOMENT_MAX:
            return int.__repr__(self)
        seconds, milliseconds = divmod(int(self), 1000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds:03d}"


def number_of(value: Value) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) <= _NUMBER_CHARACTERS_MAX and _NUMBER.fullmatch(value):
        bare = value.strip()
        number = float(bare)
        return int(bare) if bare.lstrip("+-").isdecimal() else number if math.isfinite(number) else None
    return None


def text_of(value: Value) -> str:
    """As results show it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(round(value, 10))
    return "" if value is None else str(value)


def truth_of(value: Value) -> bool:
    number = number_of(value)
    return bool(value) if number is None else number != 0


def equal(one: Value, other: Value) -> bool:
    """Missing equals nothing. ``true`` in an event equals the text as well as 1."""
    if one is None or other is None:
        return False
    for value, against in ((one, other), (other, one)):
        if isinstance(value, bool) and isinstance(against, str) and against in ("true", "false"):
            return value is (against == "true")
    left, right = number_of(one), number_of(other)
    if left is not None and right is not None:
        return left == right
    return text_of(one) == text_of(other)


def before(one: Value, other: Value) -> bool | None:
    """Does ``one`` come before ``other``? None where one of them is missing: then no comparison holds."""
    if one is None or other is None:
        return None
    left, right = number_of(one), number_of(other)
    if left is not None and right is not None:
        return left < right
    return text_of(one) < text_of(other)


def rank(value: Value) -> tuple[int, float, str]:
    """The place of a value in a sorted order: numbers, then texts, then what is missing (inferred)."""
    number = number_of(value)
    if number is not None:
        return 0, float(number), ""
    return (2, 0.0, "") if value is None else (1, 0.0, text_of(value))


def bounded(text: str) -> str:
    """Raises QueryFailed for a text that has grown beyond any event."""
    if len(text) > 4_194_304:
        raise QueryFailed("a text of the query is too large")
    return text


def bad_value(reason: str) -> ApiError:
    return ApiError("InvalidParameterException", reason)
