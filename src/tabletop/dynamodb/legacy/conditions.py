"""Maps of attribute name to condition: QueryFilter, ScanFilter and KeyConditions, and what Expected has of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletop.dynamodb import values
from tabletop.dynamodb.expressions import Binder, Condition, KeyCondition, analyse_key_tree, compile_tree
from tabletop.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ComparisonOperator,
    ConditionNode,
    FunctionCall,
    In,
    Literal,
    Not,
    Or,
    Path,
)
from tabletop.dynamodb.key_schema import invalid, invalid_parameters
from tabletop.dynamodb.legacy.parameters import whole_attribute

Value = dict[str, Any]

UNLIMITED = 1 << 62
_ORDERED = frozenset("SNB")
_ANY = frozenset(("S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"))

_ARGUMENTS: dict[str, tuple[int, int, frozenset[str]]] = {
    "EQ": (1, 1, _ANY),
    "NE": (1, 1, _ANY),
    "LT": (1, 1, _ORDERED),
    "LE": (1, 1, _ORDERED),
    "GT": (1, 1, _ORDERED),
    "GE": (1, 1, _ORDERED),
    "BETWEEN": (2, 2, _ORDERED),
    "IN": (1, UNLIMITED, _ORDERED),
    "BEGINS_WITH": (1, 1, frozenset("SB")),
    "CONTAINS": (1, 1, frozenset(("S", "N", "B", "BOOL", "NULL"))),
    "NOT_CONTAINS": (1, 1, frozenset(("S", "N", "B", "BOOL", "NULL"))),
    "NULL": (0, 0, _ANY),
    "NOT_NULL": (0, 0, _ANY),
}
"""ComparisonOperator -> (fewest arguments, most, their types)."""

_COMPARISONS: dict[str, ComparisonOperator] = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}

_LOWERED: dict[str, Callable[[Path, tuple[Literal, ...]], ConditionNode]] = {
    "BETWEEN": lambda path, given: Between(path, *given),
    "IN": In,
    "BEGINS_WITH": lambda path, given: FunctionCall("begins_with", (path, *given)),
    "CONTAINS": lambda path, given: FunctionCall("contains", (path, *given)),
    # An attribute that is not there neither contains nor does not contain (observed), unlike with NOT contains(...).
    "NOT_CONTAINS": lambda path, given: And(
        (FunctionCall("attribute_exists", (path,)), Not(FunctionCall("contains", (path, *given))))
    ),
    "NULL": lambda path, given: FunctionCall("attribute_not_exists", (path,)),
    "NOT_NULL": lambda path, given: FunctionCall("attribute_exists", (path,)),
}

_KEY_OPERATORS = frozenset(("EQ", "LT", "LE", "GT", "GE", "BETWEEN", "BEGINS_WITH"))


def compile_filter(conditions: dict[str, Any] | None, conditional_operator: str | None) -> Condition | None:
    """QueryFilter or ScanFilter; None where there is no condition in it."""
    nodes = [_lower_checked(name, condition) for name, condition in (conditions or {}).items()]
    return compile_joined(nodes, conditional_operator, "Filter")


def analyse_key_conditions(conditions: dict[str, Any]) -> list[KeyCondition]:
    if not conditions:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    nodes = []
    for name, condition in conditions.items():
        node = _lower_checked(name, condition)
        if condition["ComparisonOperator"] not in _KEY_OPERATORS:
            raise invalid("Attempted conditional constraint is not an indexable operation")
        nodes.append(node)
    tree = nodes[0] if len(nodes) == 1 else And(tuple(nodes))
    return analyse_key_tree(tree, Binder(None, None))


def compile_joined(nodes: list[ConditionNode], conditional_operator: str | None, kind: str) -> Condition | None:
    """All (or, by the operator, any) of the conditions; None where there is none."""
    if len(nodes) > 1 and conditional_operator not in (None, "AND", "OR"):
        # ALL is AWS's spelling here; AND is the value (recorded).
        raise invalid("Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]")
    if not nodes:
        if conditional_operator is not None:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        return None
    if len(nodes) == 1:
        if conditional_operator is not None:
            raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
        tree = nodes[0]
    else:
        tree = Or(tuple(nodes)) if conditional_operator == "OR" else And(tuple(nodes))
    return compile_tree(tree, kind=kind, binder=Binder(None, None))


def lower(name: str, operator: str, arguments: list[Value]) -> ConditionNode:
    """The condition's tree. ``arguments`` must be canonical and have passed ``check_arguments``."""
    path = whole_attribute(name)
    literals = tuple([Literal(argument) for argument in arguments])
    comparison = _COMPARISONS.get(operator)
    if comparison is not None:
        return Comparison(comparison, path, literals[0])
    return _LOWERED[operator](path, literals)


def check_arguments(operator: str, arguments: list[Value]) -> None:
    """Refuse a wrong number of arguments, or such as the operator does not take; they must be canonical."""
    if operator not in _ARGUMENTS:
        raise invalid_parameters("Invalid comparison operator")
    fewest, most, types = _ARGUMENTS[operator]
    if not fewest <= len(arguments) <= most:
        raise invalid_parameters(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    for argument in arguments:
        kind = values.type_of(argument)
        if kind not in types:
            raise invalid_parameters(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if any(values.type_of(argument) != values.type_of(arguments[0]) for argument in arguments[1:]):
        raise invalid_parameters("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and values.less(arguments[1], arguments[0]):
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _lower_checked(name: str, condition: dict[str, Any]) -> ConditionNode:
    operator: str = condition["ComparisonOperator"]
    arguments: list[Value] = condition.get("AttributeValueList") or []
    for argument in arguments:
        values.check(argument)
    check_arguments(operator, arguments)
    return lower(name, operator, arguments)
