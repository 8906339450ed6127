"""TransactWriteItems: up to 100 puts, updates, deletes and condition checks, all or none (``transactions``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import write
from tabletop.dynamodb.expressions import check_named_value
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn
from tabletop.dynamodb.single_write import prepare_write
from tabletop.dynamodb.touches import Touch, write_touch
from tabletop.dynamodb.transactions import (
    TOTAL_BYTES_MAX,
    apply_all,
    digest_of,
    remember,
    repeated,
    written_units,
)
from tabletop.dynamodb.values import canonicalise_item
from tabletop.dynamodb.write import Outcome, Write
from tabletop.storage.store import Batch, View

_KINDS = {"Put": "put", "Update": "update", "Delete": "delete", "ConditionCheck": "check"}
_ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@dataclass(slots=True)
class TransactWriteItems:
    call: Call
    writes: list[Write]
    token: str | None
    digest: str
    """Of the members: what a client token stands for."""
    return_consumed_capacity: str | None
    return_collection_metrics: bool


def prepare(body: Body, call: Call) -> TransactWriteItems:
    token = body.get("ClientRequestToken")
    members = body["TransactItems"]
    digest = "" if token is None else digest_of(members)
    writes = [_prepare_member(member) for member in members]
    if sum(prepared.subject_bytes for prepared in writes) > TOTAL_BYTES_MAX:
        raise invalid("Transaction payload size cannot exceed 4 MB")
    return TransactWriteItems(
        call=call,
        writes=writes,
        token=token,
        digest=digest,
        return_consumed_capacity=body.get("ReturnConsumedCapacity"),
        return_collection_metrics=body.get("ReturnItemCollectionMetrics") == "SIZE",
    )


def _prepare_member(member: dict[str, Any]) -> Write:
    given = [name for name in _KINDS if member.get(name) is not None]
    if not given:
        raise invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(given) > 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    (name,) = given
    body = member[name]
    subject = body["Item"] if name == "Put" else body["Key"]
    size_bytes = canonicalise_item(subject)
    if body.get("ConditionExpression") is None and name != "Update":
        body = _without_variables(body)
    prepared = prepare_write(body, _KINDS[name], subject, size_bytes)
    if name == "Put":
        write.check_item_size(size_bytes)
    return prepared


def _without_variables(body: dict[str, Any]) -> dict[str, Any]:
    """A member without expressions may bring names and values, and only the values are looked at.

    Recorded in us-east-1 on 9 October 2026 of a Put with values; of names and of Delete inferred.
    """
    for key, value in (body.get("ExpressionAttributeValues") or {}).items():
        check_named_value(key, value)
    return {**body, "ExpressionAttributeNames": None, "ExpressionAttributeValues": None}


def plan(view: View, request: TransactWriteItems, now: float) -> tuple[dict[str, Any], Batch | None]:
    call, token = request.call, request.token
    if token is not None:
        before = repeated(view, call, token, request.digest, now, request.return_consumed_capacity)
        if before is not None:
            return before, None
    batch = Batch()
    outcomes = apply_all(
        view,
        call,
        [partial(_as_it_is, prepared) for prepared in request.writes],
        lambda table, key, prepared: write.apply_at(view, batch, table, key, prepared, now),
    )
    answer: dict[str, Any] = {}
    if request.return_consumed_capacity is not None:
        written_units(outcomes).attach(answer, request.return_consumed_capacity)
    if request.return_collection_metrics:
        answer["ItemCollectionMetrics"] = _metrics(view, outcomes)
    if token is not None:
        remember(batch, call, token, request.digest, now, outcomes)
    return answer, batch


def _as_it_is(prepared: Write) -> Write:
    return prepared


def _metrics(view: View, outcomes: list[Outcome]) -> dict[str, list[dict[str, Any]]]:
    metrics: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        row = write.collection_metrics(view, outcome)
        if row is not None and row not in metrics.setdefault(outcome.table.name, []):
            metrics[outcome.table.name].append(row)
    return metrics


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [
        (f"dynamodb:{_ACTIONS[name]}", table_arn(call, part["TableName"]))
        for member in body["TransactItems"]
        for name, part in member.items()
        if name in _ACTIONS and part is not None
    ]


def touches(view: View, request: TransactWriteItems) -> list[Touch]:
    call, mode = request.call, request.return_consumed_capacity or "NONE"
    return [write_touch(view, call, one, None, mode, enclosing="TransactWriteItems") for one in request.writes]


OPERATION = Operation("TransactWriteItems", prepare=prepare, targets=targets, plan=plan, touches=touches)
