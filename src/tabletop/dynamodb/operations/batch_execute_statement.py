"""BatchExecuteStatement: up to 25 PartiQL statements, all reads of one item each or all writes; each fares by itself.

Statements run in their order, and a write sees those before it. What refuses a statement is its own ``Error``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.operations.operation import Body, Operation, table_name
from tabletop.dynamodb.partiql import errors, writes
from tabletop.dynamodb.partiql.binding import Bound, bind
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.overlay import Overlay
from tabletop.dynamodb.partiql.selects import lower_lookup
from tabletop.dynamodb.partiql.targets import statement_targets, statement_touches
from tabletop.dynamodb.partiql.tree import Exists
from tabletop.dynamodb.touches import Touch
from tabletop.storage.store import Batch, View

_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ResourceNotFoundException": "ResourceNotFound",
    "ValidationException": "ValidationError",
}
"""Error of a statement -> BatchStatementErrorCodeEnum. Other errors refuse the whole request as they are."""


@dataclass(slots=True)
class Member:
    text: str
    bound: Bound | ApiError
    """The error where the statement is malformed or its parameters do not fit."""
    consistent: bool
    return_old_on_refusal: bool


@dataclass(slots=True)
class BatchExecuteStatement:
    call: Call
    members: list[Member]
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> BatchExecuteStatement:
    members = [_prepare_member(member) for member in body["Statements"]]
    if len({member.bound.is_read for member in members if isinstance(member.bound, Bound)}) > 1:
        raise refused(errors.BATCH_MIXED)
    return BatchExecuteStatement(call, members, body.get("ReturnConsumedCapacity"))


def _prepare_member(member: dict[str, Any]) -> Member:
    bound: Bound | ApiError
    try:
        bound = bind(member["Statement"], member.get("Parameters"))
        if isinstance(bound.clauses, Exists):
            raise refused(errors.EXISTS_OUTSIDE)
    except ApiError as error:
        if error.code not in _CODES:
            raise
        bound = error
    return Member(
        text=member["Statement"],
        bound=bound,
        consistent=member.get("ConsistentRead") is True,
        return_old_on_refusal=member.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )


def plan(view: View, request: BatchExecuteStatement, now: float) -> tuple[dict[str, Any], Batch]:
    consumption = Consumption()
    overlay = Overlay(view)
    responses = [_respond(overlay, request.call, member, now, consumption) for member in request.members]
    answer: dict[str, Any] = {"Responses": responses}
    consumption.attach(answer, request.return_consumed_capacity)
    return answer, overlay.batch


def _respond(overlay: Overlay, call: Call, member: Member, now: float, consumption: Consumption) -> dict[str, Any]:
    bound = member.bound
    if isinstance(bound, ApiError):
        return {"Error": _error(bound)}
    response: dict[str, Any] = {"TableName": table_name(bound.source.table)}
    try:
        shown = (_read if bound.is_read else _write)(overlay, call, bound, member, now, consumption)
    except ApiError as error:
        if error.code not in _CODES:
            raise
        return {"Error": _error(error), **response}
    if shown is not None:
        response["Item"] = shown
    return response


def _error(error: ApiError) -> dict[str, Any]:
    return {"Code": _CODES[error.code], "Message": error.message, **error.fields}


def _read(overlay: Overlay, call: Call, bound: Bound, member: Member, now: float, consumption: Consumption) -> Any:
    lookup = lower_lookup(overlay, call, bound, without_key=errors.BATCH_SELECT_KEY, with_index=errors.BATCH_SELECT_KEY)
    raw = overlay.get(lookup.key)
    size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
    consumption.add(lookup.table, sizes.read_units(size_bytes, consistent=member.consistent))
    return lookup.shown(raw)


def _write(overlay: Overlay, call: Call, bound: Bound, member: Member, now: float, consumption: Consumption) -> Any:
    batch = Batch()
    prepared = writes.lower_write(overlay, call, bound, return_old_on_refusal=member.return_old_on_refusal)
    outcome = writes.apply(overlay, batch, call, prepared, now)
    overlay.add(batch)
    consumption.add(outcome.table, outcome.table_units, outcome.index_units)
    return writes.returned(bound, outcome)


def only_reads(request: BatchExecuteStatement) -> bool:
    return all(isinstance(member.bound, ApiError) or member.bound.is_read for member in request.members)


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return statement_targets([member["Statement"] for member in body["Statements"]], call)


def touches(view: View, request: BatchExecuteStatement) -> list[Touch]:
    members = [(member.text, member.bound, member.return_old_on_refusal) for member in request.members]
    return statement_touches(view, request.call, members)


OPERATION = Operation(
    "BatchExecuteStatement", prepare=prepare, targets=targets, plan=plan, only_reads=only_reads, touches=touches
)
