"""What a caller's policies must allow for statements: an action by the kind of statement, on its table or index.

What each touches is taken from the statement as it is lowered to run. A statement that cannot be lowered touches
everything: it will be refused, and until then nothing is granted by what it does not name.
"""

from __future__ import annotations

from collections.abc import Iterable

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import compile_tree
from tabletop.dynamodb.operations.operation import local_table_name, table_arn
from tabletop.dynamodb.partiql.binding import Bound
from tabletop.dynamodb.partiql.columns import Columns
from tabletop.dynamodb.partiql.grammar import parse
from tabletop.dynamodb.partiql.tree import Clauses, Delete, Exists, Insert, Select, Update
from tabletop.dynamodb.partiql.wheres import KIND, use_of_keys
from tabletop.dynamodb.partiql.writes import lower_write, returning_of
from tabletop.dynamodb.touches import Touch, hash_attributes_of, shown_select, text_of, write_touch
from tabletop.storage.store import View

_ACTIONS: dict[type[Clauses], str] = {
    Select: "dynamodb:PartiQLSelect",
    Exists: "dynamodb:PartiQLSelect",
    Insert: "dynamodb:PartiQLInsert",
    Update: "dynamodb:PartiQLUpdate",
    Delete: "dynamodb:PartiQLDelete",
}


def statement_targets(texts: list[str], call: Call) -> list[tuple[str, str]]:
    """Statements that do not parse need nothing: the operation will refuse them."""
    targets = []
    for text in texts:
        try:
            statement = parse(text)
        except ApiError:
            continue
        source = statement.source
        arn = table_arn(call, source.table)
        if source.index is not None:
            arn = f"{arn}/index/{source.index}"
        targets.append((_ACTIONS[type(statement.clauses)], arn))
    return targets


def statement_touches(
    view: View, call: Call, members: Iterable[tuple[str, Bound | ApiError, bool]], enclosing: str | None = None
) -> list[Touch]:
    """``members``: text, bound statement, and whether a refusal shows the item. As many as ``statement_targets``."""
    touches = []
    for text, bound, shows_refused in members:
        try:
            parse(text)
        except ApiError:
            continue
        try:
            if isinstance(bound, ApiError):
                raise bound
            touches.append(_touch(view, call, bound, shows_refused, enclosing))
        except ApiError:
            touches.append(Touch(None, frozenset(), enclosing=enclosing))
    return touches


def _touch(view: View, call: Call, bound: Bound, shows_refused: bool, enclosing: str | None) -> Touch:
    clauses = bound.clauses
    if isinstance(clauses, Select):
        return _select_touch(view, call, clauses, bound, enclosing)
    write = lower_write(view, call, bound, return_old_on_refusal=shows_refused)
    touch = write_touch(view, call, write, returning_of(bound), None, enclosing=enclosing)
    if isinstance(clauses, Exists) and clauses.select.columns is not None:
        touch.attributes |= Columns(clauses.select.columns).top_level_attributes
    return touch


def _select_touch(view: View, call: Call, select: Select, bound: Bound, enclosing: str | None) -> Touch:
    columns = None if select.columns is None else Columns(select.columns)
    attributes = frozenset(term.attribute for term in select.order)
    if columns is not None:
        attributes |= columns.top_level_attributes
    if select.where is not None:
        attributes |= compile_tree(select.where, kind=KIND, binder=bound.binder).top_level_attributes
    source = select.source
    hash_attributes = hash_attributes_of(view, call, local_table_name(source.table, call), source.index)
    values: list[list[str]] | None = None
    scans = True
    if hash_attributes is not None:
        partitions = use_of_keys(select.where, bound.binder, hash_attributes, ()).partitions
        scans = partitions is None
        if partitions is not None:
            values = [
                [text_of(equal[place].operands[0]) for equal in partitions] for place in range(len(hash_attributes))
            ]
    return Touch(
        partitions=values,
        attributes=attributes,
        select=shown_select(columns, None, source.index),
        enclosing=enclosing,
        full_table_scan=scans,
    )
