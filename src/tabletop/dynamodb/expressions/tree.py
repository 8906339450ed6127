"""The tree that every expression becomes: as written, without the request's names and values.

A tree depends on the text alone, so one tree serves all requests that have the text. The parameters from before
expressions become the same tree, with plain names and ``Literal`` values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Literal as OneOf

ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class NameReference:
    """``#name``, with its number sign."""

    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute names, ``NameReference`` in their place, and list indexes. Begins with a name."""

    elements: tuple[str | NameReference | int, ...]


@dataclass(frozen=True, slots=True)
class ValueReference:
    """``:value``, with its colon."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A canonical attribute value that stands in the tree itself."""

    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or difference, which only SET has, and only as the whole of a value."""

    operator: OneOf["+", "-"]
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a condition's function holds, as the Boolean that it is compared as. PartiQL alone has it."""

    function: FunctionCall


Operand = Path | ValueReference | Literal | FunctionCall | Truth


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: ComparisonOperator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    lower: Operand
    upper: Operand


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions, none of them an ``And``."""

    conditions: tuple[ConditionNode, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions, none of them an ``Or``."""

    conditions: tuple[ConditionNode, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: ConditionNode


ConditionNode = Comparison | Between | In | And | Or | Not | FunctionCall


@dataclass(frozen=True, slots=True)
class Set:
    path: Path
    value: Operand | Arithmetic


@dataclass(frozen=True, slots=True)
class Remove:
    path: Path


@dataclass(frozen=True, slots=True)
class Add:
    path: Path
    value: ValueReference | Literal


@dataclass(frozen=True, slots=True)
class Delete:
    path: Path
    value: ValueReference | Literal


Action = Set | Remove | Add | Delete


@dataclass(frozen=True, slots=True)
class UpdateTree:
    """The actions in the order in which they are written."""

    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class ProjectionTree:
    paths: tuple[Path, ...]
