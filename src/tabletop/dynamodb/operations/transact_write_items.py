"""TransactWriteItems: up to 100 puts, updates, deletes and condition checks, all or none.

A plan sees all plans before it and is stored whole, so a transaction needs no locks and no second phase; two of
them never conflict, they are one after the other.

A client token is remembered for ten minutes with a digest of the request: the same request again answers as it did and
writes nothing, another request under the same token is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import keys, sizes, write
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn
from tabletop.dynamodb.single_write import prepare_write
from tabletop.dynamodb.transactions import TOTAL_BYTES_MAX, Reasons
from tabletop.dynamodb.values import canonicalise_item
from tabletop.dynamodb.write import Outcome, Write
from tabletop.storage.store import Batch, View

TOKEN_LIFETIME_S = 600

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
    digest = ""
    if token is not None:
        digest = hashlib.blake2b(orjson.dumps(members, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    writes = [_prepare_member(member) for member in members]
    if sum(prepared.subject_bytes for prepared in writes) > TOTAL_BYTES_MAX:
        raise invalid("Collective size of all the requested items exceeds maximum transaction size")
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
    if len(given) != 1:
        raise invalid(
            "TransactItems can only contain one of Check, Put, Update or Delete"
        )
    (name,) = given
    body = member[name]
    subject = body["Item"] if name == "Put" else body["Key"]
    size_bytes = canonicalise_item(subject)
    prepared = prepare_write(body, _KINDS[name], subject, size_bytes)
    if name == "Put":
        write.check_item_size(size_bytes)
    return prepared


def plan(view: View, request: TransactWriteItems, now: float) -> tuple[dict[str, Any], Batch | None]:
    if request.token is not None:
        repeated = _repeated(view, request, now)
        if repeated is not None:
            return repeated, None
    batch = Batch()
    outcomes = _apply_all(view, batch, request, now)
    consumption = Consumption("WriteCapacityUnits")
    for outcome in outcomes:
        consumption.add(
            outcome.table,
            2 * outcome.table_units,
            [(index, 2 * units) for index, units in outcome.index_units],
        )
    answer: dict[str, Any] = {}
    consumption.attach(answer, request.return_consumed_capacity)
    if request.return_collection_metrics:
        answer["ItemCollectionMetrics"] = _metrics(view, outcomes)
    if request.token is not None:
        _remember(batch, request, outcomes, now)
    return answer, batch


def _apply_all(view: View, batch: Batch, request: TransactWriteItems, now: float) -> list[Outcome]:
    reasons = Reasons(len(request.writes))
    outcomes: list[Outcome] = []
    seen: set[bytes] = set()
    for position, prepared in enumerate(request.writes):
        try:
            outcome = write.apply(view, batch, request.call, prepared, now)
        except ApiError as error:
            reasons.refuse(position, error)
            continue
        if outcome.key in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(outcome.key)
        outcomes.append(outcome)
    reasons.raise_if_refused()
    return outcomes


def _metrics(view: View, outcomes: list[Outcome]) -> dict[str, list[dict[str, Any]]]:
    metrics: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        row = write.collection_metrics(view, outcome)
        if row is not None and row not in metrics.setdefault(outcome.table.name, []):
            metrics[outcome.table.name].append(row)
    return metrics


def _repeated(view: View, request: TransactWriteItems, now: float) -> dict[str, Any] | None:
    """The answer to a request that was done under this token before; None for a new or forgotten token.

    Capacity as AWS reports it for a repeat: reads of the items, at transactional cost.
    """
    assert request.token is not None
    raw = view.get(keys.token_key(request.call.account, request.token))
    if raw is None:
        return None
    remembered = orjson.loads(raw)
    if remembered["at"] + TOKEN_LIFETIME_S <= now:
        return None
    if remembered["digest"] != request.digest:
        raise ApiError(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical",
        )
    answer: dict[str, Any] = {}
    if request.return_consumed_capacity not in (None, "NONE"):
        answer["ConsumedCapacity"] = [
            {"TableName": name, "CapacityUnits": units, "ReadCapacityUnits": units}
            for name, units in remembered["read_units"].items()
        ]
    return answer


def _remember(batch: Batch, request: TransactWriteItems, outcomes: list[Outcome], now: float) -> None:
    assert request.token is not None
    read_units: dict[str, float] = {}
    for outcome in outcomes:
        size_bytes = 0 if outcome.new is None else sizes.item_size(outcome.new)
        units = 2 * sizes.read_units(size_bytes, consistent=True)
        read_units[outcome.table.name] = read_units.get(outcome.table.name, 0.0) + units
    account = request.call.account
    remembered = {"at": now, "digest": request.digest, "read_units": read_units}
    batch.put(keys.token_key(account, request.token), orjson.dumps(remembered))
    batch.put(keys.token_age_key(now, account, request.token), b"")


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [
        (f"dynamodb:{_ACTIONS[name]}", table_arn(call, part["TableName"]))
        for member in body["TransactItems"]
        for name, part in member.items()
        if name in _ACTIONS
    ]


OPERATION = Operation("TransactWriteItems", prepare=prepare, targets=targets, plan=plan)
