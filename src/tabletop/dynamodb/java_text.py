"""Values as AWS's Java classes print themselves: its constraint errors show them so."""

from __future__ import annotations

from typing import Any

Shapes = dict[str, dict[str, Any]]
"""Of a service model."""

JAVA_PACKAGE = "com.amazonaws.dynamodb.v20120810"
OPAQUE = frozenset({"AttributeValue"})
"""Shapes that the data path checks and converts itself (``values``)."""

_FIELDS = (
    *("s", "n", "b", "iNT", "dECIMAL", "dOUBLE", "sS", "nS", "bS", "iNTSET", "dECIMALSET", "dOUBLESET"),
    *("m", "l", "nULL", "bOOL"),
)
"""Of AWS's class for attribute values (recorded in three regions in October 2026)."""


def java_text(shapes: Shapes, name: str, value: Any) -> str:
    """The value as AWS's Java classes print themselves."""
    shape = shapes[name]
    kind = shape["type"]
    if value is None:
        return "null"
    if name in OPAQUE:
        return _java_value(value)
    if kind == "structure":
        inner = (f"{lower_first(m)}={java_text(shapes, r['shape'], value.get(m))}" for m, r in shape["members"].items())
        return f"{name}({', '.join(inner)})"
    if kind == "list":
        return f"[{', '.join(java_text(shapes, shape['member']['shape'], one) for one in value)}]"
    if kind == "map":
        inner = (f"{key}={java_text(shapes, shape['value']['shape'], one)}" for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)


def _java_value(value: dict[str, Any] | None) -> str:
    if value is None:
        return "null"
    held = {lower_first(kind): _java_content(kind, content) for kind, content in value.items()}
    fields = ", ".join(f"{field}={held.get(field, 'null')}" for field in _FIELDS)
    return f"AttributeValue({fields})"


def _java_content(kind: str, content: Any) -> str:
    if content is None:
        return "null"
    if kind == "B":
        size_bytes = len(content) * 3 // 4 - content.count("=")
        return f"java.nio.HeapByteBuffer[pos=0 lim={size_bytes} cap={size_bytes}]"
    if kind == "M":
        members = ", ".join(f"{name}={_java_value(one)}" for name, one in content.items())
        return f"{{{members}}}"
    if kind == "L":
        return f"[{', '.join(map(_java_value, content))}]"
    if kind in ("SS", "NS", "BS"):
        return f"[{', '.join(_java_content(kind[0], one) for one in content)}]"
    return str(content).lower() if isinstance(content, bool) else str(content)


def lower_first(member: str) -> str:
    return member[:1].lower() + member[1:]
