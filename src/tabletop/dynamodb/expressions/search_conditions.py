"""Search conditions: the values that SearchVectors asks of a vector index's search schema, each by an equality.

Source: the developer guide and AWS's published notes; every refusal but that of a comparator is inferred, after the words
for key conditions.
"""

from __future__ import annotations

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.binder import Binder, Item
from tabletop.dynamodb.expressions.conditions import compile_tree
from tabletop.dynamodb.expressions.errors import invalid
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
    Or,
    Path,
    ValueReference,
)

_KIND = "SearchConditionExpression"
_OPERATORS = {Or: "OR", Not: "NOT"}


def analyse_search_condition(text: str, binder: Binder) -> Item:
    """Attribute -> the canonical value that it must equal. Raises ValidationException for any other condition."""
    tree = parse_condition(_KIND, text)
    # Compiled for the checks that it shares with all conditions.
    compile_tree(tree, kind=_KIND, binder=binder)
    equal: Item = {}
    for node in tree.conditions if isinstance(tree, And) else (tree,):
        path, reference = _equality(node)
        steps = binder.steps(_KIND, path)
        if len(steps) > 1:
            raise invalid(_KIND, f"{_KIND} cannot have conditions on nested attributes")
        name = str(steps[0])
        if name in equal:
            raise invalid(_KIND, f"{_KIND} must only contain one condition per attribute")
        equal[name] = binder.value(_KIND, reference)
    return equal


def _equality(node: ConditionNode) -> tuple[Path, ValueReference | Literal]:
    if isinstance(node, Between | In) or (isinstance(node, Comparison) and node.operator != "="):
        raise invalid(_KIND, f"Invalid comparator used in {_KIND}")
    if not isinstance(node, Comparison):
        operator = node.name if isinstance(node, FunctionCall) else _OPERATORS.get(type(node), "AND")
        raise _wrong_operator(operator)
    for path, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(path, Path) and isinstance(other, ValueReference | Literal):
            return path, other
    for operand in (node.left, node.right):
        if isinstance(operand, FunctionCall):
            raise _wrong_operator(operand.name)
    raise invalid(_KIND, f"A condition in {_KIND} must compare one attribute with one value")


def _wrong_operator(operator: str) -> ApiError:
    return invalid(_KIND, f"Invalid operator used in {_KIND}: {operator}")
