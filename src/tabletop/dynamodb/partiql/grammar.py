"""Text to ``Statement``. A text is parsed once: trees depend on it alone, and the most recent ones are kept.

    SELECT * | path, ... FROM table[.index] [WHERE condition] [ORDER BY key [ASC | DESC], ...]
    INSERT INTO table VALUE {...} | ?
    UPDATE table (SET path = new, ... | REMOVE path, ...) ... WHERE condition [RETURNING (ALL | MODIFIED) (OLD | NEW) *]
    DELETE FROM table WHERE condition [RETURNING ALL OLD *]
    EXISTS(SELECT ...)

Keywords and functions in any case; names as they are written.
"""

from __future__ import annotations

from collections.abc import Callable

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.tree import ConditionNode, FunctionCall, Path, ValueReference
from tabletop.dynamodb.parse_cache import kept
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.assignments import actions
from tabletop.dynamodb.partiql.conditions import where
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import malformed, refused, unsupported
from tabletop.dynamodb.partiql.operands import begins_value, operand, value
from tabletop.dynamodb.partiql.tree import (
    Clauses,
    Delete,
    Exists,
    Insert,
    OrderTerm,
    Part,
    Returning,
    Select,
    Source,
    Statement,
    Update,
)
from tabletop.dynamodb.partiql.words import KEYWORDS, OPERATORS, UNSUPPORTED_CLAUSES

_RETURNING: dict[tuple[str, str], Returning] = {
    ("all", "old"): "ALL_OLD",
    ("all", "new"): "ALL_NEW",
    ("modified", "old"): "UPDATED_OLD",
    ("modified", "new"): "UPDATED_NEW",
}


_WRITTEN = {returning: ("RETURNING", scope.upper(), age.upper(), "*") for (scope, age), returning in _RETURNING.items()}


@kept
def parse(text: str) -> Statement:
    """Raises ValidationException."""
    cursor = Cursor(text)
    read = _CLAUSES.get(cursor.word())
    if read is None:
        raise _no_statement(cursor)
    cursor.next()
    clauses = read(cursor)
    if cursor.accept(";") and cursor.token.kind != "end":
        raise malformed(errors.SECOND_STATEMENT)
    if cursor.token.kind != "end":
        raise _unexpected_clause(cursor)
    return Statement(clauses, cursor.parameters, tuple(cursor.composites))


def _unexpected_clause(cursor: Cursor) -> ApiError:
    if cursor.word() in UNSUPPORTED_CLAUSES:
        return unsupported(f"clause: {cursor.token.text.upper()}")
    return malformed(errors.UNEXPECTED_AFTER)


def _no_statement(cursor: Cursor) -> ApiError:
    """What does not begin with a statement's keyword is read as an expression, which alone is no statement."""
    if cursor.word() in ("set", "remove"):
        return refused(errors.ONE_SOURCE) if actions(cursor).actions else cursor.unexpected()
    if cursor.token.kind == "end":
        return malformed(errors.EXPECTED_STATEMENT)
    if cursor.word() in KEYWORDS and not begins_value(cursor):
        return malformed(errors.UNEXPECTED_KEYWORD if cursor.behind.kind == "end" else errors.UNEXPECTED_AFTER)
    kind = _OPERATIONS.get(cursor.token.kind, "Lit")
    expression = operand(cursor)
    if isinstance(expression, Path):
        kind = "Id" if len(expression.elements) == 1 else "Path"
    if cursor.token.kind in OPERATORS or cursor.word() in OPERATORS or isinstance(expression, FunctionCall):
        return refused(errors.EXISTS_OUTSIDE)
    if cursor.token.kind != "end":
        return malformed(errors.UNEXPECTED_AFTER)
    return refused(errors.UNSUPPORTED_OPERATION.format(kind=kind))


def _select(cursor: Cursor) -> Select:
    if cursor.token.kind == "end":
        raise malformed(errors.UNEXPECTED_TERM)
    columns = None if cursor.accept("*") else _columns(cursor)
    cursor.take_word("from")
    if cursor.token.kind == "end":
        raise malformed(errors.UNEXPECTED_TERM)
    source = cursor.source()
    cursor.refuse_alias()
    if cursor.accept(","):
        # Recalled.
        raise refused(errors.ONE_SOURCE)
    return Select(source, columns, _where(cursor), _order(cursor))


def _columns(cursor: Cursor) -> tuple[Path, ...]:
    if cursor.word() in ("distinct", "value", "all"):
        raise unsupported(f"clause: {cursor.token.text.upper()}")
    columns = [_column(cursor)]
    while cursor.accept(","):
        columns.append(_column(cursor))
    return tuple(columns)


