"""Values as AWS's Java classes print themselves: its constraint errors show them so."""

from __future__ import annotations

from collections.abc import Collection
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

_UNPUBLISHED = "workloadProfileName=null"
_WITH_UNPUBLISHED = frozenset(
    {"ConditionCheck", "Delete", "DeleteRequest", "Get", "Put", "PutRequest", "Update"}
)  # fmt: skip
"""AWS's classes that print a member after all others which no service model has (recorded in October 2026)."""


def java_text(shapes: Shapes, name: str, value: Any) -> str:
    """The value as AWS's Java classes print themselves."""
    shape = shapes[name]
    kind = shape["type"]
    if value is None:
        return "null"
    if name in OPAQUE:
        return _java_value(value)
    if kind == "structure":
        inner = [f"{lower_first(m)}={java_text(shapes, r['shape'], value.get(m))}" for m, r in shape["members"].items()]
        if name in _WITH_UNPUBLISHED:
            inner.append(_UNPUBLISHED)
        return f"{name}({', '.join(inner)})"
    if kind == "list":
        return f"[{', '.join(java_text(shapes, shape['member']['shape'], one) for one in value)}]"
    if kind == "map":
        inner = [f"{key}={java_text(shapes, shape['value']['shape'], value[key])}" for key in hash_order(value)]
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
        members = ", ".join(f"{name}={_java_value(content[name])}" for name in hash_order(content))
        return f"{{{members}}}"
    if kind == "L":
        return f"[{', '.join(map(_java_value, content))}]"
    if kind in ("SS", "NS", "BS"):
        return f"[{', '.join(_java_content(kind[0], one) for one in content)}]"
    return str(content).lower() if isinstance(content, bool) else str(content)


def hash_order(names: Collection[str]) -> list[str]:
    """The order in which a Java HashMap that is made for so many names shows them (recorded: AWS's maps are).

    It has a power of two of buckets, at least one for each name, and doubles them once it is more than three quarters full. Names
    of one bucket stay in their order.
    """
    buckets = 1
    while buckets < len(names) or len(names) * 4 > buckets * 3:
        buckets *= 2
    return sorted(names, key=lambda name: _spread_hash(name) & (buckets - 1))


def _spread_hash(text: str) -> int:
    """What a HashMap makes of the hash code of a String: 31 times it and the next UTF-16 unit, in 32 bits."""
    code = 0
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        code = (code * 31 + low + high * 256) & 0xFFFFFFFF
    return code ^ code >> 16


def lower_first(member: str) -> str:
    return member[:1].lower() + member[1:]
