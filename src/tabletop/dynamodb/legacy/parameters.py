"""Which parameters are legacy ones, that they do not go together with expressions, and how they name attributes."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb.expressions.tree import Path
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.values import EMPTY_NAME

_WRITE = (("Expected", "ConditionalOperator"), ("ConditionExpression",))

_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "GetItem": (("AttributesToGet",), ("ProjectionExpression",)),
    "BatchGetItem": (("AttributesToGet",), ("ProjectionExpression",)),
    "PutItem": _WRITE,
    "DeleteItem": _WRITE,
    "UpdateItem": (
        ("AttributeUpdates", "Expected", "ConditionalOperator"),
        ("UpdateExpression", "ConditionExpression"),
    ),
    "Query": (
        ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"),
        ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
    ),
    "Scan": (
        ("AttributesToGet", "ScanFilter", "ConditionalOperator"),
        ("ProjectionExpression", "FilterExpression"),
    ),
}
"""Action -> (legacy parameters, expressions), each in the order in which AWS names them."""

_LEGACY = {action: frozenset(legacy) for action, (legacy, _) in _PARAMETERS.items()}


def uses_legacy(action: str, body: dict[str, Any]) -> bool:
    """Whether the request has legacy parameters, empty ones included. Raises where it has expressions as well."""
    if _LEGACY[action].isdisjoint(body):
        return False
    legacy, expressions = _PARAMETERS[action]
    given = [name for name in legacy if name in body]
    given_expressions = [name for name in expressions if name in body]
    if "KeyConditions" in given and "KeyConditionExpression" not in given_expressions:
        # They stand in for the one expression, and AWS lets them stand beside all others.
        given.remove("KeyConditions")
    if given and given_expressions:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(given)}}} Expression parameters: {{{', '.join(given_expressions)}}}"
        )
    return True


def whole_attribute(name: str) -> Path:
    """The attribute of this very name, dots and all."""
    if not name:
        raise invalid(EMPTY_NAME)
    return Path((name,))
