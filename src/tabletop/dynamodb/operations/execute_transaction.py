"""ExecuteTransaction: up to 100 PartiQL statements, all reads of one item each, or all writes and EXISTS: all or none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.partiql import errors, writes
from tabletop.dynamodb.partiql.binding import Bound, bind, check_parameters
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.selects import lower_lookup
from tabletop.dynamodb.partiql.targets import statement_targets, statement_touches
from tabletop.dynamodb.touches import Touch
from tabletop.dynamodb.transactions import (
    STATEMENT_REASONS,
    TOTAL_BYTES_MAX,
    Reasons,
    apply_all,
    digest_of,
    refuse_strong,
    remember,
    repeated,
    written_units,
)
from tabletop.dynamodb.write import Write
from tabletop.storage.store import Batch, View

_Answer = dict[str, Any]


@dataclass(slots=True)
class Member:
    text: str
    bound: Bound
    return_old_on_refusal: bool


@dataclass(slots=True)
class ExecuteTransaction:
    call: Call
    members: list[Member]
    token: str | None
    digest: str
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> ExecuteTransaction:
    statements = body["TransactStatements"]
    token = body.get("ClientRequestToken")
    digest = "" if token is None else digest_of(statements)
    for statement in statements:
        check_parameters(statement.get("Parameters"))
    members = [_prepare_member(position, statement) for position, statement in enumerate(statements)]
    if len({member.bound.is_read for member in members}) > 1:
        raise refused(errors.TRANSACTION_MIXED)
    return ExecuteTransaction(call, members, token, digest, body.get("ReturnConsumedCapacity"))


def _prepare_member(position: int, statement: dict[str, Any]) -> Member:
    try:
        bound = bind(statement["Statement"], statement.get("Parameters"))
        if writes.returning_of(bound) is not None:
            raise refused(errors.TRANSACTION_RETURNING)
    except ApiError as error:
        raise _at(position, error) from error
    return Member(statement["Statement"], bound, statement.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


def _at(position: int, error: ApiError) -> ApiError:
    """What is wrong with a statement itself refuses the request, and tells which statement it is."""
    return ApiError(error.code, errors.TRANSACTION_STATEMENT.format(position=position, message=error.message))


def plan(view: View, request: ExecuteTransaction, now: float) -> tuple[_Answer, Batch | None]:
    if request.members[0].bound.is_read:
        return _read(view, request), None
    return _write(view, request, now)


def _read(view: View, request: ExecuteTransaction) -> _Answer:
    consumption = Consumption("ReadCapacityUnits")
    reasons = Reasons(len(request.members), STATEMENT_REASONS)
    responses: list[_Answer] = []
    total_bytes = 0
    seen: set[bytes] = set()
    for position, member in enumerate(request.members):
        try:
            lookup = lower_lookup(
                view,
                request.call,
                member.bound,
                without_key=errors.TRANSACTION_SELECT_KEY,
                with_index=errors.TRANSACTION_INDEX,
                own_words=False,
            )
        except ApiError as error:
            if error.message in (errors.TRANSACTION_SELECT_KEY, errors.TRANSACTION_INDEX):
                raise _at(position, error) from error
            reasons.refuse(position, error)
            continue
        refuse_strong(lookup.table)
        if lookup.key in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(lookup.key)
        raw = view.get(lookup.key)
        size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
        total_bytes += size_bytes
        consumption.add(lookup.table, sizes.transactional_read_units(size_bytes))
        shown = lookup.shown(raw)
        responses.append({} if shown is None else {"Item": shown})
    reasons.raise_if_refused()
    if total_bytes > TOTAL_BYTES_MAX:
        raise invalid(errors.TRANSACTION_READ_SIZE)
    answer: _Answer = {"Responses": responses}
    consumption.attach(answer, request.return_consumed_capacity)
    return answer


def _write(view: View, request: ExecuteTransaction, now: float) -> tuple[_Answer, Batch | None]:
    call, token = request.call, request.token
    answer: _Answer = {"Responses": []}
    if token is not None:
        before = repeated(view, call, token, request.digest, now, request.return_consumed_capacity)
        if before is not None:
            return answer | before, None
    batch = Batch()
    outcomes = apply_all(
        view,
        call,
        [partial(_lowered, view, call, member) for member in request.members],
        lambda table, key, prepared: writes.apply_at(view, batch, table, key, prepared, now),
        STATEMENT_REASONS,
    )
    written_units(outcomes).attach(answer, request.return_consumed_capacity)
    if token is not None:
        remember(batch, call, token, request.digest, now, outcomes)
    return answer, batch


def _lowered(view: View, call: Call, member: Member) -> Write:
    return writes.lower_write(
        view, call, member.bound, return_old_on_refusal=member.return_old_on_refusal, own_words=False
    )


def only_reads(request: ExecuteTransaction) -> bool:
    return request.members[0].bound.is_read


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return statement_targets([member["Statement"] for member in body["TransactStatements"]], call)


def touches(view: View, request: ExecuteTransaction) -> list[Touch]:
    members = [(member.text, member.bound, member.return_old_on_refusal) for member in request.members]
    return statement_touches(view, request.call, members, "ExecuteTransaction")


OPERATION = Operation(
    "ExecuteTransaction", prepare=prepare, targets=targets, plan=plan, only_reads=only_reads, touches=touches
)
