"""The columns of a SELECT: unlike a projection expression they make a flat item.

A column is named by its path from the last name on: ``a.b`` is shown as "b", ``a.b[0]`` as "b[0]" (observed by others).
An item that has none of the columns is shown as an empty one.
"""

from __future__ import annotations

from tabletop.dynamodb.expressions import Projection
from tabletop.dynamodb.expressions.operands import Getter, getter
from tabletop.dynamodb.expressions.tree import Path
from tabletop.dynamodb.keys import Item


class Columns(Projection):
    """What ``read.Range`` takes as a projection."""

    __slots__ = ("_columns",)

    def __init__(self, paths: tuple[Path, ...]) -> None:
        super().__init__({path.elements[0]: None for path in paths})  # type: ignore[misc]
        self._columns: list[tuple[str, Getter]] = [
            (_shown_name(path), getter(path.elements))
            for path in paths  # type: ignore[arg-type]
        ]

    def apply(self, item: Item) -> Item:
        shown: Item = {}
        for name, get in self._columns:
            value = get(item)
            if value is not None:
                shown[name] = value
        return shown


def _shown_name(path: Path) -> str:
    names = [position for position, element in enumerate(path.elements) if not isinstance(element, int)]
    last = path.elements[names[-1] :]
    return f"{last[0]}" + "".join(f"[{index}]" for index in last[1:])
