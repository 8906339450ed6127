"""The exact check: what is wrong with a request, in AWS's words. Run only for requests that the quick check doubts.

Two passes over the service model. ``fitted`` is the deserialiser's: every value must have the JSON type of its shape,
or the request ends with a SerializationException. ``violations`` then lists the constraints that are not met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraint_words as words
from tabletop.dynamodb.java_text import JAVA_PACKAGE, OPAQUE, Shapes, java_text, lower_first
from tabletop.dynamodb.value_types import refuse_unreadable
from tabletop.wire.patterns import translate

_JAVA_SCALARS = {"string": "String", "boolean": "Boolean", "integer": "Integer", "long": "Long"} | {
    "double": "Double",
    "float": "Float",
    "timestamp": "Date",
}
INTEGER_BOUNDS = {"integer": 1 << 31, "long": 1 << 63}
_NO_CAST = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
    "loader 'bootstrap')"
)
_TRUE = frozenset({"TRUE", "1", "YES"})
_FALSE = frozenset({"FALSE", "0", "NO"})


def serialization_error(message: str | None) -> ApiError:
    return ApiError("SerializationException", message)


def fitted(shapes: Shapes, name: str, value: Any, *, inside: str = "") -> Any:
    """The value in its shape's type: null members dropped, numbers and booleans converted as AWS converts them.

    ``inside``: "list" or "map" when the value is an element of one, which has words of its own. Structures are edited
    in place. Raises SerializationException.
    """
    shape = shapes[name]
    kind = shape["type"]
    if name in OPAQUE:
        refuse_unreadable(value)
        return value
    if kind == "structure":
        return _fitted_structure(shapes, name, value, inside)
    if kind == "list":
        return _fitted_list(shapes, shape, value, inside)
    if kind == "map":
        return _fitted_map(shapes, name, value, inside)
    if kind == "blob":
        return _fitted_blob(value)
    return _fitted_scalar(kind, value)


def _fitted_structure(shapes: Shapes, name: str, value: Any, inside: str) -> Any:
    if isinstance(value, list):
        raise serialization_error(f"Unrecognized collection type class {JAVA_PACKAGE}.{name}")
    if not isinstance(value, dict):
        raise serialization_error("Unexpected value type in payload" if inside else "Unexpected field type")
    for member, reference in shapes[name]["members"].items():
        if member in value:
            if value[member] is None:
                del value[member]
            else:
                value[member] = fitted(shapes, reference["shape"], value[member])
    return value


def _fitted_list(shapes: Shapes, shape: dict[str, Any], value: Any, inside: str) -> Any:
    if isinstance(value, dict):
        raise serialization_error("Start of structure or map found where not expected")
    if not isinstance(value, list):
        raise serialization_error(_NO_CAST if inside == "map" else "Unexpected field type")
    element = shape["member"]["shape"]
    return [None if one is None else fitted(shapes, element, one, inside="list") for one in value]


def _fitted_map(shapes: Shapes, name: str, value: Any, inside: str) -> Any:
    element = shapes[name]["value"]["shape"]
    if isinstance(value, list):
        raise serialization_error(f"Unrecognized collection type {_java_type(shapes, name)}")
    if not isinstance(value, dict):
        raise serialization_error(_NO_CAST if inside else "Unexpected field type")
    return {key: None if one is None else fitted(shapes, element, one, inside="map") for key, one in value.items()}


def _fitted_blob(value: Any) -> Any:
    if isinstance(value, list):
        raise serialization_error("Unrecognized collection type class java.nio.ByteBuffer")
    if isinstance(value, dict):
        raise serialization_error("Start of structure or map found where not expected")
    if not isinstance(value, str):
        raise serialization_error("only base-64-encoded strings are convertible to bytes")
    return value


def _fitted_scalar(kind: str, value: Any) -> Any:
    java = _JAVA_SCALARS[kind]
    if isinstance(value, list):
        raise serialization_error(f"Unrecognized collection type class java.lang.{java}")
    if isinstance(value, dict):
        raise serialization_error("Start of structure or map found where not expected")
    if kind == "string":
        if isinstance(value, str):
            return value
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            upper = value.upper()
            if upper in _TRUE or upper in _FALSE:
                return upper in _TRUE
            raise serialization_error("Unexpected token received from parser")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        bound = INTEGER_BOUNDS.get(kind)
        if bound is None:
            return value
        if -bound <= value < bound:
            return math.floor(value)
    raise serialization_error(f"{_token(value)} cannot be converted to {java}")


def _token(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "NUMBER_VALUE" if isinstance(value, int) else "DECIMAL_VALUE"


def _java_type(shapes: Shapes, name: str) -> str:
    shape = shapes[name]
    kind = shape["type"]
    if kind == "map":
        return f"java.util.Map<java.lang.String, {_java_type(shapes, shape['value']['shape'])}>"
    if kind == "list":
        return f"java.util.List<{_java_type(shapes, shape['member']['shape'])}>"
    if kind == "structure":
        return f"{JAVA_PACKAGE}.{name}"
    return "java.nio.ByteBuffer" if kind == "blob" else f"java.lang.{_JAVA_SCALARS[kind]}"


def violations(shapes: Shapes, name: str, value: Any, path: str = "", *, length_told: bool = False) -> Iterator[str]:
    """Every constraint that a fitted value does not meet, in AWS's order. ``path`` is where the value stands.

    ``length_told``: the length of a list inside a map is reported with the map.
    """
    shape = shapes[name]
    kind = shape["type"]
    if name in OPAQUE:
        return
    if kind == "structure":
        yield from _structure_violations(shapes, name, value, path)
    elif kind == "list":
        if not length_told:
            yield from _length_violations(shapes, name, value, path)
        for position, one in enumerate(value, 1):
            yield from _element_violations(shapes, shape["member"]["shape"], one, f"{path}.{position}.member")
    elif kind == "map":
        yield from _length_violations(shapes, name, value, path)
        yield from _map_violations(shapes, name, value, path)
        for key, one in value.items():
            yield from _element_violations(
                shapes, shape["value"]["shape"], one, f"{path}.{key}.member", length_told=True
            )
    elif kind == "string":
        yield from _string_violations(shapes, name, value, path)
    elif kind in ("integer", "long", "double", "float"):
        if "min" in shape and value < shape["min"]:
            yield _failed(value, path, f"Member must have value greater than or equal to {shape['min']}")
        if "max" in shape and value > shape["max"]:
            yield _failed(value, path, f"Member must have value less than or equal to {shape['max']}")


def _element_violations(shapes: Shapes, name: str, one: Any, path: str, *, length_told: bool = False) -> Iterator[str]:
    """Of an element of a list or map; a null one is refused as a missing member is (inferred)."""
    if one is None and name not in OPAQUE:
        yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
    elif one is not None:
        yield from violations(shapes, name, one, path, length_told=length_told)


def ordered_members(shapes: Shapes, name: str) -> tuple[str, ...]:
    """The members of a structure in the order in which AWS reports what is wrong with them."""
    first = words.MEMBER_ORDER.get(name, ())
    return first + tuple(member for member in shapes[name]["members"] if member not in first)


def required_members(shapes: Shapes, name: str) -> frozenset[str]:
    required = set(shapes[name].get("required", ())) | set(words.ALSO_REQUIRED.get(name, ()))
    return frozenset(required - words.CHECKED_BY_OPERATION.get(name, frozenset()))


def _structure_violations(shapes: Shapes, name: str, value: dict[str, Any], path: str) -> Iterator[str]:
    for texts in violations_of_members(shapes, name, value, path).values():
        yield from texts


def violations_of_members(shapes: Shapes, name: str, value: dict[str, Any], path: str = "") -> dict[str, list[str]]:
    """Of a structure, what is wrong with each of its members, in AWS's order; without those that are right."""
    members = shapes[name]["members"]
    required = required_members(shapes, name)
    passed_over = words.CHECKED_BY_OPERATION.get(name, frozenset())
    found: dict[str, list[str]] = {}
    for member in ordered_members(shapes, name):
        if member in passed_over:
            continue
        inner = f"{path}.{lower_first(member)}" if path else lower_first(member)
        one = value.get(member)
        reference = members[member]["shape"]
        if one is None:
            texts = []
            if member in required:
                texts = [f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"]
        elif reference == "TableArn" and member == "TableName":
            texts = list(_table_name_violations(one, inner))
        else:
            texts = list(violations(shapes, reference, one, inner))
        if texts:
            found[member] = texts
    return found


def _table_name_violations(value: str, path: str) -> Iterator[str]:
    if value.startswith("arn:"):
        if len(value) > words.TABLE_ARN_CHARACTERS_MAX:
            yield _failed(
                value, path, f"Member must have length less than or equal to {words.TABLE_ARN_CHARACTERS_MAX}"
            )
        return
    if len(value) < words.TABLE_NAME_CHARACTERS_MIN:
        least = words.TABLE_NAME_CHARACTERS_MIN
        yield _failed(value, path, f"Member must have length greater than or equal to {least}")
    if len(value) > words.TABLE_NAME_CHARACTERS_MAX:
        yield _failed(value, path, f"Member must have length less than or equal to {words.TABLE_NAME_CHARACTERS_MAX}")
    if not fits_pattern(words.TABLE_NAME_PATTERN, value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {words.TABLE_NAME_PATTERN}")


def _string_violations(shapes: Shapes, name: str, value: str, path: str) -> Iterator[str]:
    shape = shapes[name]
    if "enum" in shape:
        if value not in shape["enum"]:
            yield _failed(value, path, _enum_constraint(shapes, name))
        return
    if "pattern" in shape and not fits_pattern(shape["pattern"], value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {shape['pattern']}")
    yield from _length_violations(shapes, name, value, path)


def fits_pattern(pattern: str, value: str) -> bool:
    """Whether the whole value fits a pattern of the model, which is Java's; one without translation fits all."""
    compiled = translate(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _length_violations(shapes: Shapes, name: str, value: Any, path: str) -> Iterator[str]:
    if not value and name in words.EMPTY_LATER:
        return
    for constraint in _length_constraints(shapes[name], len(value)):
        yield _failed(java_text(shapes, name, value), path, constraint)


def _length_constraints(shape: dict[str, Any], length: int) -> Iterator[str]:
    if "min" in shape and length < shape["min"]:
        yield f"Member must have length greater than or equal to {shape['min']}"
    if "max" in shape and length > shape["max"]:
        yield f"Member must have length less than or equal to {shape['max']}"


def _map_violations(shapes: Shapes, name: str, value: dict[str, Any], path: str) -> Iterator[str]:
    """Keys and list values of a map have one message for all of their constraints together."""
    keys = shapes[shapes[name]["key"]["shape"]]
    if name in words.TABLES_BY_NAME:
        keys = words.TABLE_NAME_SHAPE
    values = shapes[shapes[name]["value"]["shape"]]
    bounds = [
        f"Member must have length {word} than or equal to {limit['max' if word == 'less' else 'min']}"
        for limit, word in ((keys, "less"), (keys, "greater"))
        if ("max" if word == "less" else "min") in limit
    ]
    pattern = [f"Member must satisfy regular expression pattern: {keys['pattern']}"] if "pattern" in keys else []
    for key in value:
        if name in words.TABLES_BY_NAME and key.startswith("arn:"):
            continue
        bad = any(True for _ in _length_constraints(keys, len(key)))
        if bad or ("pattern" in keys and not fits_pattern(keys["pattern"], key)):
            listed = ", ".join(bounds + pattern)
            shown = orjson.dumps(value).decode() if name in words.SHOWN_AS_JSON else java_text(shapes, name, value)
            yield _failed(shown, path, f"Map keys must satisfy constraint: [{listed}]")
            break
    if values["type"] == "list":
        listed = ", ".join(
            f"Member must have length {word} than or equal to {values[limit]}"
            for limit, word in (("max", "less"), ("min", "greater"))
            if limit in values
        )
        for one in value.values():
            if one is not None and any(True for _ in _length_constraints(values, len(one))):
                yield _failed(java_text(shapes, name, value), path, f"Map value must satisfy constraint: [{listed}]")


def _enum_constraint(shapes: Shapes, name: str) -> str:
    allowed = words.ENUM_ORDER.get(name) or shapes[name]["enum"]
    return f"Member must satisfy enum value set: [{', '.join(allowed)}]"


def _failed(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
