"""Updates: from an item to the next. The given item is never edited: what changes is copied, along the changed paths.

All operands are read from the old item, then the actions are applied so that no action moves what another one means:
what is set goes first, in ascending order of list indexes (those beyond a list's end append in that order), then what
is removed, in descending order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabletop.dynamodb.expressions.assignments import Compute, DeleteFromSet, compile_action
from tabletop.dynamodb.expressions.binder import Binder, Item, Steps, Value
from tabletop.dynamodb.expressions.errors import refused
from tabletop.dynamodb.expressions.grammar import parse_update
from tabletop.dynamodb.expressions.paths import PathTree, cut_down, path_tree
from tabletop.dynamodb.expressions.tree import Add, Arithmetic, FunctionCall, Operand, Path, Set, UpdateTree
from tabletop.dynamodb.expressions.update_sizes import request_bytes
from tabletop.dynamodb.values import check_nesting

_KIND = "UpdateExpression"
_INVALID_PATH = "The document path provided in the update expression is invalid for update"


class UpdatedPaths:
    """The paths that an update named, to show what they hold before (UPDATED_OLD) or after it (UPDATED_NEW).

    List indexes are taken as they were written, also behind removals and appends: as AWS does (observed).
    """

    __slots__ = ("_tree",)

    def __init__(self, tree: PathTree) -> None:
        self._tree = tree

    def project(self, item: Item) -> Item:
        return cut_down(item, self._tree)


class Update:
    """A compiled update.

    ``top_level_attributes``: every attribute that it changes, or changes parts of; ``attributes_read``: every one that a
    value is computed from. ``makes_item``: False where it only
    takes away: then it does nothing, and checks nothing, where there is no item (observed). One without any action
    does make the item.
    """

    __slots__ = ("_computations", "_paths", "_removals", "_source", "makes_item", "top_level_attributes")

    def __init__(
        self,
        computations: list[tuple[Steps, Compute]],
        removals: list[Steps],
        tree: PathTree,
        *,
        makes_item: bool,
        source: tuple[UpdateTree, Binder],
    ) -> None:
        self.makes_item = makes_item
        self._source = source
        self._computations = computations
        self._removals = removals
        self._paths = UpdatedPaths(tree)
        self.top_level_attributes: frozenset[str] = frozenset(tree)  # type: ignore[arg-type]

    @property
    def attributes_read(self) -> frozenset[str]:
        tree, binder = self._source
        paths = (path for action in tree.actions if isinstance(action, Set) for path in paths_in(action.value))
        return frozenset(str(binder.steps(_KIND, path)[0]) for path in paths)

    def request_bytes(self) -> int:
        """What the update counts for towards AWS's limit of a request (``update_sizes``)."""
        return request_bytes(*self._source)

    def apply(self, item: Item, *, exists: bool = True) -> tuple[Item, UpdatedPaths]:
        """The new item, which shares what did not change with the given one, and the paths that were updated.

        ``exists``: False where ``item`` is but the key of an item to be made; AWS then lets pass the removal of
        parts of what is not there (observed). Raises ValidationException for operands and paths that do not fit.
        """
        assigned: list[tuple[Steps, Value]] = []
        removed = self._removals
        for steps, compute in self._computations:
            value = compute(item)
            if value is not None:
                assigned.append((steps, value))
            elif isinstance(compute, DeleteFromSet) and compute.get(item) is not None:
                removed = [*removed, steps]
        editor = _Editor(item)
        if len(assigned) > 1:
            assigned.sort(key=_steps_of)
        for steps, value in assigned:
            editor.assign(steps, value)
        if exists:
            for steps in sorted(removed, reverse=True) if len(removed) > 1 else removed:
                editor.remove(steps)
        return editor.item, self._paths


def compile_update(text: str, binder: Binder) -> Update:
    """Raises ValidationException in AWS's words."""
    return compile_update_tree(parse_update(_KIND, text), binder)


def compile_update_tree(tree: UpdateTree, binder: Binder, *, kind: str = _KIND) -> Update:
    """The same for a tree that no text was parsed for. ``kind``: UpdateExpression or AttributeUpdates."""
    computations: list[tuple[Steps, Compute]] = []
    removals: list[Steps] = []
    paths: list[Steps] = []
    for action in tree.actions:
        steps, compute = compile_action(kind, action, binder)
        paths.append(steps)
        if compute is None:
            removals.append(steps)
        else:
            computations.append((steps, compute))
    makes_item = not tree.actions or any(isinstance(action, Set | Add) for action in tree.actions)
    return Update(computations, removals, path_tree(kind, paths), makes_item=makes_item, source=(tree, binder))


def paths_in(operand: Operand | Arithmetic) -> Iterator[Path]:
    """Every path that the value of a SET names."""
    if isinstance(operand, Path):
        yield operand
    elif isinstance(operand, FunctionCall):
        for argument in operand.operands:
            yield from paths_in(argument)
    elif isinstance(operand, Arithmetic):
        yield from paths_in(operand.left)
        yield from paths_in(operand.right)


def _steps_of(assignment: tuple[Steps, Value]) -> Steps:
    return assignment[0]


class _Editor:
    """A new item in the making: each container on a changed path is copied once, when it is first changed."""

    __slots__ = ("_copied", "item")

    def __init__(self, item: Item) -> None:
        self.item = dict(item)
        self._copied: dict[Steps, Any] = {}

    def assign(self, steps: Steps, value: Value) -> None:
        if len(steps) == 1:
            self.item[steps[0]] = value  # type: ignore[index]
            return
        check_nesting(value, len(steps))
        container = self._container(steps[:-1], _kind_for(steps[-1]))
        last = steps[-1]
        if type(last) is int and last >= len(container):
            container.append(value)
        else:
            container[last] = value

    def remove(self, steps: Steps) -> None:
        """Remove what is at the path; no fault if it is not there, as long as there could be something."""
        last = steps[-1]
        if len(steps) == 1:
            self.item.pop(last, None)  # type: ignore[arg-type]
            return
        container = self._container(steps[:-1], _kind_for(last))
        if type(last) is str:
            container.pop(last, None)
        elif last < len(container):  # type: ignore[operator]
            del container[last]

    def _container(self, steps: Steps, kind: str) -> Any:
        """Our own copy of the content of the list ("L") or map ("M") at the path, in its place in the new item."""
        content = self._copied.get(steps)
        if content is not None:
            if (type(content) is list) != (kind == "L"):
                raise refused(_INVALID_PATH)
            return content
        last = steps[-1]
        parent: Any = self.item if len(steps) == 1 else self._container(steps[:-1], _kind_for(last))
        value: Value | None
        if type(last) is int:
            value = parent[last] if last < len(parent) else None
        else:
            value = parent.get(last)
        if value is None or kind not in value:
            raise refused(_INVALID_PATH)
        content = value[kind].copy()
        parent[last] = {kind: content}
        self._copied[steps] = content
        return content


def _kind_for(step: str | int) -> str:
    return "L" if type(step) is int else "M"
