"""INSERT, UPDATE, DELETE and EXISTS, lowered to a ``Write`` for the one write path.

INSERT    a put, on condition that there is no item of the key
UPDATE    an update, on condition that there is one, and of the rest of WHERE
DELETE    a delete, on condition that there is none or the rest of WHERE holds: none to delete is no fault
EXISTS    a condition check that there is one, and of the rest of WHERE
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, write
from tabletop.dynamodb.expressions import Condition, compile_tree, compile_update_tree
from tabletop.dynamodb.expressions.tree import And, ConditionNode, FunctionCall, Or, Path
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.operations.operation import local_table_name
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.binding import Bound
from tabletop.dynamodb.partiql.errors import malformed, refused
from tabletop.dynamodb.partiql.tree import Delete, Exists, Insert, Returning, Update
from tabletop.dynamodb.partiql.wheres import KIND, check_key_value, conjunction, one_key
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.single_write import returned_attributes
from tabletop.dynamodb.values import canonicalise_item
from tabletop.dynamodb.write import Outcome, Write
from tabletop.storage.store import Batch, View


def lower_write(view: View, call: Call, bound: Bound, *, return_old_on_refusal: bool, own_words: bool = True) -> Write:
    """Raises ResourceNotFoundException and ValidationException.

    ``own_words``: a key of a wrong type has the words of PartiQL, else (in transactions) those of PutItem and GetItem.
    """
    table = catalog.table_of(view, call, local_table_name(bound.source.table, call))
    clauses = bound.clauses
    if isinstance(clauses, Insert):
        return _insert(table, clauses, bound, own_words=own_words)
    if isinstance(clauses, Update):
        key, rest = _key(clauses.where, bound, table)
        prepared = Write("update", table.name, key, condition=_compile(And((_exists(table), *rest)), bound))
        prepared.update = compile_update_tree(clauses.actions, bound.binder, kind=KIND)
    elif isinstance(clauses, Delete):
        key, rest = _key(clauses.where, bound, table)
        prepared = Write("delete", table.name, key)
        node = conjunction(rest)
        if node is not None:
            prepared.condition = _compile(Or((_absent(table), node)), bound)
    else:
        assert isinstance(clauses, Exists)
        if clauses.select.source.index is not None:
            raise refused(errors.TRANSACTION_INDEX)
        key, rest = _key(clauses.select.where, bound, table)
        prepared = Write("check", table.name, key, condition=_compile(And((_exists(table), *rest)), bound))
    if own_words:
        _check_key_types(table, prepared.subject)
    prepared.return_old_on_refusal = return_old_on_refusal
    return prepared


def apply(view: View, batch: Batch, call: Call, prepared: Write, now: float) -> Outcome:
    """``write.apply``, with the error that an INSERT has for its condition."""
    return apply_at(view, batch, *write.locate(view, call, prepared), prepared, now)


def apply_at(view: View, batch: Batch, table: Table, key: bytes, prepared: Write, now: float) -> Outcome:
    """``apply`` for a write whose place is known."""
    try:
        return write.apply_at(view, batch, table, key, prepared, now)
    except ApiError as error:
        if prepared.kind == "put" and error.code == "ConditionalCheckFailedException":
            raise ApiError("DuplicateItemException", errors.DUPLICATE_ITEM) from error
        raise


def returning_of(bound: Bound) -> Returning | None:
    clauses = bound.clauses
    return clauses.returning if isinstance(clauses, Update | Delete) else None


def returned(bound: Bound, outcome: Outcome) -> Item | None:
    """What RETURNING shows, if anything."""
    returning = returning_of(bound)
    return None if returning is None else returned_attributes(returning, outcome)


def _insert(table: Table, clauses: Insert, bound: Bound, *, own_words: bool) -> Write:
    binder = bound.binder
    item: Item
    if isinstance(clauses.item, tuple):
        item = {name: binder.value(KIND, part) for name, part in clauses.item}
    else:
        value = binder.value(KIND, clauses.item)
        if "M" not in value:
            raise malformed(errors.UNEXPECTED_TERM)
        item = value["M"]
    if own_words:
        _check_key_types(table, item)
    size_bytes = canonicalise_item(item)
    write.check_item_size(size_bytes)
    return Write("put", table.name, item, subject_bytes=size_bytes, condition=_compile(_absent(table), bound))


def _key(where: ConditionNode | None, bound: Bound, table: Table) -> tuple[Item, list[ConditionNode]]:
    found = one_key(where, bound.binder, table)
    if found is None:
        raise refused(errors.NO_KEY_EQUALITY)
    return found


def _check_key_types(table: Table, subject: Item) -> None:
    for attribute in table.key_attributes:
        if attribute.name in subject:
            check_key_value(attribute, subject[attribute.name])


def _compile(node: ConditionNode, bound: Bound) -> Condition:
    return compile_tree(node, kind=KIND, binder=bound.binder)


def _exists(table: Table) -> ConditionNode:
    return FunctionCall("attribute_exists", (Path((table.hash.name,)),))


def _absent(table: Table) -> ConditionNode:
    return FunctionCall("attribute_not_exists", (Path((table.hash.name,)),))
