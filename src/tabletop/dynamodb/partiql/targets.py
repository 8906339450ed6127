"""What a caller's policies must allow for statements: an action by the kind of statement, on its table or index."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.operations.operation import table_arn
from tabletop.dynamodb.partiql.grammar import parse
from tabletop.dynamodb.partiql.tree import Clauses, Delete, Exists, Insert, Select, Update

_ACTIONS: dict[type[Clauses], str] = {
    Select: "dynamodb:PartiQLSelect",
    Exists: "dynamodb:PartiQLSelect",
    Insert: "dynamodb:PartiQLInsert",
    Update: "dynamodb:PartiQLUpdate",
    Delete: "dynamodb:PartiQLDelete",
}


def statement_targets(texts: list[str], call: Call) -> list[tuple[str, str]]:
    """Statements that do not parse need nothing: the operation will refuse them."""
    targets = []
    for text in texts:
        try:
            statement = parse(text)
        except ApiError:
            continue
        source = statement.source
        arn = table_arn(call, source.table)
        if source.index is not None:
            arn = f"{arn}/index/{source.index}"
        targets.append((_ACTIONS[type(statement.clauses)], arn))
    return targets
