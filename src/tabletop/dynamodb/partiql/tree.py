"""What a statement becomes: its clauses, around the trees of ``expressions.tree``.

Parameters (``?``) are ``ValueReference``s named ":0", ":1" ... in the order of the text, and a literal list, map or set that
holds parameters is one named ":c0", ":c1" ..., built when the statement is bound. All other literals stand in the tree,
canonical. Paths hold plain names only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from tabletop.dynamodb.expressions.tree import ConditionNode, Literal, Path, UpdateTree, ValueReference

Part = Literal | ValueReference
Returning = OneOf["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]


@dataclass(frozen=True, slots=True)
class Composite:
    """A list, map or set to be built of parts: ``names`` are a map's, the parts themselves may be composites."""

    kind: OneOf["L", "M", "set"]
    names: tuple[str, ...]
    parts: tuple[Part | Composite, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """FROM: a table, or one of its indexes."""

    table: str
    index: str | None = None


@dataclass(frozen=True, slots=True)
class OrderTerm:
    attribute: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    source: Source
    columns: tuple[Path, ...] | None
    """None for ``*``."""
    where: ConditionNode | None
    order: tuple[OrderTerm, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    source: Source
    item: tuple[tuple[str, Part], ...] | ValueReference
    """Each attribute by itself, so that its depth is counted from where it goes; or the parameter that is the item."""


@dataclass(frozen=True, slots=True)
class Update:
    source: Source
    actions: UpdateTree
    where: ConditionNode | None
    returning: Returning | None


@dataclass(frozen=True, slots=True)
class Delete:
    source: Source
    where: ConditionNode | None
    returning: Returning | None


@dataclass(frozen=True, slots=True)
class Exists:
    """A condition check of a transaction."""

    select: Select


Clauses = Select | Insert | Update | Delete | Exists


@dataclass(frozen=True, slots=True)
class Statement:
    clauses: Clauses
    parameters: int
    composites: tuple[Composite, ...]

    @property
    def is_read(self) -> bool:
        """EXISTS counts as a write: it stands among the writes of a transaction."""
        return isinstance(self.clauses, Select)

    @property
    def source(self) -> Source:
        clauses = self.clauses
        return clauses.select.source if isinstance(clauses, Exists) else clauses.source
