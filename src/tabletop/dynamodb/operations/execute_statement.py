"""ExecuteStatement: one PartiQL statement, a page of a SELECT or a single write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.capacity import consumed
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.partiql import errors, writes
from tabletop.dynamodb.partiql.binding import Bound, bind
from tabletop.dynamodb.partiql.errors import refused
from tabletop.dynamodb.partiql.pages import Position, digest_of, position_of, read_ranges, render
from tabletop.dynamodb.partiql.selects import lower_select
from tabletop.dynamodb.partiql.targets import statement_targets, statement_touches
from tabletop.dynamodb.partiql.tree import Exists
from tabletop.dynamodb.touches import Touch
from tabletop.storage.store import Batch, View


@dataclass(slots=True)
class ExecuteStatement:
    call: Call
    text: str
    bound: Bound
    position: Position
    limit: int | None
    consistent: bool
    return_old_on_refusal: bool
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> ExecuteStatement:
    text, parameters = body["Statement"], body.get("Parameters")
    bound = bind(text, parameters)
    if isinstance(bound.clauses, Exists):
        raise refused(errors.EXISTS_OUTSIDE)
    # Of a write the token and the limit mean nothing, and are let pass (inferred).
    token = body.get("NextToken") if bound.is_read else None
    return ExecuteStatement(
        call=call,
        text=text,
        bound=bound,
        position=position_of(token, digest_of(text, parameters) if bound.is_read else ""),
        limit=body.get("Limit"),
        consistent=body.get("ConsistentRead") is True,
        return_old_on_refusal=body.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        return_consumed_capacity=body.get("ReturnConsumedCapacity"),
    )


def read(view: View, request: ExecuteStatement, now: float) -> bytes:
    ranges = lower_select(view, request.call, request.bound, consistent=request.consistent)
    page = read_ranges(view, ranges, request.position, request.limit)
    return render(ranges, page, request.return_consumed_capacity)


def plan(view: View, request: ExecuteStatement, now: float) -> tuple[Any, Batch | None]:
    if request.bound.is_read:
        return read(view, request, now), None
    batch = Batch()
    call, bound = request.call, request.bound
    prepared = writes.lower_write(view, call, bound, return_old_on_refusal=request.return_old_on_refusal)
    outcome = writes.apply(view, batch, call, prepared, now)
    shown = writes.returned(bound, outcome)
    answer: dict[str, Any] = {"Items": [shown] if shown else []}
    rendered = consumed(request.return_consumed_capacity, outcome.table, outcome.table_units, outcome.index_units)
    if rendered is not None:
        answer["ConsumedCapacity"] = rendered
    return answer, batch


def only_reads(request: ExecuteStatement) -> bool:
    return request.bound.is_read


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return statement_targets([body["Statement"]], call)


def touches(view: View, request: ExecuteStatement) -> list[Touch]:
    return statement_touches(view, request.call, [(request.text, request.bound, request.return_old_on_refusal)])


OPERATION = Operation(
    "ExecuteStatement", prepare=prepare, targets=targets, plan=plan, only_reads=only_reads, touches=touches
)
