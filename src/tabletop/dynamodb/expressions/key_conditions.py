"""Key conditions: what a Query asks of the keys, and how that fits a table's or an index's schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.binder import Binder, Item, Value
from tabletop.dynamodb.expressions.conditions import compile_tree
from tabletop.dynamodb.expressions.errors import refused
from tabletop.dynamodb.expressions.grammar import parse_condition
from tabletop.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    FunctionCall,
    In,
    Literal,
    Not,
    Operand,
    Or,
    Path,
    ValueReference,
)
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.values import type_of

_KIND = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_ONE_PER_KEY = "KeyConditionExpressions must only contain one condition per key"
_NESTED = "KeyConditionExpressions cannot have conditions on nested attributes"
_NESTED_OPERATIONS = "KeyConditionExpressions cannot contain nested operations"
_SEVERAL_ATTRIBUTES = "Invalid condition in KeyConditionExpression: Multiple attributes used in one condition"
_NO_ATTRIBUTE = "Invalid condition in KeyConditionExpression: No key attribute specified"
_UNSUPPORTED = "Query key condition not supported"
_WRONG_TYPE = "One or more parameter values were invalid: Condition parameter type does not match schema type"


class KeyCondition(NamedTuple):
    attribute: str
    operator: str
    """One of = < <= > >= BETWEEN begins_with."""
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """Key conditions as they fit a key schema."""

    hash: Item
    """The value of every hash attribute."""
    range_equal: tuple[Value, ...]
    """Values for the first range attributes, in the order of the schema."""
    range_condition: tuple[KeyAttribute, str, tuple[Value, ...]] | None
    """The condition other than equality on the range attribute behind those: attribute, operator, operands."""


def analyse_key_condition(text: str, binder: Binder) -> list[KeyCondition]:
    """The conditions in the order written. Raises ValidationException for what is no key condition."""
    return analyse_key_tree(parse_condition(_KIND, text), binder)


def analyse_key_tree(tree: ConditionNode, binder: Binder) -> list[KeyCondition]:
    # Compiled for the checks that it shares with all conditions: operand types, bounds, functions.
    compile_tree(tree, kind=_KIND, binder=binder)
    conditions = []
    seen = set()
    for node in tree.conditions if isinstance(tree, And) else (tree,):
        condition = _key_condition(node, binder)
        if condition.attribute in seen:
            raise refused(_ONE_PER_KEY)
        seen.add(condition.attribute)
        conditions.append(condition)
    return conditions


def match_key_schema(
    conditions: list[KeyCondition],
    hash_attributes: tuple[KeyAttribute, ...],
    range_attributes: tuple[KeyAttribute, ...],
) -> KeyMatch:
    """Fit the conditions to the schema: equality on each hash attribute, and on range attributes from the first on
    without a gap, of which the last condition may be another. Raises ValidationException where they do not fit.
    """
    by_name = {condition.attribute: condition for condition in conditions}
    if len(hash_attributes) + len(range_attributes) <= 2 and len(conditions) > 2:
        raise refused(
            f"The number of query conditions ({len(conditions)}) exceeds the number of key attributes "
            f"defined in the schema ({len(hash_attributes) + len(range_attributes)})"
        )
    bound: Item = {}
    for attribute in hash_attributes:
        bound[attribute.name] = _hash_value(
            attribute, by_name.pop(attribute.name, None), several=len(hash_attributes) > 1
        )
    equal: list[Value] = []
    last: tuple[KeyAttribute, str, tuple[Value, ...]] | None = None
    for attribute in range_attributes:
        condition = by_name.pop(attribute.name, None)
        if condition is None:
            break
        _check_operands(attribute, condition)
        if condition.operator != "=":
            last = (attribute, condition.operator, condition.operands)
            break
        equal.append(condition.operands[0])
    if by_name:
        raise _misfit(by_name, range_attributes)
    return KeyMatch(bound, tuple(equal), last)


def _hash_value(attribute: KeyAttribute, condition: KeyCondition | None, *, several: bool) -> Value:
    if condition is None:
        if several:
            raise _hash_rule()
        raise refused(f"Query condition missed key schema element: {attribute.name}")
    if condition.operator != "=":
        raise _hash_rule() if several else refused(_UNSUPPORTED)
    _check_operands(attribute, condition)
    return condition.operands[0]


def _hash_rule() -> ApiError:
    return refused(f"{_UNSUPPORTED}: all HASH attributes of the key must have equality conditions")


def _misfit(rest: dict[str, KeyCondition], range_attributes: tuple[KeyAttribute, ...]) -> ApiError:
    """Conditions are left that no place in the schema is for."""
    if len(range_attributes) > 1:
        return refused(
            f"{_UNSUPPORTED}: RANGE attributes of the key must have conditions from the first on, "
            "and equality conditions but for the last"
        )
    if range_attributes and range_attributes[0].name not in rest:
        return refused(f"Query condition missed key schema element: {range_attributes[0].name}")
    return refused(_UNSUPPORTED)


def _check_operands(attribute: KeyAttribute, condition: KeyCondition) -> None:
    for operand in condition.operands:
        if type_of(operand) != attribute.type or (condition.operator == "begins_with" and attribute.type == "N"):
            raise refused(_WRONG_TYPE)
        if not operand[attribute.type]:
            kind = "string" if attribute.type == "S" else "binary"
            raise refused(
                "One or more parameter values are not valid. The AttributeValue for a key attribute "
                f"cannot contain an empty {kind} value. Key: {attribute.name}"
            )


def _key_condition(node: ConditionNode, binder: Binder) -> KeyCondition:
    if isinstance(node, Comparison):
        return _comparison(node, binder)
    if isinstance(node, Between):
        return _condition_on(node.operand, "BETWEEN", (node.lower, node.upper), binder)
    if isinstance(node, FunctionCall) and node.name == "begins_with":
        whole, beginning = node.operands
        return _condition_on(whole, "begins_with", (beginning,), binder)
    raise _invalid_operator(next(_operators(node)))


def _comparison(node: Comparison, binder: Binder) -> KeyCondition:
    if node.operator == "<>":
        raise _invalid_operator("<>")
    if isinstance(node.right, Path) and not isinstance(node.left, Path):
        return _condition_on(node.right, _MIRRORED[node.operator], (node.left,), binder)
    return _condition_on(node.left, node.operator, (node.right,), binder)


def _condition_on(key: Operand, operator: str, operands: tuple[Operand, ...], binder: Binder) -> KeyCondition:
    for operand in (key, *operands):
        if isinstance(operand, FunctionCall):
            raise refused(_NESTED_OPERATIONS)
    if not isinstance(key, Path):
        raise refused(_NO_ATTRIBUTE)
    if any(isinstance(operand, Path) for operand in operands):
        raise refused(_SEVERAL_ATTRIBUTES)
    steps = binder.steps(_KIND, key)
    if len(steps) > 1:
        raise refused(_NESTED)
    bound: list[Value] = []
    for operand in operands:
        assert isinstance(operand, ValueReference | Literal)
        bound.append(binder.value(_KIND, operand))
    return KeyCondition(str(steps[0]), operator, tuple(bound))


def _operators(node: Any) -> Iterator[str]:
    """The operator of a condition that no key condition has."""
    if isinstance(node, FunctionCall):
        yield node.name
    else:
        yield {Or: "OR", Not: "NOT", In: "IN"}[type(node)]


def _invalid_operator(operator: str) -> ApiError:
    return refused(f"Invalid operator used in KeyConditionExpression: {operator}")
