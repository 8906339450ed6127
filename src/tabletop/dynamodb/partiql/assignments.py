"""SET and REMOVE of an UPDATE, as the actions of an update expression.

    SET path = operand [(+ | -) operand]
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
            while cursor.accept(","):
                found.append(Remove(cursor.path()))
        else:
            return UpdateTree(tuple(found))


def _assignment(cursor: Cursor) -> Action:
    path = cursor.path()
    cursor.take("=")
    name = cursor.word()
    if name in CHANGES and cursor.behind.kind == "(":
        cursor.next()
        first, second = arguments(cursor, name, 2)
        if name == "list_append":
            return Set(path, FunctionCall(name, (first, second)))
        return _set_change(name, path, first, second)
    left = operand(cursor)
    sign = cursor.token.kind
    if sign in ("+", "-"):
        cursor.next()
        operator: OneOf["+", "-"] = "+" if sign == "+" else "-"
        return Set(path, Arithmetic(operator, left, operand(cursor)))
    return Set(path, left)


def _set_change(name: str, path: Path, first: Operand, second: Operand) -> Action:
    if first != path or not isinstance(second, Literal | ValueReference):
        raise refused(errors.CHANGE_ELSEWHERE.format(function=name))
    return Add(path, second) if name == "set_add" else Delete(path, second)
