"""Alternatives of a SELECT that would read a key twice: AWS refuses them.

    pk = 'a' OR pk = 'a'                                        the same partition twice
    pk IN ['a', 'a']
    pk = 'a' AND sk <= 2 OR pk = 'a' AND sk >= 2                both have 2
    pk = 'a' AND sk < 2 OR pk = 'a' AND sk >= 2                 fine

AWS looks where every alternative fixes the partition key, and not where one has two different conditions on the sort
key, or a negated one, or ``<>`` (recorded in October 2026 by the authors of dynoxide). Keys of several attributes are not
looked at (ours).
"""

from __future__ import annotations

from itertools import pairwise, product

from tabletop.dynamodb.expressions import Binder, KeyCondition
from tabletop.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    FunctionCall,
    In,
    Not,
    Operand,
    Or,
    Path,
)
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.ranges import partition_span
from tabletop.dynamodb.partiql.wheres import check_key_conditions, key_condition
from tabletop.dynamodb.schema import Index, Table

_ALTERNATIVES_MAX = 256
"""Of more the clause is not looked at (ours)."""

Alternative = tuple[ConditionNode, ...]


def refuse_overlaps(where: ConditionNode | None, binder: Binder, table: Table, index: Index | None) -> None:
    """Raises ValidationException."""
    hash_attributes = table.hash_attributes if index is None else index.hash
    range_attributes = table.range_attributes if index is None else index.range
    if where is None or len(hash_attributes) != 1 or len(range_attributes) > 1:
        return
    names = {attribute.name for attribute in (*hash_attributes, *range_attributes)}
    alternatives = _alternatives(where, names)
    if alternatives is None or len(alternatives) < 2:
        return
    ranges: list[tuple[KeyCondition, list[KeyCondition]]] = []
    for alternative in alternatives:
        conditions = [key_condition(node, binder) for node in alternative]
        partition = [
            each
            for each in conditions
            if each is not None and each.operator == "=" and each.attribute == hash_attributes[0].name
        ]
        sort: list[KeyCondition] = []
        for node, condition in zip(alternative, conditions, strict=True):
            if range_attributes and _names(node) == range_attributes[0].name:
                if condition is None:
                    return
                if condition not in sort:
                    sort.append(condition)
        if len(sort) > 1 or not partition:
            return
        ranges.append((partition[0], sort))
    for partition_key, sort in ranges:
        check_key_conditions(hash_attributes, [partition_key])
        check_key_conditions(range_attributes, sort)
    spans = sorted(partition_span(table, index, [partition_key], sort) for partition_key, sort in ranges)
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise refused(errors.OVERLAPPING)


def _alternatives(node: ConditionNode, names: set[str]) -> list[Alternative] | None:
    """The conjunctions, one of which must hold; an OR that names no key is one condition. None: too many."""
    if isinstance(node, Or) and _speaks_of(node, names):
        found = [_alternatives(each, names) for each in node.conditions]
        if any(each is None for each in found):
            return None
        merged = [alternative for each in found if each is not None for alternative in each]
        return merged if len(merged) <= _ALTERNATIVES_MAX else None
    if isinstance(node, And):
        parts = [_alternatives(each, names) for each in node.conditions]
        count = 1
        for part in parts:
            count *= len(part or ())
        if not 0 < count <= _ALTERNATIVES_MAX:
            return None
        chosen = [part for part in parts if part is not None]
        return [tuple(one for each in combination for one in each) for combination in product(*chosen)]
    if isinstance(node, In) and _names(node) in names and len(node.options) <= _ALTERNATIVES_MAX:
        return [(Comparison("=", node.operand, option),) for option in node.options]
    return [(node,)]


def _speaks_of(node: ConditionNode, names: set[str]) -> bool:
    if isinstance(node, And | Or):
        return any(_speaks_of(each, names) for each in node.conditions)
    return _names(node) in names


def _names(node: ConditionNode) -> str | None:
    """The top-level attribute that a condition of a key's form is on, negated or not."""
    if isinstance(node, Not):
        return _names(node.condition)
    operands: tuple[Operand, ...] = ()
    if isinstance(node, Comparison):
        operands = (node.left, node.right)
    elif isinstance(node, Between | In):
        operands = (node.operand,)
    elif isinstance(node, FunctionCall) and node.name == "begins_with":
        operands = node.operands[:1]
    named = (str(each.elements[0]) for each in operands if isinstance(each, Path) and len(each.elements) == 1)
    return next(named, None)
