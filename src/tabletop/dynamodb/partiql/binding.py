"""A statement with the values of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.dynamodb import values
from tabletop.dynamodb.expressions import Binder
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.grammar import parse
from tabletop.dynamodb.partiql.operands import build
from tabletop.dynamodb.partiql.tree import Clauses, Source, Statement


@dataclass(frozen=True, slots=True)
class Bound:
    """``binder`` gives every ``ValueReference`` of the statement its value."""

    statement: Statement
    binder: Binder

    @property
    def clauses(self) -> Clauses:
        return self.statement.clauses

    @property
    def source(self) -> Source:
        return self.statement.source

    @property
    def is_read(self) -> bool:
        return self.statement.is_read


def check_parameters(parameters: list[dict[str, Any]] | None) -> None:
    for parameter in parameters or ():
        values.check(parameter)


def bind(text: str, parameters: list[dict[str, Any]] | None) -> Bound:
    """Parse the text and give it its parameters, which are made canonical in place. Raises ValidationException.

    Parameters are looked at before the text; those that it has no place for are ignored (recorded, see ``errors``).
    """
    check_parameters(parameters)
    statement = parse(text)
    given = parameters or []
    if len(given) < statement.parameters:
        raise refused(errors.PARAMETER_COUNT)
    bound = {f":{position}": parameter for position, parameter in enumerate(given[: statement.parameters])}
    built = {f":c{position}": build(composite, bound) for position, composite in enumerate(statement.composites)}
    for value in built.values():
        values.check(value)
    return Bound(statement, Binder(None, (bound | built) or None))
