"""Scalars that come as text: in query parameters, headers, paths and XML elements."""

from __future__ import annotations

import re
from typing import Any

from tabletop.wire import timestamps
from tabletop.wire.models import Shape

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,4})?|NaN|-?Infinity")
_BOOLEANS = {"true": True, "false": False}
_BITS = {"integer": 31, "long": 63}


def parse_scalar(shape: Shape, text: str, default_timestamp: str = "iso8601") -> Any:
    """ValueError where the text does not fit the shape's type. Blobs are the caller's: their form differs by place."""
    kind = shape.type_name
    if kind == "string":
        return text
    if kind in _BITS:
        if not _INTEGER.fullmatch(text) or not -(1 << _BITS[kind]) <= int(text) < 1 << _BITS[kind]:
            raise ValueError("not an integer of this size")
        return int(text)
    if kind == "boolean":
        boolean = _BOOLEANS.get(text.lower())
        if boolean is None:
            raise ValueError("not a boolean")
        return boolean
    if kind in ("float", "double"):
        if not _FLOAT.fullmatch(text):
            raise ValueError("not a number")
        return float(text)
    if kind == "timestamp":
        return timestamps.parse_text(text, shape.serialization.get("timestampFormat", default_timestamp))
    raise ValueError("not a scalar")
