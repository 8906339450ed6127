"""Projections: which parts of an item to keep."""

from __future__ import annotations

from tabletop.dynamodb.expressions.binder import Binder, Item
from tabletop.dynamodb.expressions.grammar import parse_projection
from tabletop.dynamodb.expressions.paths import PathTree, cut_down, path_tree
from tabletop.dynamodb.expressions.tree import ProjectionTree

_KIND = "ProjectionExpression"


class Projection:
    """A compiled projection. ``top_level_attributes``: every attribute that it keeps or keeps parts of."""

    __slots__ = ("_tree", "top_level_attributes")

    def __init__(self, tree: PathTree) -> None:
        self._tree = tree
        self.top_level_attributes: frozenset[str] = frozenset(tree)  # type: ignore[arg-type]

    def apply(self, item: Item) -> Item:
        """A new item with what is kept; it shares values with the given one."""
        return cut_down(item, self._tree)


def compile_projection(text: str, binder: Binder) -> Projection:
    """Raises ValidationException in AWS's words."""
    return compile_projection_tree(parse_projection(_KIND, text), binder)


def compile_projection_tree(tree: ProjectionTree, binder: Binder) -> Projection:
    return Projection(path_tree(_KIND, [binder.steps(_KIND, path) for path in tree.paths]))
