"""Operands made ready to run: where a value comes from, constants known before any item is seen."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from tabletop.dynamodb.expressions.binder import Binder, Item, Steps, Value
from tabletop.dynamodb.expressions.errors import (
    invalid,
    path_required,
    wrong_function_use,
    wrong_operand_count,
    wrong_operand_type,
)
from tabletop.dynamodb.expressions.tree import FunctionCall, Operand, Path
from tabletop.dynamodb.values import type_of

Getter = Callable[[Item], Value | None]

CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
"""Function -> how many operands it takes."""
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}

TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "L": "LIST",
    "M": "MAP",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
}
"""As AWS spells types where it speaks of ADD and DELETE."""


class BoundOperand:
    """``get(item)`` is the value, None where the item has none. ``constant`` is the value where no item is needed."""

    __slots__ = ("constant", "get", "steps", "type")

    def __init__(
        self, get: Getter, *, constant: Value | None = None, steps: Steps | None = None, type: str | None = None
    ) -> None:
        self.get = get
        self.constant = constant
        self.steps = steps
        """The bound path, where the operand is one."""
        self.type = type if constant is None else type_of(constant)
        """The value's type, where it is known before any item is seen."""


def bind(kind: str, operand: Operand, binder: Binder, top_level: set[str]) -> BoundOperand:
    """An operand of a condition. Adds to ``top_level`` the attributes that it names."""
    if type(operand) is Path:
        steps = binder.steps(kind, operand)
        top_level.add(steps[0])  # type: ignore[arg-type]
        return BoundOperand(getter(steps), steps=steps)
    if type(operand) is FunctionCall:
        return _bind_size(kind, operand, binder, top_level)
    return constant(binder.value(kind, operand))  # type: ignore[arg-type]


def constant(value: Value) -> BoundOperand:
    return BoundOperand(lambda _item: value, constant=value)


def getter(steps: Steps) -> Getter:
    """A function from an item to what it has at the path."""
    if len(steps) == 1:
        # The attribute's value or None: dict.get itself, without a frame of our own.
        return methodcaller("get", steps[0])
    first, rest = steps[0], steps[1:]

    def get(item: Item) -> Value | None:
        value: Value | None = item.get(first)  # type: ignore[arg-type]
        for step in rest:
            if value is None:
                return None
            value = child(value, step)
        return value

    return get


def child(value: Value, step: str | int) -> Value | None:
    """What the value, a list or map, has at the step; None also where it is neither."""
    if type(step) is int:
        elements = value.get("L")
        return elements[step] if elements is not None and step < len(elements) else None
    members = value.get("M")
    return None if members is None else members.get(step)


def describe(steps: Steps) -> str:
    """A path as AWS shows it in messages: ``[a, b, [0]]``."""
    return "[" + ", ".join(f"[{step}]" if type(step) is int else str(step) for step in steps) + "]"


def check_function(kind: str, call: FunctionCall, functions: dict[str, int], place: str) -> None:
    """Refuse a function that is unknown, not for this sort of expression, or has a wrong number of operands."""
    name = call.name
    count = functions.get(name)
    if count is None:
        if name in CONDITION_FUNCTIONS or name in UPDATE_FUNCTIONS:
            raise invalid(kind, f"The function is not allowed in {place} expression; function: {name}")
        raise invalid(kind, f"Invalid function name; function: {name}")
    if len(call.operands) != count:
        raise wrong_operand_count(kind, name, len(call.operands))


def require_path(kind: str, call: FunctionCall) -> Path:
    first = call.operands[0]
    if type(first) is not Path:
        raise path_required(kind, call.name)
    return first


def check_types(kind: str, operator: str, allowed: frozenset[str], *operands: BoundOperand) -> None:
    """Refuse operands whose type is known beforehand and cannot do."""
    for operand in operands:
        if operand.type is not None and operand.type not in allowed:
            raise wrong_operand_type(kind, operator, operand.type)


SIZED = frozenset(("S", "B", "SS", "NS", "BS", "L", "M"))


def _bind_size(kind: str, call: FunctionCall, binder: Binder, top_level: set[str]) -> BoundOperand:
    check_function(kind, call, CONDITION_FUNCTIONS, "a condition")
    if call.name != "size":
        raise wrong_function_use(kind, call.name)
    measured = bind(kind, call.operands[0], binder, top_level)
    check_types(kind, "size", SIZED, measured)
    if measured.constant is not None:
        return constant(_size(measured.constant))  # type: ignore[arg-type]
    get = measured.get

    def get_size(item: Item) -> Value | None:
        value = get(item)
        return None if value is None else _size(value)

    return BoundOperand(get_size, type="N")


def _size(value: Value) -> dict[str, Any] | None:
    """UTF-16 units of a string (recorded of PartiQL), bytes of a binary value, elements of anything else that has elements."""
    ((kind, content),) = value.items()
    if kind not in SIZED:
        return None
    if kind == "B":
        content = a2b_base64(content)
    elif kind == "S" and not content.isascii():
        return {"N": str(len(content.encode("utf-16-le", "surrogatepass")) // 2)}
    return {"N": str(len(content))}
