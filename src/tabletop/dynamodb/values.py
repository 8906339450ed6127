"""Attribute values: checked and made canonical once, in place, on the way in; then compared as they are.

Canonical: exactly one member, numbers by ``numbers.canonical``, binary values in base64 with no stray bits, sets
without duplicates and in order. Two scalar values of one type are equal exactly if their canonical texts are.

Values of the wrong JSON type are refused with SerializationException, as AWS's parser refuses them; what parses and is
not allowed, with ValidationException.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers, sizes
from tabletop.dynamodb.value_types import (
    boolean,
    canonical_base64,
    not_a_list,
    not_a_map,
    not_a_structure,
    not_convertible,
)

NESTING_MAX = 32
"""Levels of an item, itself the first: an attribute's map is the second."""
NAME_BYTES_MAX = 65535
SHORT_NAME_CHARACTERS = NAME_BYTES_MAX // 3
"""A name of so many characters is never too long, whatever they are."""

LONG_LIST_ELEMENTS = 16
"""From so many elements on a list is first tried as a row of numbers."""

EMPTY_VALUE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL_TYPES = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
NULL_FALSE = "One or more parameter values were invalid: Null attribute value types must have the value of true"
_EMPTY_STRING_SET = "One or more parameter values were invalid: An string set  may not be empty"
_EMPTY_NUMBER_SET = "One or more parameter values were invalid: An number set  may not be empty"
_EMPTY_BINARY_SET = "One or more parameter values were invalid: Binary sets should not be empty"
EMPTY_SETS = (_EMPTY_STRING_SET, _EMPTY_NUMBER_SET, _EMPTY_BINARY_SET)
EMPTY_NAME = "Empty attribute name"
NUMBER_DUPLICATES = "Input collection contains duplicates"


class DuplicateMembers(ApiError):
    """A set that holds a member twice. ``today``: the words of AWS's newer validation layer; the message has the older."""

    def __init__(self, message: str, today: str) -> None:
        super().__init__("ValidationException", message)
        self.today = "One or more parameter values were invalid: " + today


def canonicalise_item(item: object) -> int:
    """Check an item (or key) and make it canonical in place; its size in bytes."""
    if type(item) is not dict:
        raise not_a_map(item)
    size_bytes = 0
    for name, value in item.items():
        # What _members and sizes.item_size do, in one go for the two commonest types.
        if 0 < len(name) <= SHORT_NAME_CHARACTERS and type(value) is dict and len(value) == 1:
            ((kind, content),) = value.items()
            if type(content) is str:
                if kind == "S":
                    size_bytes += len(content) if content.isascii() else len(content.encode())
                    size_bytes += len(name) if name.isascii() else len(name.encode())
                    continue
                if kind == "N":
                    content = value["N"] = numbers.canonical(content)
                    size_bytes += numbers.size_bytes(content) + (len(name) if name.isascii() else len(name.encode()))
                    continue
        _members({name: value}, 1)
        size_bytes += sizes.item_size({name: value})
    return size_bytes


def check_item(item: object) -> None:
    """Check an item (or key) and make it canonical in place, for those who need not know its size."""
    if type(item) is not dict:
        raise not_a_map(item)
    _members(item, 1)


def canonicalise(value: object) -> int:
    """Check one attribute value and make it canonical in place; its size in bytes."""
    _value(value, 1)
    assert isinstance(value, dict)
    return sizes.value_size(value)


def check(value: object) -> None:
    """Check one attribute value and make it canonical in place, for those who need not know its size."""
    _value(value, 1)


def check_nesting(value: dict[str, Any], level: int) -> None:
    """Refuse a canonical value that is nested too deeply where it goes; ``level`` is 1 for an item's attribute."""
    if "L" in value:
        members = value["L"]
    elif "M" in value:
        members = value["M"].values()
    else:
        return
    if level >= NESTING_MAX:
        raise _invalid(TOO_DEEP)
    for member in members:
        check_nesting(member, level + 1)


def type_of(value: dict[str, Any]) -> str:
    """The one member's name: "S", "N", "M" ..."""
    return next(iter(value))


