"""What an update's actions compute: from the old item to the value that goes to the action's path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers
from tabletop.dynamodb.expressions.binder import Binder, Item, Steps, Value
from tabletop.dynamodb.expressions.errors import invalid, refused
from tabletop.dynamodb.expressions.operands import (
    TYPE_NAMES,
    UPDATE_FUNCTIONS,
    BoundOperand,
    Getter,
    check_function,
    check_types,
    constant,
    getter,
    require_path,
)
from tabletop.dynamodb.expressions.tree import Action, Add, Arithmetic, Delete, FunctionCall, Operand, Path, Remove, Set
from tabletop.dynamodb.values import sorted_members, type_of

Compute = Callable[[Item], Value | None]
"""From the old item to the new value; None: nothing to assign."""

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_SETS = frozenset(("SS", "NS", "BS"))
_NUMBER = frozenset("N")
_LIST = frozenset("L")
_ADDABLE = {"UpdateExpression": _SETS | _NUMBER, "": _SETS | _NUMBER, "AttributeUpdates": _SETS | _NUMBER | _LIST}
"""What can be added, by parameter; only the old one appends to lists."""
_MISMATCHES = {
    "UpdateExpression": _WRONG_TYPE,
    "": _WRONG_TYPE,
    "AttributeUpdates": "Type mismatch for attribute to update",
}
"""What is said of an attribute of another type than what is added to it, or deleted from it."""


def compile_action(kind: str, action: Action, binder: Binder) -> tuple[Steps, Compute | None]:
    """The action's bound path and what it computes; None for a removal."""
    steps = binder.steps(kind, action.path)
    if type(action) is Set:
        if type(action.value) is Arithmetic:
            return steps, _arithmetic(kind, action.value, binder)
        return steps, _present(_bind(kind, action.value, binder))  # type: ignore[arg-type]
    if type(action) is Remove:
        return steps, None
    assert isinstance(action, Add | Delete)
    operand = binder.value(kind, action.value)
    if type(action) is Add:
        _check_change(kind, "ADD", operand, _ADDABLE[kind])
        return steps, AddTo(getter(steps), operand, _MISMATCHES[kind])
    _check_change(kind, "DELETE", operand, _SETS)
    return steps, DeleteFromSet(getter(steps), operand, _MISMATCHES[kind])


class AddTo:
    """ADD: a number to a number, elements to a set or list; where there is nothing, the operand is the result."""

    __slots__ = ("_mismatch", "_operand", "get")

    def __init__(self, get: Getter, operand: Value, mismatch: str) -> None:
        self.get = get
        self._operand = operand
        self._mismatch = mismatch

    def __call__(self, item: Item) -> Value:
        before, operand = self.get(item), self._operand
        if before is None:
            return operand
        ((kind, content),) = operand.items()
        if kind not in before:
            raise refused(self._mismatch)
        if kind == "N":
            return {"N": numbers.add(before["N"], content)}
        if kind == "L":
            return {"L": before["L"] + content}
        return {kind: sorted_members(kind, {*before[kind], *content})}


class DeleteFromSet:
    """DELETE: elements from a set. None where nothing is left, or nothing was there: a set is never empty."""

    __slots__ = ("_mismatch", "_operand", "get")

    def __init__(self, get: Getter, operand: Value, mismatch: str) -> None:
        self.get = get
        self._operand = operand
        self._mismatch = mismatch

    def __call__(self, item: Item) -> Value | None:
        before = self.get(item)
        if before is None:
            return None
        ((kind, deleted),) = self._operand.items()
        if kind not in before:
            raise refused(self._mismatch)
        gone = frozenset(deleted)
        left = [element for element in before[kind] if element not in gone]
        return {kind: left} if left else None


def _check_change(kind: str, section: str, operand: Value, allowed: frozenset[str]) -> None:
    if type_of(operand) not in allowed:
        raise _wrong_change(kind, section, type_of(operand))


def _wrong_change(kind: str, section: str, operand_type: str) -> ApiError:
    return invalid(
        kind,
        "Incorrect operand type for operator or function; "
        f"operator: {section}, operand type: {TYPE_NAMES[operand_type]}, typeSet: ALLOWED_FOR_{section}_OPERAND",
    )


def _bind(kind: str, operand: Operand, binder: Binder) -> BoundOperand:
    """An operand of SET."""
    if type(operand) is Path:
        steps = binder.steps(kind, operand)
        return BoundOperand(getter(steps), steps=steps)
    if type(operand) is FunctionCall:
        check_function(kind, operand, UPDATE_FUNCTIONS, "an update")
        bound = [_bind(kind, argument, binder) for argument in operand.operands]
        if operand.name == "if_not_exists":
            require_path(kind, operand)
            return _if_not_exists(*bound)
        check_types(kind, "list_append", _LIST, *bound)
        return _list_append(*bound)
    return constant(binder.value(kind, operand))  # type: ignore[arg-type]


def _present(operand: BoundOperand) -> Compute:
    """The operand's value, which must be there."""
    get = operand.get
    if operand.constant is not None:
        return get

    def compute(item: Item) -> Value:
        value = get(item)
        if value is None:
            raise refused(_MISSING)
        return value

    return compute


def _if_not_exists(path: BoundOperand, fallback: BoundOperand) -> BoundOperand:
    get_value, get_fallback = path.get, fallback.get

    def get(item: Item) -> Value | None:
        value = get_value(item)
        return get_fallback(item) if value is None else value

    return BoundOperand(get)


def _list_append(first: BoundOperand, second: BoundOperand) -> BoundOperand:
    get_first, get_second = _present(first), _present(second)

    def get(item: Item) -> Value:
        one, other = get_first(item), get_second(item)
        assert one is not None
        assert other is not None
        return {"L": _content(one, "L") + _content(other, "L")}

    return BoundOperand(get, type="L")


def _arithmetic(kind: str, node: Arithmetic, binder: Binder) -> Compute:
    left, right = _bind(kind, node.left, binder), _bind(kind, node.right, binder)
    check_types(kind, node.operator, _NUMBER, left, right)
    get_left, get_right = _present(left), _present(right)
    calculate = numbers.add if node.operator == "+" else numbers.subtract

    def compute(item: Item) -> Value:
        one, other = get_left(item), get_right(item)
        assert one is not None
        assert other is not None
        return {"N": calculate(_content(one, "N"), _content(other, "N"))}

    return compute


def _content(value: Value, kind: str) -> Any:
    content = value.get(kind)
    if content is None:
        raise refused(_WRONG_TYPE)
    return content