def _column(cursor: Cursor) -> Path:
    if cursor.token.kind == "word" and cursor.behind.kind == "(":
        raise cursor.refused(errors.UNEXPECTED_PATH, cursor.token)
    column = cursor.path()
    if cursor.word() == "as":
        raise unsupported("clause: AS")
    return column


def _order(cursor: Cursor) -> tuple[OrderTerm, ...]:
    if not cursor.accept_word("order"):
        return ()
    cursor.take_word("by")
    terms = [_order_term(cursor)]
    while cursor.accept(","):
        terms.append(_order_term(cursor))
    return tuple(terms)


def _order_term(cursor: Cursor) -> OrderTerm:
    start = cursor.token
    attribute = cursor.name()
    if cursor.token.kind in (".", "["):
        raise cursor.refused(errors.ORDER_BY_PATH, start)
    descending = cursor.accept_word("desc")
    if not descending:
        cursor.accept_word("asc")
    if cursor.accept_word("nulls") and not cursor.accept_word("first"):
        # Keys are never null: it changes nothing.
        cursor.take_word("last")
    return OrderTerm(attribute, descending)


def _insert(cursor: Cursor) -> Insert:
    if not cursor.accept_word("into"):
        raise malformed(errors.UNEXPECTED_KEYWORD)
    source = cursor.source()
    if source.index is not None:
        raise cursor.refused(errors.INSERT_ON_INDEX, cursor.tokens[2])
    cursor.take_word("value")
    if cursor.token.kind == "?":
        item = value(cursor)
        assert isinstance(item, ValueReference)
        return Insert(source, item)
    cursor.take("{")
    attributes: dict[str, Part] = {}
    while cursor.token.kind != "}":
        if attributes:
            cursor.take(",")
        name = cursor.take("string").text
        cursor.take(":")
        if not name:
            raise refused(errors.EMPTY_NAME)
        if name in attributes:
            raise refused(errors.DUPLICATE_NAME)
        attributes[name] = value(cursor)
        if cursor.token.kind not in (",", "}"):
            break
    cursor.take("}")
    return Insert(source, tuple(attributes.items()))


def _update(cursor: Cursor) -> Update:
    if cursor.token.kind == "end":
        raise malformed(errors.EXPECTED_IDENTIFIER)
    source = _table(cursor)
    changes = actions(cursor)
    if not changes.actions:
        raise malformed(errors.EXPECTED_STATEMENT)
    return Update(source, changes, _where(cursor), _returning(cursor))


def _from(cursor: Cursor) -> Update:
    """FROM table [WHERE condition] (SET ... | REMOVE ...) ...: the same as an UPDATE."""
    source = _table(cursor)
    if cursor.word() == "where" and cursor.behind.text.lower() in ("set", "remove"):
        raise malformed(errors.EXPECTED_STATEMENT)
    found = _where(cursor)
    changes = actions(cursor)
    if not changes.actions:
        raise malformed(errors.EXPECTED_STATEMENT)
    return Update(source, changes, found, _returning(cursor))


def _delete(cursor: Cursor) -> Delete:
    if not cursor.accept_word("from"):
        raise malformed(errors.EXPECTED_FROM)
    source = _table(cursor)
    found = _where(cursor)
    returning = _returning(cursor)
    if returning not in (None, "ALL_OLD"):
        raise refused(errors.RETURNING_OF_DELETE.format(clause=" ".join(_WRITTEN[returning])))
    return Delete(source, found, returning)


def _exists(cursor: Cursor) -> Exists:
    cursor.take("(")
    cursor.take_word("select")
    select = _select(cursor)
    cursor.take(")")
    return Exists(select)


def _table(cursor: Cursor) -> Source:
    source = cursor.source()
    cursor.refuse_alias()
    if source.index is not None:
        raise refused(errors.WRITE_ON_INDEX)
    return source


def _where(cursor: Cursor) -> ConditionNode | None:
    return where(cursor) if cursor.accept_word("where") else None


def _returning(cursor: Cursor) -> Returning | None:
    if not cursor.accept_word("returning"):
        return None
    scope = cursor.word()
    cursor.next()
    returning = _RETURNING.get((scope, cursor.word()))
    if returning is None:
        raise cursor.unexpected()
    cursor.next()
    cursor.take("*")
    return returning


_OPERATIONS = {"[": "List", "{": "Struct", "<<": "Bag", "?": "Parameter"}
"""First token of an expression that is no statement -> what messages call it."""

_CLAUSES: dict[str, Callable[[Cursor], Clauses]] = {
    "select": _select,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "from": _from,
    "exists": _exists,
}