def equal(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two canonical values are equal: sets in any order, at any depth."""
    if first == second:
        return True
    ((kind, one),) = first.items()
    if kind not in _COMPOUND or kind not in second:
        return False
    other = second[kind]
    if len(one) != len(other):
        return False
    if kind == "L":
        return all(map(equal, one, other))
    if kind == "M":
        return all(name in other and equal(member, other[name]) for name, member in one.items())
    return set(one) == set(other)


_COMPOUND = frozenset(("SS", "NS", "BS", "L", "M"))

ORDER_KEYS: dict[str, Callable[[str], Any]] = {
    # Strings compare by code points in Python, which is the order of their UTF-8 bytes.
    "S": lambda text: text,
    "N": numbers.compare_key,
    "B": a2b_base64,
}
"""For the three types that have an order: the content -> what to compare with that of another value of the type."""


def order_key(value: dict[str, Any]) -> Any:
    """A key that orders values of one type; the value must be S, N or B."""
    ((kind, content),) = value.items()
    return ORDER_KEYS[kind](content)


def less(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the first comes before the second; False for values of different or of unordered types."""
    ((kind, content),) = first.items()
    make_key = ORDER_KEYS.get(kind)
    if make_key is None or kind not in second:
        return False
    return bool(make_key(content) < make_key(second[kind]))


def binary(text: str) -> bytes:
    """The bytes of a canonical B."""
    return a2b_base64(text)


def _value(value: object, level: int) -> None:
    if type(value) is not dict:
        raise not_a_structure(value)
    if len(value) == 1:
        ((kind, content),) = value.items()
        check = _CHECKS.get(kind)
        if check is not None and content is not None:
            check(value, content, level)
            return
    _odd_value(value, level)


def _odd_value(value: dict[str, Any], level: int) -> None:
    """A value with no member, several, or some that are null or unknown: these AWS's parser passes over."""
    set_members = {kind: content for kind, content in value.items() if kind in _CHECKS and content is not None}
    for kind, content in set_members.items():
        _CHECKS[kind](set_members.copy(), content, level)
    if len(set_members) > 1:
        raise _invalid(SEVERAL_TYPES)
    if not set_members:
        raise _invalid(EMPTY_VALUE)
    value.clear()
    value.update(set_members)
    _value(value, level)


def _members(members: dict[str, Any], level: int) -> None:
    for name, value in members.items():
        if not name:
            raise _invalid(EMPTY_NAME)
        if len(name) > SHORT_NAME_CHARACTERS and len(name.encode()) > NAME_BYTES_MAX:
            raise _invalid_parameters("Attribute name is too large, must be less than 65536 bytes")
        # What _value does, inlined for the two commonest types.
        if type(value) is dict and len(value) == 1:
            ((kind, content),) = value.items()
            if type(content) is str:
                if kind == "S":
                    continue
                if kind == "N":
                    value["N"] = numbers.canonical(content)
                    continue
        _value(value, level)


def _check_string(_value: dict[str, Any], content: object, _level: int) -> None:
    if type(content) is not str:
        raise not_convertible(content, "String")


def _check_number(value: dict[str, Any], content: object, _level: int) -> None:
    if type(content) is not str:
        raise not_convertible(content, "String")
    value["N"] = numbers.canonical(content)


def _check_binary(value: dict[str, Any], content: object, _level: int) -> None:
    value["B"] = canonical_base64(content)


def _check_boolean(value: dict[str, Any], content: object, _level: int) -> None:
    if type(content) is not bool:
        value["BOOL"] = boolean(content)


def _check_null(value: dict[str, Any], content: object, _level: int) -> None:
    if not boolean(content):
        raise _invalid(NULL_FALSE)
    value["NULL"] = True


def _check_list(_value_: dict[str, Any], content: object, level: int) -> None:
    if type(content) is not list:
        raise not_a_list(content)
    if level >= NESTING_MAX:
        raise _invalid(TOO_DEEP)
    if len(content) >= LONG_LIST_ELEMENTS and _are_canonical_numbers(content):
        return
    for element in content:
        # What _value does, inlined as for members.
        if type(element) is dict and len(element) == 1:
            ((kind, text),) = element.items()
            if type(text) is str:
                if kind == "S":
                    continue
                if kind == "N":
                    element["N"] = numbers.canonical(text)
                    continue
        _value({} if element is None else element, level + 1)


def _are_canonical_numbers(elements: list[Any]) -> bool:
    """Whether a list holds nothing but numbers that are canonical as they came: vectors and series are such lists."""
    try:
        texts = [element["N"] for element in elements if len(element) == 1]
        return len(texts) == len(elements) and numbers.are_canonical(texts)
    except (KeyError, TypeError):
        return False


def _check_map(_value_: dict[str, Any], content: object, level: int) -> None:
    if type(content) is not dict:
        raise not_a_map(content)
    if level >= NESTING_MAX:
        raise _invalid(TOO_DEEP)
    _members(content, level + 1)


def sorted_members(kind: str, members: Iterable[str]) -> list[str]:
    """Canonical members of a set in the order in which AWS keeps them: texts by their bytes, numbers by value.

    So recorded in ten regions on 9 October 2026 for every answer but number sets in those of Scan, TransactGetItems, PartiQL,
    cancellation reasons and stream records, which come in the order of a Java hash set there, and in this one here.
    """
    return sorted(members, key=_SET_ORDER[kind])


def _check_string_set(value: dict[str, Any], content: object, _level: int) -> None:
    elements = _set_elements(content, _EMPTY_STRING_SET)
    for element in elements:
        if type(element) is not str:
            raise not_convertible(element, "String")
    if len(set(elements)) != len(elements):
        quoted = ", ".join(f'"{element}"' for element in elements)
        raise DuplicateMembers(
            f"One or more parameter values were invalid: Input collection [{', '.join(elements)}] contains duplicates.",
            f"Input collection [{quoted}] contains duplicates.",
        )
    value["SS"] = sorted(elements)


def _check_number_set(value: dict[str, Any], content: object, _level: int) -> None:
    elements = _set_elements(content, _EMPTY_NUMBER_SET)
    for element in elements:
        if type(element) is not str:
            raise not_convertible(element, "String")
    canonical = [numbers.canonical(element) for element in elements]
    if len(set(canonical)) != len(canonical):
        raise DuplicateMembers(NUMBER_DUPLICATES, "Input collection contains duplicates.")
    value["NS"] = sorted_members("NS", canonical)


def _check_binary_set(value: dict[str, Any], content: object, _level: int) -> None:
    canonical = [canonical_base64(element) for element in _set_elements(content, _EMPTY_BINARY_SET)]
    if len(set(canonical)) != len(canonical):
        quoted = ",".join(f'"{element}"' for element in canonical)
        listed = ", ".join(canonical)
        raise DuplicateMembers(
            f"One or more parameter values were invalid: Input collection [{listed}]of type BS contains duplicates.",
            f"Input collection [{quoted}]of type BS contains duplicates.",
        )
    value["BS"] = sorted_members("BS", canonical)


_SET_ORDER: dict[str, Callable[[str], Any] | None] = {"SS": None, "NS": Decimal, "BS": a2b_base64}

_CHECKS: dict[str, Callable[[dict[str, Any], Any, int], None]] = {
    "S": _check_string,
    "N": _check_number,
    "B": _check_binary,
    "BOOL": _check_boolean,
    "NULL": _check_null,
    "SS": _check_string_set,
    "NS": _check_number_set,
    "BS": _check_binary_set,
    "L": _check_list,
    "M": _check_map,
}


def _set_elements(content: object, empty: str) -> list[Any]:
    if type(content) is not list:
        raise not_a_list(content)
    if not content:
        raise _invalid(empty)
    if None in content:
        raise _invalid_parameters("An string set  may not have a null string as a member")
    return content


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _invalid_parameters(message: str) -> ApiError:
    return ApiError("ValidationException", "One or more parameter values were invalid: " + message)
