"""Several document paths at once: a tree that refuses paths that cannot stand together, and cuts items down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.binder import Item, Steps, Value
from tabletop.dynamodb.expressions.errors import invalid
from tabletop.dynamodb.expressions.operands import describe

PathTree = dict[str | int, Any]
"""Step -> the tree below it; None where a path ends."""


def path_tree(kind: str, paths: Iterable[Steps]) -> PathTree:
    """Raises where a path is given twice or contains another, and where one sees a list and another a map."""
    root: PathTree = {}
    ends: dict[Steps, None] = {}
    for path in paths:
        node = root
        for depth, step in enumerate(path):
            if node and type(next(iter(node))) is not type(step):
                raise _clash(kind, "conflict", _first_below(ends, path[:depth]), path)
            if depth == len(path) - 1:
                if step in node:
                    raise _clash(kind, "overlap", _first_below(ends, path), path)
                node[step] = None
            else:
                below = node.setdefault(step, {})
                if below is None:
                    raise _clash(kind, "overlap", path[: depth + 1], path)
                node = below
        ends[path] = None
    return root


def cut_down(item: Item, tree: PathTree) -> Item:
    """What the item has at the paths, in new containers: lists close up, keeping their order."""
    kept: Item = {}
    for name, below in tree.items():
        value = item.get(name)  # type: ignore[arg-type]
        if value is None:
            continue
        if below is not None:
            value = _cut_value(value, below)
            if value is None:
                continue
        kept[name] = value  # type: ignore[index]
    return kept


def _cut_value(value: Value, tree: PathTree) -> Value | None:
    if type(next(iter(tree))) is str:
        members = value.get("M")
        if members is None:
            return None
        kept = cut_down(members, tree)
        return {"M": kept} if kept else None
    elements = value.get("L")
    if elements is None:
        return None
    kept_elements = []
    for index in sorted(tree):
        if index >= len(elements):  # type: ignore[operator]
            break
        element = elements[index]
        below = tree[index]
        if below is not None:
            element = _cut_value(element, below)
        if element is not None:
            kept_elements.append(element)
    return {"L": kept_elements} if kept_elements else None


def _first_below(ends: dict[Steps, None], start: Steps) -> Steps:
    return next(path for path in ends if path[: len(start)] == start)


def _clash(kind: str, relation: str, first: Steps, second: Steps) -> ApiError:
    verb = "overlap with each other" if relation == "overlap" else "conflict with each other"
    return invalid(
        kind,
        f"Two document paths {verb}; must remove or rewrite one of these paths; "
        f"path one: {describe(first)}, path two: {describe(second)}",
    )
