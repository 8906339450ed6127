"""What a WHERE clause asks of the keys, and what is left of it for the filter or condition.

Only what holds for every item that matches counts: the clause itself, or a member of its outermost AND. A partition is
fixed by ``=`` on each partition key attribute; several are by IN, or by an OR of nothing but ``=``, on the only one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.dynamodb import key_schema
from tabletop.dynamodb.expressions import Binder, KeyCondition
from tabletop.dynamodb.expressions.tree import (
    And,
    Between,
    Comparison,
    ConditionNode,
    FunctionCall,
    In,
    Literal,
    Operand,
    Or,
    Path,
    ValueReference,
)
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.schema import KeyAttribute, Table

KIND = ""
"""The messages of the expression compiler begin with nothing here (recorded in October 2026, as in ``errors``)."""
PARTITIONS_MAX = 50

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(slots=True)
class KeyUse:
    partitions: list[list[KeyCondition]] | None
    """For each partition to read the equalities that name it; None: all partitions."""
    sort: list[KeyCondition]
    """Conditions on sort key attributes: equalities on the first ones, then all others on the one behind those."""
    rest: list[ConditionNode]
    """What the keys do not settle."""


def conjuncts(where: ConditionNode | None) -> list[ConditionNode]:
    if where is None:
        return []
    return list(where.conditions) if isinstance(where, And) else [where]


def conjunction(nodes: list[ConditionNode]) -> ConditionNode | None:
    if not nodes:
        return None
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def use_of_keys(
    where: ConditionNode | None,
    binder: Binder,
    hash_attributes: tuple[KeyAttribute, ...],
    range_attributes: tuple[KeyAttribute, ...],
) -> KeyUse:
    rest = conjuncts(where)
    conditions = [(node, key_condition(node, binder)) for node in rest]
    equal: list[KeyCondition] = []
    for attribute in hash_attributes:
        found = _equality(conditions, attribute.name)
        if found is None:
            break
        rest.remove(found[0])
        equal.append(found[1])
    if len(equal) == len(hash_attributes):
        return KeyUse([equal], _sort_conditions(conditions, range_attributes, rest), rest)
    if len(hash_attributes) == 1:
        for node in rest:
            options = _options(node, hash_attributes[0].name, binder)
            if options is not None:
                rest.remove(node)
                return KeyUse(options, _sort_conditions(conditions, range_attributes, rest), rest)
    return KeyUse(None, [], conjuncts(where))


def full_key(where: ConditionNode | None, binder: Binder, table: Table) -> tuple[Item, list[ConditionNode]] | None:
    """The primary key that the clause fixes, and the rest of the clause; None where it does not fix all of it."""
    rest = conjuncts(where)
    conditions = [(node, key_condition(node, binder)) for node in rest]
    key: Item = {}
    for attribute in table.key_attributes:
        found = _equality(conditions, attribute.name)
        if found is None:
            return None
        rest.remove(found[0])
        key[attribute.name] = found[1].operands[0]
    return key, rest


def one_key(where: ConditionNode | None, binder: Binder, table: Table) -> tuple[Item, list[ConditionNode]] | None:
    """``full_key`` of a write: IN names no key for it, and two equalities on one attribute are refused."""
    for node in conjuncts(where):
        if isinstance(node, In) and _named(node.operand) in {attribute.name for attribute in table.key_attributes}:
            return None
    found = full_key(where, binder, table)
    if found is not None:
        for node in found[1]:
            condition = key_condition(node, binder)
            if condition is not None and condition.operator == "=" and condition.attribute in found[0]:
                raise refused(errors.SEVERAL_EQUALITIES.format(name=condition.attribute))
    return found


def _named(operand: Operand) -> str | None:
    """The top-level attribute that the operand is, if it is one."""
    return str(operand.elements[0]) if isinstance(operand, Path) and len(operand.elements) == 1 else None


def check_key_value(attribute: KeyAttribute, value: dict[str, Any]) -> None:
    """Refuse a value that the key attribute cannot have, in PartiQL's own words."""
    (kind,) = value
    if kind not in ("S", "N", "B"):
        raise refused(errors.KEY_OF_NO_TYPE.format(name=attribute.name, kind=kind))
    if kind != attribute.type:
        raise refused(errors.KEY_OF_OTHER_TYPE.format(name=attribute.name))


