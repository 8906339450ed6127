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
from functools import lru_cache

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.tree import ConditionNode, Path, ValueReference
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.assignments import actions
from tabletop.dynamodb.partiql.conditions import condition
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import malformed, refused, unsupported
from tabletop.dynamodb.partiql.operands import value
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
from tabletop.dynamodb.partiql.words import UNSUPPORTED_CLAUSES

STATEMENTS_KEPT = 1024

_RETURNING: dict[tuple[str, str], Returning] = {
    ("all", "old"): "ALL_OLD",
    ("all", "new"): "ALL_NEW",
    ("modified", "old"): "UPDATED_OLD",
    ("modified", "new"): "UPDATED_NEW",
}


@lru_cache(maxsize=STATEMENTS_KEPT)
def parse(text: str) -> Statement:
    """Raises ValidationException."""
    cursor = Cursor(text)
    read = _CLAUSES.get(cursor.word())
    if read is None:
        raise malformed(errors.EXPECTED_STATEMENT)
    cursor.next()
    clauses = read(cursor)
    cursor.accept(";")
    if cursor.token.kind != "end":
        raise _unexpected_clause(cursor)
    return Statement(clauses, cursor.parameters, tuple(cursor.composites))


def _unexpected_clause(cursor: Cursor) -> ApiError:
    if cursor.word() in UNSUPPORTED_CLAUSES:
        return unsupported(f"clause: {cursor.token.text.upper()}")
    return cursor.unexpected()


def _select(cursor: Cursor) -> Select:
    columns = None if cursor.accept("*") else _columns(cursor)
    cursor.take_word("from")
    source = cursor.source()
    if cursor.accept(","):
        raise unsupported("clause: JOIN")
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
        raise unsupported(f"function: {cursor.word()}")
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
    attribute = cursor.name()
    descending = cursor.accept_word("desc")
    if not descending:
        cursor.accept_word("asc")
    return OrderTerm(attribute, descending)


def _insert(cursor: Cursor) -> Insert:
    cursor.take_word("into")
    source = _table(cursor)
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
        if name in attributes:
            raise refused(errors.DUPLICATE_NAME)
        attributes[name] = value(cursor)
    cursor.take("}")
    return Insert(source, tuple(attributes.items()))


def _update(cursor: Cursor) -> Update:
    source = _table(cursor)
    changes = actions(cursor)
    if not changes.actions:
        raise malformed(errors.EXPECTED_STATEMENT)
    return Update(source, changes, _where(cursor), _returning(cursor))


def _delete(cursor: Cursor) -> Delete:
    cursor.take_word("from")
    source = _table(cursor)
    where = _where(cursor)
    returning = _returning(cursor)
    if returning not in (None, "ALL_OLD"):
        raise unsupported("RETURNING clause: DELETE allows ALL OLD * only")
    return Delete(source, where, returning)


def _exists(cursor: Cursor) -> Exists:
    cursor.take("(")
    cursor.take_word("select")
    select = _select(cursor)
    cursor.take(")")
    return Exists(select)


def _table(cursor: Cursor) -> Source:
    source = cursor.source()
    if source.index is not None:
        raise refused(errors.WRITE_ON_INDEX)
    return source


def _where(cursor: Cursor) -> ConditionNode | None:
    return condition(cursor) if cursor.accept_word("where") else None


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


_CLAUSES: dict[str, Callable[[Cursor], Clauses]] = {
    "select": _select,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "exists": _exists,
}
