"""The grammar of WHERE, from OR down to a single comparison, as trees that all expressions share.

condition   conjunct {OR conjunct}
conjunct    negation {AND negation}
negation    NOT negation | ( condition ) | comparison
comparison  operand (= | <> | != | < | <= | > | >=) operand
            operand [NOT] BETWEEN operand AND operand
            operand [NOT] IN [operand, ...] | (operand, ...) | <<operand, ...>>
            operand IS [NOT] (MISSING | NULL | type)
            begins_with(operand, operand) | contains(...) | attribute_type(...) ...: alone, or compared as a Boolean
"""

from __future__ import annotations

from typing import Any

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
    Truth,
)
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import malformed, refused
from tabletop.dynamodb.partiql.lexer import Token
from tabletop.dynamodb.partiql.operands import operand, right_side
from tabletop.dynamodb.partiql.words import LONG_TYPES, TYPES, UNSUPPORTED_TYPES

OPTIONS_MAX = 100
OPERATORS_MAX = 300
_OPERATORS: dict[str, Any] = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CLOSING = {"[": "]", "(": ")", "<<": ">>"}


def where(cursor: Cursor) -> ConditionNode:
    """A whole WHERE clause."""
    found = condition(cursor)
    if cursor.operators > OPERATORS_MAX:
        raise refused(errors.TOO_MANY_OPERATORS.format(count=cursor.operators))
    return found


def condition(cursor: Cursor) -> ConditionNode:
    first = _conjunction(cursor)
    members = [first]
    while cursor.accept_word("or"):
        _operator(cursor)
        members.append(_conjunction(cursor))
    return first if len(members) == 1 else Or(_flat(Or, members))


def _conjunction(cursor: Cursor) -> ConditionNode:
    first = _negation(cursor)
    members = [first]
    while cursor.accept_word("and"):
        _operator(cursor)
        members.append(_negation(cursor))
    return first if len(members) == 1 else And(_flat(And, members))


def _operator(cursor: Cursor) -> None:
    """Count the operator before the one here, and see that something is behind it."""
    cursor.operators += 1
    if cursor.token.kind == "end":
        raise malformed(errors.MISSING_RIGHT_SIDE)


def _flat(kind: type[And] | type[Or], members: list[ConditionNode]) -> tuple[ConditionNode, ...]:
    flat: list[ConditionNode] = []
    for member in members:
        if isinstance(member, kind):
            flat += member.conditions
        else:
            flat.append(member)
    return tuple(flat)


def _negation(cursor: Cursor) -> ConditionNode:
    if cursor.accept_word("not"):
        cursor.operators += 1
        with cursor.level():
            return Not(_negation(cursor))
    if cursor.token.kind == "(" and _holds_condition(cursor):
        cursor.next()
        with cursor.level():
            inner = condition(cursor)
        cursor.take(")")
        return inner
    return _comparison(cursor)


def _holds_condition(cursor: Cursor) -> bool:
    """Whether the parenthesis here holds a condition, and not an operand that is compared behind it.

    It holds an operand if what follows its closing parenthesis compares.
    """
    depth = 0
    for at in range(cursor.at, len(cursor.tokens)):
        kind = cursor.tokens[at].kind
        if kind == "(":
            depth += 1
        elif kind == ")":
            depth -= 1
            if depth == 0:
                token = cursor.tokens[at + 1]
                return token.kind not in _OPERATORS and token.text.lower() not in ("is", "in", "between", "not")
    return True


def _comparison(cursor: Cursor) -> ConditionNode:
    start = cursor.token
    left = operand(cursor)
    operator = _OPERATORS.get(cursor.token.kind)
    if operator is not None:
        cursor.next()
        cursor.operators += 1
        if cursor.word() == "missing":
            raise refused(errors.MISSING_COMPARED)
        return Comparison(operator, _compared(left), _compared(right_side(cursor)))
    if cursor.accept_word("is"):
        return _tested_type(cursor, left, start)
    if cursor.word() == "not" and cursor.behind.text.lower() in ("between", "in"):
        cursor.next()
        cursor.operators += 1
        return Not(_range_or_options(cursor, left))
    if cursor.word() in ("between", "in"):
        return _range_or_options(cursor, left)
    if isinstance(left, FunctionCall) and left.name != "size":
        return left
    if isinstance(left, FunctionCall) and cursor.token.kind == "end":
        raise refused(errors.NO_BOOLEAN)
    raise cursor.unexpected() if cursor.token.kind == "end" else malformed(errors.UNEXPECTED_AFTER)


def _compared(side: Operand) -> Operand:
    """An operand as it is compared: a condition's function is the Boolean that it is (recorded in October 2026)."""
    return Truth(side) if isinstance(side, FunctionCall) and side.name != "size" else side


def _tested_type(cursor: Cursor, left: Operand, start: Token) -> ConditionNode:
    negated = cursor.accept_word("not")
    cursor.operators += 1 + negated
    if not isinstance(left, Path):
        raise malformed(errors.UNEXPECTED_TERM)
    name = cursor.word()
    name = LONG_TYPES.get((name, cursor.behind.text.lower()), name)
    if name in UNSUPPORTED_TYPES:
        raise cursor.refused(errors.UNSUPPORTED_TYPE.format(name=UNSUPPORTED_TYPES[name]), start)
    if name != "missing" and name not in TYPES:
        raise malformed(errors.EXPECTED_TYPE)
    cursor.next()
    if name == "missing":
        return FunctionCall("attribute_exists" if negated else "attribute_not_exists", (left,))
    test = FunctionCall("attribute_type", (left, Literal({"S": TYPES[name]})))
    return Not(test) if negated else test


def _range_or_options(cursor: Cursor, left: Operand) -> ConditionNode:
    left = _compared(left)
    if cursor.accept_word("between"):
        cursor.operators += 1
        lower = _compared(operand(cursor))
        if not cursor.accept_word("and"):
            raise malformed(errors.EXPECTED_AND)
        return Between(left, lower, _compared(operand(cursor)))
    cursor.take_word("in")
    cursor.operators += 1
    closing = _CLOSING.get(cursor.token.kind)
    if closing is None:
        raise cursor.unexpected()
    cursor.next()
    options = [_compared(operand(cursor))]
    while cursor.accept(","):
        options.append(_compared(operand(cursor)))
    cursor.take(closing)
    if len(options) > OPTIONS_MAX:
        raise refused(errors.TOO_MANY_OPTIONS.format(count=len(options)))
    return In(left, tuple(options))
