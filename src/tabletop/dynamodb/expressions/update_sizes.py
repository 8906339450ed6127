"""What an UpdateExpression counts for towards 400 KB, worked out from the request alone.

    the update                    3, and all its actions
    SET path = value             19, and path and value
    ADD path :v                  19, and path and :v
    REMOVE path, DELETE path :v   1, and path
    a path that is written        its names, and the digits of its indexes; 4 for each but the first
    a path that is read           1; for each of its names and indexes 14, and its length
    :v                            the value's size, wherever it is used
    a + b   a - b                34   37
    if_not_exists   list_append  39   37

Recorded in eu-west-2 on 9 October 2026, to the byte, over 86 statements (dynoxide's sources tell of it). It holds for
UpdateItem alone: no transaction, statement or AttributeUpdates was seen to be measured so.
"""

from __future__ import annotations

from tabletop.dynamodb import sizes
from tabletop.dynamodb.expressions.binder import Binder
from tabletop.dynamodb.expressions.tree import (
    Add,
    Arithmetic,
    FunctionCall,
    Operand,
    Path,
    Set,
    UpdateTree,
    ValueReference,
)

_KIND = "UpdateExpression"
_UPDATE = 3
_ASSIGNED = 19
_TAKEN_AWAY = 1
_WRITTEN_STEP = 4
_READ_PATH = 1
_READ_STEP = 14
_OPERATORS = {"+": 34, "-": 37}
_FUNCTIONS = {"if_not_exists": 39, "list_append": 37}
_EACH_CHARACTER = 40
"""No character of an expression counts for more, what it stands for apart."""
_CHARACTER_BYTES_MAX = 4


def may_exceed(
    limit_bytes: int, text: str, names: dict[str, str] | None, values: dict[str, dict[str, object]] | None
) -> bool:
    """Whether the exact sum is worth its time: False for all but very large requests."""
    each_value = sum(
        _CHARACTER_BYTES_MAX * len(content) if type(content) is str else sizes.value_size(value)
        for value in (values or {}).values()
        for content in value.values()
    )
    each_name = sum(_CHARACTER_BYTES_MAX * len(name) for name in (names or {}).values())
    bound = each_value * text.count(":") + each_name * text.count("#") + _EACH_CHARACTER * len(text)
    return bound > limit_bytes


def request_bytes(tree: UpdateTree, binder: Binder) -> int:
    total = _UPDATE
    for action in tree.actions:
        steps = [len(str(step).encode()) for step in binder.steps(_KIND, action.path)]
        total += sum(steps) + _WRITTEN_STEP * (len(steps) - 1)
        if isinstance(action, Set | Add):
            total += _ASSIGNED + _operand(action.value, binder)
        else:
            total += _TAKEN_AWAY
    return total


def _operand(operand: Operand | Arithmetic, binder: Binder) -> int:
    if isinstance(operand, Path):
        return _READ_PATH + sum(_READ_STEP + len(str(step).encode()) for step in binder.steps(_KIND, operand))
    if isinstance(operand, Arithmetic):
        return _OPERATORS[operand.operator] + _operand(operand.left, binder) + _operand(operand.right, binder)
    if isinstance(operand, FunctionCall):
        return _FUNCTIONS[operand.name] + sum(_operand(each, binder) for each in operand.operands)
    assert isinstance(operand, ValueReference), "literals are PartiQL's"
    return sizes.value_size(binder.value(_KIND, operand))
