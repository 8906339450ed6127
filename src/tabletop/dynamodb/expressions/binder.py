"""The names and values of one request, bound to all of its expressions."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes
from tabletop.dynamodb import values as attribute_values
from tabletop.dynamodb.expressions.errors import invalid, refused
from tabletop.dynamodb.expressions.tree import Literal, NameReference, Path, ValueReference

Value = dict[str, Any]
Item = dict[str, Value]
Steps = tuple[str | int, ...]
"""A path with its names bound: attribute names and list indexes."""

KEY_BYTES_MAX = 255
"""Of one #name or :value, its sign included."""
VARIABLES_BYTES_MAX = 2 * 1024 * 1024
"""Of all names and values that one request gives its expressions."""

_NAME_KEY = re.compile(r"#[A-Za-z0-9_]{1,254}")
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]{1,254}")


class Binder:
    """Gives #names and :values their meaning, and knows which of them the expressions used.

    The values are made canonical here, in place. Raises ValidationException (SerializationException for a value of the
    wrong JSON type) for what is wrong with either map, also where no expression is given that could use them.
    """

    __slots__ = ("_names", "_unused_names", "_unused_values", "_values")

    def __init__(
        self,
        names: dict[str, Any] | None,
        values: dict[str, Any] | None,
        *,
        expressions_given: bool = True,
        missing: str = "",
    ) -> None:
        """``missing``: where no expression is given that can hold values, which are not ("FilterExpression is null")."""
        self._names = names
        self._values = values
        if names is not None:
            _check_names(names, expressions_given)
        if values is not None:
            _check_values(values, missing)
        self._unused_names = set(names or ())
        self._unused_values = set(values or ())

    def steps(self, kind: str, path: Path) -> Steps:
        """The path with its names bound. Raises for a name that the request does not define."""
        elements = path.elements
        if len(elements) == 1 and type(elements[0]) is str:
            return elements  # type: ignore[return-value]
        return tuple([self._name(kind, step) if type(step) is NameReference else step for step in elements])  # type: ignore[misc]

    def value(self, kind: str, reference: ValueReference | Literal) -> Value:
        """The canonical value, shared: not to be edited. Raises for a value that the request does not define."""
        if type(reference) is Literal:
            return reference.value
        text: str = reference.text  # type: ignore[union-attr]
        value: Value | None = None if self._values is None else self._values.get(text)
        if value is None:
            message = f"An expression attribute value used in expression is not defined; attribute value: {text}"
            raise invalid(kind, message)
        self._unused_values.discard(text)
        return value

    def refuse_unused(self) -> None:
        """To be called when all expressions are compiled: every name and value must have been used."""
        if self._unused_names:
            raise _unused("ExpressionAttributeNames", self._names, self._unused_names)
        if self._unused_values:
            raise _unused("ExpressionAttributeValues", self._values, self._unused_values)

    def _name(self, kind: str, reference: NameReference) -> str:
        text = reference.text
        name: str | None = None if self._names is None else self._names.get(text)
        if name is None:
            message = f"An expression attribute name used in the document path is not defined; attribute name: {text}"
            raise invalid(kind, message)
        self._unused_names.discard(text)
        return name


def _unused(parameter: str, given: dict[str, Any] | None, unused: set[str]) -> ApiError:
    keys = ", ".join(key for key in given or () if key in unused)
    return refused(f"Value provided in {parameter} unused in expressions: keys: {{{keys}}}")


def _invalid_key(parameter: str, key: str) -> ApiError:
    if len(key) > KEY_BYTES_MAX and key[1:].isascii() and key[1:].replace("_", "a").isalnum():
        # Inferred: the bound is documented, the words are ours.
        message = f"Key is too large, must not be more than {KEY_BYTES_MAX} bytes"
    else:
        message = "Syntax error"
    return refused(f'{parameter} contains invalid key: {message}; key: "{key}"')


def refuse_large_variables(names: dict[str, str] | None, values: dict[str, Any] | None) -> None:
    """Refuse names and values that are more than 2 MB together. Costly: for requests whose body is larger than that.

    Neither is edited. What is wrong with a value is left to its check, which comes later.
    """
    copied = orjson.loads(orjson.dumps(values or {}))
    try:
        size_bytes = sum(map(attribute_values.canonicalise, copied.values()))
    except ApiError:
        return
    size_bytes += sum(sizes.string_size(name) for name in (names or {}).values() if type(name) is str)
    if size_bytes > VARIABLES_BYTES_MAX:
        # Inferred: the bound is documented, the words are ours.
        raise refused(
            "Size of ExpressionAttributeNames and ExpressionAttributeValues has exceeded the maximum allowed size; "
            f"size: {size_bytes}"
        )


def _check_names(names: dict[str, Any], expressions_given: bool) -> None:
    if not expressions_given:
        raise refused("ExpressionAttributeNames can only be specified when using expressions")
    if not names:
        raise refused("ExpressionAttributeNames must not be empty")
    for key, name in names.items():
        if not _NAME_KEY.fullmatch(key):
            raise _invalid_key("ExpressionAttributeNames", key)
        if not isinstance(name, str):
            raise ApiError("SerializationException", "Unexpected value type in payload")
        if not name:
            raise refused(f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}")
        if len(name) > attribute_values.NAME_BYTES_MAX // 3 and len(name.encode()) > attribute_values.NAME_BYTES_MAX:
            raise refused(
                "ExpressionAttributeNames contains invalid value: "
                f"Attribute name is too large, must be less than 65536 bytes for key {key}"
            )


def _check_values(values: dict[str, Any], missing: str) -> None:
    if missing:
        raise refused(f"ExpressionAttributeValues can only be specified when using expressions: {missing}")
    if not values:
        raise refused("ExpressionAttributeValues must not be empty")
    for key, value in values.items():
        if not _VALUE_KEY.fullmatch(key):
            raise _invalid_key("ExpressionAttributeValues", key)
        check_named_value(key, value)


def check_named_value(key: str, value: object) -> None:
    """Check one of ExpressionAttributeValues and make it canonical in place. Raises as the Binder does."""
    try:
        attribute_values.check(value)
    except ApiError as error:
        if error.code != "ValidationException":
            raise
        message = f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
        raise refused(message) from error
