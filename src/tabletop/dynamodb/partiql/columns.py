"""The columns of a SELECT: unlike a projection expression they make a flat item.

A column is named by its path from the last name on: ``a.b`` is shown as "b", ``a.b[0]`` as "b[0]" (observed by others).
An item that has none of the columns is shown as an empty one.
"""

from __future__ import annotations

from tabletop.dynamodb.expressions import Projection
from tabletop.dynamodb.expressions.binder import Steps
from tabletop.dynamodb.expressions.operands import Getter, getter
from tabletop.dynamodb.expressions.tree import NameReference, Path
from tabletop.dynamodb.keys import Item


class Columns(Projection):
    """What ``read.Range`` takes as a projection."""

    __slots__ = ("_columns",)

    def __init__(self, paths: tuple[Path, ...]) -> None:
        steps: list[Steps] = [tuple(_plain(element) for element in path.elements) for path in paths]
        super().__init__({path[0]: None for path in steps})
        self._columns: list[tuple[str, Getter]] = [(_shown_name(path), getter(path)) for path in steps]

    def apply(self, item: Item) -> Item:
        shown: Item = {}
        for name, get in self._columns:
            value = get(item)
            if value is not None:
                shown[name] = value
        return shown


def _plain(element: str | NameReference | int) -> str | int:
    assert not isinstance(element, NameReference)
    return element


def _shown_name(path: Steps) -> str:
    last_name = max(position for position, step in enumerate(path) if isinstance(step, str))
    return str(path[last_name]) + "".join(f"[{index}]" for index in path[last_name + 1 :])