def check_key_conditions(attributes: tuple[KeyAttribute, ...], conditions: list[KeyCondition]) -> None:
    named = {attribute.name: attribute for attribute in attributes}
    for condition in conditions:
        for value in condition.operands:
            check_key_value(named[condition.attribute], value)


def check_key_sizes(equal: list[KeyCondition], sort: list[KeyCondition]) -> None:
    """Refuse what is longer than a key can be, where one partition is read; an OR of several finds nothing (recorded)."""
    key_schema.check_lengths(
        [value for condition in equal for value in condition.operands],
        [value for condition in sort for value in condition.operands],
    )


def key_condition(node: ConditionNode, binder: Binder) -> KeyCondition | None:
    """The condition as a key condition on its attribute, if it has the form of one."""
    if isinstance(node, Comparison) and node.operator != "<>":
        if isinstance(node.left, Path):
            return _condition_on(node.left, node.operator, (node.right,), binder)
        return _condition_on(node.right, _MIRRORED[node.operator], (node.left,), binder)
    if isinstance(node, Between):
        return _condition_on(node.operand, "BETWEEN", (node.lower, node.upper), binder)
    if isinstance(node, In) and len(node.options) == 1:
        return _condition_on(node.operand, "=", node.options, binder)
    if isinstance(node, FunctionCall) and node.name == "begins_with":
        return _condition_on(node.operands[0], "begins_with", node.operands[1:], binder)
    return None


def _condition_on(key: Operand, operator: str, operands: tuple[Operand, ...], binder: Binder) -> KeyCondition | None:
    if not isinstance(key, Path) or len(key.elements) > 1:
        return None
    bound = []
    for operand in operands:
        if not isinstance(operand, Literal | ValueReference):
            return None
        bound.append(binder.value(KIND, operand))
    return KeyCondition(str(key.elements[0]), operator, tuple(bound))


_Conditions = list[tuple[ConditionNode, KeyCondition | None]]


def _equality(conditions: _Conditions, name: str) -> tuple[ConditionNode, KeyCondition] | None:
    for node, condition in conditions:
        if condition is not None and condition.operator == "=" and condition.attribute == name:
            return node, condition
    return None


def _sort_conditions(
    conditions: _Conditions, range_attributes: tuple[KeyAttribute, ...], rest: list[ConditionNode]
) -> list[KeyCondition]:
    """The conditions that bound the sort key; takes them out of ``rest``."""
    used: list[KeyCondition] = []
    for attribute in range_attributes:
        found = _equality(conditions, attribute.name)
        if found is not None:
            rest.remove(found[0])
            used.append(found[1])
            continue
        for node, condition in conditions:
            if condition is not None and condition.attribute == attribute.name:
                rest.remove(node)
                used.append(condition)
        break
    return used


def _options(node: ConditionNode, name: str, binder: Binder) -> list[list[KeyCondition]] | None:
    """The partitions that an IN or an OR of equalities names, each once."""
    if isinstance(node, In):
        comparisons: list[ConditionNode] = [Comparison("=", node.operand, option) for option in node.options]
    elif isinstance(node, Or):
        comparisons = list(node.conditions)
    else:
        return None
    options: list[list[KeyCondition]] = []
    for comparison in comparisons:
        condition = key_condition(comparison, binder)
        if condition is None or condition.operator != "=" or condition.attribute != name:
            return None
        if [condition] not in options:
            options.append([condition])
    if len(options) > PARTITIONS_MAX:
        raise refused(errors.TOO_MANY_KEYS.format(most=PARTITIONS_MAX))
    return options
