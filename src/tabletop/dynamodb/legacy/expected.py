"""Expected: what must hold of the item for a write to happen, as a condition on each of some attributes."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import values
from tabletop.dynamodb.expressions import Condition
from tabletop.dynamodb.expressions.tree import ConditionNode
from tabletop.dynamodb.key_schema import invalid_parameters
from tabletop.dynamodb.legacy.conditions import check_arguments, compile_joined, lower


def compile_expected(expected: dict[str, Any] | None, conditional_operator: str | None) -> Condition | None:
    """None where nothing is expected."""
    nodes = [_lower_expected(name, condition) for name, condition in (expected or {}).items()]
    return compile_joined(nodes, conditional_operator, "Expected")


def _lower_expected(name: str, condition: dict[str, Any]) -> ConditionNode:
    value, arguments = condition.get("Value"), condition.get("AttributeValueList")
    operator, exists = condition.get("ComparisonOperator"), condition.get("Exists")
    if value is not None:
        values.check(value)
    for argument in arguments or ():
        values.check(argument)
    if value is not None and arguments is not None:
        raise invalid_parameters(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is None:
        if arguments is not None:
            raise invalid_parameters(
                f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
            )
        return _lower_existence(name, exists, value)
    if exists is not None:
        raise invalid_parameters(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    if value is None and arguments is None and operator not in ("NULL", "NOT_NULL"):
        raise invalid_parameters(
            f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
        )
    given = arguments or [] if value is None else [value]
    check_arguments(operator, given)
    return lower(name, operator, given)


def _lower_existence(name: str, exists: bool | None, value: dict[str, Any] | None) -> ConditionNode:
    """Without a ComparisonOperator: equality with Value, or absence; Exists says again which."""
    if exists is False:
        if value is not None:
            raise invalid_parameters(f"Value cannot be used when Exists is false for Attribute: {name}")
        return lower(name, "NULL", [])
    if value is None:
        shown = "null" if exists is None else "true"
        raise invalid_parameters(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return lower(name, "EQ", [value])
