"""Text to tree: the grammars of conditions, projections and updates.

Conditions are read with a stack of operators and not by
recursion, since 300 operators may nest as deep as that in parentheses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletop.dynamodb.expressions.cursor import REDUNDANT_PARENTHESES, Cursor
from tabletop.dynamodb.expressions.errors import invalid, wrong_function_use
from tabletop.dynamodb.expressions.lexer import EXPRESSION_BYTES_MAX
from tabletop.dynamodb.expressions.tree import (
    Action,
    Add,
    And,
    Arithmetic,
    Between,
    Comparison,
    ConditionNode,
    Delete,
    FunctionCall,
    In,
    Not,
    Operand,
    Or,
    ProjectionTree,
    Remove,
    Set,
    UpdateTree,
    ValueReference,
)
from tabletop.dynamodb.parse_cache import kept

IN_OPTIONS_MAX = 100

_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">="))
_CONDITION_KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
_PRECEDENCE = {"(": 0, "OR": 1, "AND": 2, "NOT": 3}


@kept
def parse_condition(kind: str, text: str) -> ConditionNode:
    cursor = _open(kind, text)
    tree = _condition(cursor)
    cursor.finish()
    return tree


@kept
def parse_projection(kind: str, text: str) -> ProjectionTree:
    cursor = _open(kind, text)
    paths = _separated(cursor, Cursor.path)
    cursor.finish()
    return ProjectionTree(tuple(paths))


@kept
def parse_update(kind: str, text: str) -> UpdateTree:
    cursor = _open(kind, text)
    actions: list[Action] = []
    seen: set[str] = set()
    while cursor.token.kind != "end" or not seen:
        section = cursor.keyword()
        read = _SECTIONS.get(section)
        if read is None:
            raise cursor.syntax_error()
        if section in seen:
            cursor.note(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        cursor.next()
        actions += _separated(cursor, read)
    cursor.finish()
    return UpdateTree(tuple(actions))


def _open(kind: str, text: str) -> Cursor:
    if not text:
        raise invalid(kind, "The expression can not be empty;")
    size_bytes = len(text) if text.isascii() else len(text.encode())
    if size_bytes > EXPRESSION_BYTES_MAX:
        message = f"Expression size has exceeded the maximum allowed size; expression size: {size_bytes}"
        raise invalid(kind, message)
    return Cursor(kind, text)


def _separated(cursor: Cursor, read: Callable[[Cursor], Any]) -> list[Any]:
    """One or more of the same, with commas between them."""
    members = [read(cursor)]
    while cursor.token.kind == ",":
        cursor.next()
        members.append(read(cursor))
    return members


def _condition(cursor: Cursor) -> ConditionNode:
    operators: list[str] = []
    nodes: list[ConditionNode] = []
    wrapped: ConditionNode | None = None
    """The condition that a pair of parentheses was closed around last."""
    while True:
        if cursor.keyword() == "NOT":
            cursor.count_operator()
            operators.append("NOT")
            cursor.next()
            continue
        if cursor.token.kind == "(" and not _begins_with_operand(cursor):
            operators.append("(")
            cursor.next()
            continue
        nodes.append(_predicate(cursor))
        while cursor.token.kind == ")" and "(" in operators:
            _reduce(operators, nodes, "(")
            operators.pop()
            if nodes[-1] is wrapped:
                cursor.note(REDUNDANT_PARENTHESES)
            wrapped = nodes[-1]
            cursor.next()
        word = cursor.keyword()
        if word not in ("AND", "OR"):
            if "(" in operators:
                raise cursor.syntax_error()
            _reduce(operators, nodes, "")
            (tree,) = nodes
            return tree
        cursor.count_operator()
        _reduce(operators, nodes, word)
        operators.append(word)
        cursor.next()


def _reduce(operators: list[str], nodes: list[ConditionNode], before: str) -> None:
    """Apply the operators on the stack that bind at least as tightly as the one that comes; "" applies all."""
    least = _PRECEDENCE.get(before, 0) or 1
    while operators and _PRECEDENCE[operators[-1]] >= least:
        operator = operators.pop()
        right = nodes.pop()
        if operator == "NOT":
            nodes.append(Not(right))
        elif operator == "AND":
            nodes.append(And(_joined(And, nodes.pop(), right)))
        else:
            nodes.append(Or(_joined(Or, nodes.pop(), right)))


def _joined(joint: type[And] | type[Or], left: ConditionNode, right: ConditionNode) -> tuple[ConditionNode, ...]:
    """Members of both sides in one row: "a OR (b OR c)" is no deeper than "a OR b OR c"."""
    before = left.conditions if isinstance(left, joint) else (left,)
    return before + (right.conditions if isinstance(right, joint) else (right,))


def _begins_with_operand(cursor: Cursor) -> bool:
    """Whether the parenthesis here holds an operand, "(a) = :b", and not a condition."""
    if cursor.tokens[cursor.at + 1].kind not in ("name", "name_reference", "value_reference"):
        return False
    behind = cursor.token_behind_operand(cursor.at)
    return behind is not None and (behind.kind in _COMPARISONS or behind.text.upper() in ("BETWEEN", "IN"))


def _predicate(cursor: Cursor) -> ConditionNode:
    left = _condition_operand(cursor)
    operator = cursor.token.kind
    if operator in _COMPARISONS:
        cursor.count_operator()
        cursor.next()
        return Comparison(operator, left, _condition_operand(cursor))  # type: ignore[arg-type]
    word = cursor.keyword()
    if word == "BETWEEN":
        cursor.count_operator()
        cursor.next()
        lower = _condition_operand(cursor)
        if cursor.keyword() != "AND":
            raise cursor.syntax_error()
        cursor.next()
        return Between(left, lower, _condition_operand(cursor))
    if word == "IN":
        cursor.count_operator()
        cursor.next()
        options = cursor.operands()
        if len(options) > IN_OPTIONS_MAX:
            # The words are recalled from users' reports; that the first operand counts is inferred.
            cursor.note(f"The IN operator is provided with too many operands; number of operands: {len(options) + 1}")
        return In(left, options)
    if isinstance(left, FunctionCall):
        return left
    raise cursor.syntax_error()


def _condition_operand(cursor: Cursor) -> Operand:
    if cursor.keyword() in _CONDITION_KEYWORDS:
        raise cursor.syntax_error()
    return cursor.operand()


def _set(cursor: Cursor) -> Set:
    path = cursor.path()
    cursor.take("=")
    return Set(path, _set_value(cursor))


def _set_value(cursor: Cursor) -> Operand | Arithmetic:
    """An operand, or the sum or difference of two; either may be in parentheses as a whole."""
    if cursor.token.kind == "(" and _wraps_arithmetic(cursor):
        cursor.next()
        value = _set_value(cursor)
        cursor.take(")")
        return value
    left = cursor.operand()
    operator = cursor.token.kind
    if operator not in ("+", "-"):
        if isinstance(left, FunctionCall) and left.name == "list_append":
            _refuse_nested_appends(cursor, left)
        return left
    cursor.count_operator()
    cursor.next()
    return Arithmetic(operator, left, cursor.operand())  # type: ignore[arg-type]


def _wraps_arithmetic(cursor: Cursor) -> bool:
    """Whether the parenthesis here holds a sum or difference."""
    behind = cursor.token_behind_operand(cursor.at + 1)
    return behind is not None and behind.kind in ("+", "-")


def _refuse_nested_appends(cursor: Cursor, call: FunctionCall) -> None:
    if any(isinstance(operand, FunctionCall) and operand.name == "list_append" for operand in call.operands):
        cursor.faults.append(wrong_function_use(cursor.kind, "list_append"))


def _remove(cursor: Cursor) -> Remove:
    return Remove(cursor.path())


def _add(cursor: Cursor) -> Add:
    path = cursor.path()
    return Add(path, ValueReference(cursor.take("value_reference").text))


def _delete(cursor: Cursor) -> Delete:
    path = cursor.path()
    return Delete(path, ValueReference(cursor.take("value_reference").text))


_SECTIONS: dict[str, Callable[[Cursor], Action]] = {"SET": _set, "REMOVE": _remove, "ADD": _add, "DELETE": _delete}
