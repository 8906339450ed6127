"""The JSON of attribute values, and the words of AWS's parser for JSON of another type.

AWS reads a whole request before it validates any of it. Here values are read where they are used (``values``), so a
request that is refused for another reason is read to its end first: ``refuse_unreadable``.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from tabletop.base.errors import ApiError

READ_LEVELS_MAX = 64
"""Values nested deeper than items may be are refused anyway, with other words; this bounds the recursion."""

_JAVA_VALUE = "com.amazonaws.dynamodb.v20120810.AttributeValue"
_SCALARS = {"S": "String", "N": "String", "BOOL": "Boolean", "NULL": "Boolean"}
_SETS = {"SS": "S", "NS": "N", "BS": "B"}
_SPELLED = dict.fromkeys(("true", "t", "yes", "y", "1"), True) | dict.fromkeys(("false", "f", "no", "n", "0"), False)
_TOKENS = {int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}


def refuse_unreadable(value: object, level: int = 1) -> None:
    """Raise the SerializationException that an attribute value earns, if it earns one."""
    if type(value) is not dict:
        raise not_a_structure(value)
    if level > READ_LEVELS_MAX:
        return
    for kind, content in value.items():
        if content is None:
            continue
        if kind in _SCALARS:
            if _SCALARS[kind] == "Boolean":
                boolean(content)
            elif type(content) is not str:
                raise not_convertible(content, "String")
        elif kind == "B":
            canonical_base64(content)
        elif kind == "M":
            if type(content) is not dict:
                raise not_a_map(content)
            _read_all(list(content.values()), level)
        elif kind == "L" or kind in _SETS:
            if type(content) is not list:
                raise not_a_list(content)
            _read_all(content if kind == "L" else [{_SETS[kind]: element} for element in content], level)


def _read_all(members: list[object], level: int) -> None:
    for member in members:
        if member is not None:
            refuse_unreadable(member, level + 1)


def canonical_base64(text: object) -> str:
    if type(text) is not str:
        raise not_convertible(text, "Blob")
    if len(text) % 4:
        raise unreadable(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return b2a_base64(a2b_base64(text, strict_mode=True), newline=False).decode()
    except (Base64Error, ValueError):
        raise unreadable("Invalid Base64 content") from None


def boolean(content: object) -> bool:
    """What BOOL and NULL hold: a JSON boolean, or a word that AWS takes for one, in any case (recorded in 2026)."""
    if type(content) is bool:
        return content
    spelled = _SPELLED.get(content.lower()) if type(content) is str else None
    if spelled is None:
        raise not_convertible(content, "Boolean")
    return spelled


def not_convertible(content: object, wanted: str) -> ApiError:
    """A JSON value of another type where a string, Boolean or blob belongs."""
    if isinstance(content, dict):
        return unreadable("Start of structure or map found where not expected")
    if isinstance(content, list):
        java = "java.nio.ByteBuffer" if wanted == "Blob" else f"java.lang.{wanted}"
        return unreadable(f"Unrecognized collection type class {java}")
    if wanted == "Blob":
        return unreadable("only base-64-encoded strings are convertible to bytes")
    if wanted == "Boolean" and isinstance(content, str):
        return unreadable("Unexpected token received from parser")
    token = (
        ("TRUE_VALUE" if content else "FALSE_VALUE")
        if isinstance(content, bool)
        else _TOKENS.get(type(content), "NULL")
    )
    if isinstance(content, float) and not content.is_integer():
        token = "DECIMAL_VALUE"
    return unreadable(f"{token} cannot be converted to {wanted}")


def not_a_list(content: object) -> ApiError:
    if isinstance(content, dict):
        return unreadable("Start of structure or map found where not expected")
    return unreadable("Unexpected field type")


def not_a_map(content: object) -> ApiError:
    """Of attribute values: an item, a key, or what M holds."""
    if isinstance(content, list):
        return unreadable(f"Unrecognized collection type java.util.Map<java.lang.String, {_JAVA_VALUE}>")
    return unreadable("Unexpected field type")


def not_a_structure(content: object) -> ApiError:
    """Not an attribute value."""
    if isinstance(content, list):
        return unreadable(f"Unrecognized collection type class {_JAVA_VALUE}")
    return unreadable("Unexpected value type in payload")


def unreadable(message: str) -> ApiError:
    return ApiError("SerializationException", message)
