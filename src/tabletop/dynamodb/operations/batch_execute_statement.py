"""BatchExecuteStatement: up to 25 PartiQL statements, all reads of one item each or all writes; each fares by itself.

Statements run in their order, each on an item of its own: two on one item refuse the request. What refuses a statement
is its own ``Error``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes, write
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.operations.operation import Body, Operation, table_name
from tabletop.dynamodb.partiql import errors, writes
from tabletop.dynamodb.partiql.binding import Bound, bind
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.overlay import Overlay
from tabletop.dynamodb.partiql.selects import Lookup, lower_lookup
from tabletop.dynamodb.partiql.targets import statement_targets, statement_touches
from tabletop.dynamodb.partiql.tree import Exists
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.touches import Touch
from tabletop.dynamodb.write import Write
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


_NAMING_TABLE = (
    "One or more parameter values were invalid: Size of hashkey",
    "One or more parameter values were invalid: Aggregated size",
    "One or more parameter values were invalid: Cannot update attribute",
)
"""How the messages begin of refusals before the item is looked at that name the table all the same (recorded)."""


@dataclass(frozen=True, slots=True)
class Located:
    """A write, and the place of its item."""

    table: Table
    key: bytes
    write: Write


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
    located = [_locate(view, request.call, member) for member in request.members]
    places = [place.key for place in located if not isinstance(place, dict)]
    if len(set(places)) < len(places):
        raise refused(errors.BATCH_DUPLICATES)
    responses = [
        place if isinstance(place, dict) else _respond(overlay, member, place, now, consumption)
        for member, place in zip(request.members, located, strict=True)
    ]
    answer: dict[str, Any] = {"Responses": responses}
    consumption.attach(answer, request.return_consumed_capacity)
    return answer, overlay.batch


def _locate(view: View, call: Call, member: Member) -> Lookup | Located | dict[str, Any]:
    """The item that the statement is about; or the response of one that is refused before it is looked at."""
    bound = member.bound
    if isinstance(bound, ApiError):
        return {"Error": _error(bound)}
    try:
        if bound.is_read:
            return lower_lookup(
                view, call, bound, without_key=errors.BATCH_SELECT_KEY, with_index=errors.BATCH_SELECT_KEY
            )
        prepared = writes.lower_write(view, call, bound, return_old_on_refusal=member.return_old_on_refusal)
        return Located(*write.locate(view, call, prepared), prepared)
    except ApiError as error:
        if error.code not in _CODES:
            raise
        return {"Error": _error(error)} | ({} if _is_about_form(error) else _named(bound))


def _is_about_form(error: ApiError) -> bool:
    """Whether the error is about the statement and not its table's item: then the response names no table."""
    return error.code == "ValidationException" and not (error.message or "").startswith(_NAMING_TABLE)


def _respond(
    overlay: Overlay, member: Member, place: Lookup | Located, now: float, consumption: Consumption
) -> dict[str, Any]:
    bound = member.bound
    assert isinstance(bound, Bound)
    response: dict[str, Any] = _named(bound)
    try:
        if isinstance(place, Lookup):
            shown = _read(overlay, place, member, consumption)
        else:
            shown = _write(overlay, place, bound, now, consumption)
    except ApiError as error:
        if error.code not in _CODES:
            raise
        return {"Error": _error(error), **response}
    if shown is not None:
        response["Item"] = shown
    return response


def _named(bound: Bound) -> dict[str, Any]:
    return {"TableName": table_name(bound.source.table)}


def _error(error: ApiError) -> dict[str, Any]:
    return {"Code": _CODES[error.code], "Message": error.message, **error.fields}


def _read(overlay: Overlay, lookup: Lookup, member: Member, consumption: Consumption) -> Any:
    raw = overlay.get(lookup.key)
    size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
    consumption.add(lookup.table, sizes.read_units(size_bytes, consistent=member.consistent))
    return lookup.shown(raw)


def _write(overlay: Overlay, place: Located, bound: Bound, now: float, consumption: Consumption) -> Any:
    batch = Batch()
    outcome = writes.apply_at(overlay, batch, place.table, place.key, place.write, now)
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
