"""What an API action is: how its parameters become a request, how the request is answered, and what it must be allowed to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.storage.store import Batch, View

Body = dict[str, Any]
"""The request's JSON, its types and constraints already checked (``constraints``)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One API action. Exactly one of ``read`` and ``plan`` is given.

    ``prepare`` does what needs no table: the custom validation, expressions compiled, random identifiers drawn.
    ``read`` answers from a view; ``plan`` is a plan (``tabletop.storage.store``). An answer is a dict for the JSON
    encoder, or bytes that are the JSON.
    ``targets`` lists (action, resource ARN) pairs that the caller's policies must allow.
    """

    name: str
    prepare: Callable[[Body, Call], Any]
    targets: Callable[[Body, Call], list[tuple[str, str]]]
    read: Callable[[View, Any, float], Any] | None = None
    plan: Callable[[View, Any, float], tuple[Any, Batch | None]] | None = None
    only_reads: Callable[[Any], bool] | None = None
    """Of a plan that may turn out to write nothing (PartiQL): whether this request's does, and needs no committer."""


def table_name(name_or_arn: str) -> str:
    """Every TableName parameter also takes the table's ARN."""
    return name_or_arn.rsplit("/", 1)[-1] if name_or_arn.startswith("arn:") else name_or_arn


def table_arn(call: Call, name_or_arn: str) -> str:
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name_or_arn}"


def table_targets(action: str) -> Callable[[Body, Call], list[tuple[str, str]]]:
    """The targets of an action on the one table that its TableName names."""

    def targets(body: Body, call: Call) -> list[tuple[str, str]]:
        return [(f"dynamodb:{action}", table_arn(call, body["TableName"]))]

    return targets


def table_or_index_targets(action: str) -> Callable[[Body, Call], list[tuple[str, str]]]:
    """The targets of a read of a table, or of the index that its IndexName names: then the index's ARN."""

    def targets(body: Body, call: Call) -> list[tuple[str, str]]:
        arn = table_arn(call, body["TableName"])
        index = body.get("IndexName")
        return [(f"dynamodb:{action}", arn if index is None else f"{arn}/index/{index}")]

    return targets
