"""SET and REMOVE of an UPDATE, as the actions of an update expression.

    SET path = operand [(+ | -) operand], ...
    REMOVE path
    SET path = list_append(operand, operand) | set_add(path, set) | set_delete(path, set)

The set functions become ADD and DELETE, which change what their path holds: so the path must be their first argument.
"""

from __future__ import annotations

from typing import Literal as OneOf

from tabletop.dynamodb.expressions.tree import (
    Action,
    Add,
    Arithmetic,
    Delete,
    FunctionCall,
    Literal,
    Operand,
    Path,
    Remove,
    Set,
    UpdateTree,
    ValueReference,
)
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.lexer import Token
from tabletop.dynamodb.partiql.operands import arguments, operand
from tabletop.dynamodb.partiql.words import CHANGES


def actions(cursor: Cursor) -> UpdateTree:
    """All SET and REMOVE clauses, in the order written; none if there is none."""
    found: list[Action] = []
    while True:
        if cursor.accept_word("set"):
            found.append(_assignment(cursor))
            while cursor.accept(","):
                found.append(_assignment(cursor))
        elif cursor.accept_word("remove"):
            found.append(Remove(cursor.path()))
        else:
            return UpdateTree(tuple(found))


def _assignment(cursor: Cursor) -> Action:
    path = cursor.path()
    cursor.take("=")
    name = cursor.word()
    if name in CHANGES and cursor.behind.kind == "(":
        call = cursor.next()
        start = cursor.behind
        given = arguments(cursor)
        if name == "list_append":
            if len(given) != 2:
                raise refused(errors.OPERAND_COUNT.format(function=name, count=len(given)))
            return Set(path, FunctionCall(name, given))
        return _set_change(cursor, path, given, call, start)
    left = operand(cursor)
    sign = cursor.token.kind
    if sign in ("+", "-"):
        cursor.next()
        operator: OneOf["+", "-"] = "+" if sign == "+" else "-"
        return Set(path, Arithmetic(operator, left, operand(cursor)))
    return Set(path, left)


def _set_change(cursor: Cursor, path: Path, given: tuple[Operand, ...], call: Token, start: Token) -> Action:
    """``call``: the function's name; ``start``: the first token of its first argument."""
    name = call.text.upper()
    if len(given) != 2:
        raise cursor.refused(errors.SET_ARGUMENTS.format(function=name), call)
    if given[0] != path:
        raise cursor.refused(errors.SET_ELSEWHERE.format(function=name), call)
    members = given[1]
    if not isinstance(members, Literal | ValueReference) or (
        isinstance(members, Literal) and members.value.keys().isdisjoint(("SS", "NS", "BS"))
    ):
        raise cursor.refused(errors.SET_WANTED.format(function=name), start)
    return Add(path, members) if name == "SET_ADD" else Delete(path, members)
