"""AttributeUpdates: put, add to or delete whole attributes."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import values
from tabletop.dynamodb.expressions import Binder, Update, compile_update_tree
from tabletop.dynamodb.expressions.tree import Action, Add, Delete, Literal, Remove, Set, UpdateTree
from tabletop.dynamodb.key_schema import invalid, invalid_parameters
from tabletop.dynamodb.legacy.parameters import whole_attribute

_DELETABLE = frozenset(("SS", "NS", "BS"))
_ADDABLE = _DELETABLE | frozenset("NL")


def compile_attribute_updates(updates: dict[str, Any]) -> Update:
    tree = UpdateTree(tuple([_lower(name, update) for name, update in updates.items()]))
    return compile_update_tree(tree, Binder(None, None), kind="AttributeUpdates")


def _lower(name: str, update: dict[str, Any]) -> Action:
    action, value = update.get("Action") or "PUT", update.get("Value")
    path = whole_attribute(name)
    if action not in ("ADD", "DELETE", "PUT"):
        # The stray quote is AWS's (recorded in 2026).
        raise invalid("Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action")
    if value is None:
        if action != "DELETE":
            raise invalid_parameters("Only DELETE action is allowed when no attribute value is specified")
        return Remove(path)
    values.check(value)
    literal = Literal(value)
    kind = values.type_of(value)
    if action == "PUT":
        return Set(path, literal)
    if action == "ADD":
        if kind not in _ADDABLE:
            raise invalid_parameters(f"ADD action is not supported for the type {kind}")
        return Add(path, literal)
    if kind not in _DELETABLE:
        raise invalid_parameters(f"DELETE action with value is not supported for the type {kind}")
    return Delete(path, literal)
