"""What PutItem, UpdateItem and DeleteItem have in common: their expressions, and how they answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import write
from tabletop.dynamodb.capacity import consumed
from tabletop.dynamodb.expressions import Binder, Condition, Update, compile_condition, compile_update
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import compile_attribute_updates, compile_expected
from tabletop.dynamodb.operations.operation import Body, table_name
from tabletop.dynamodb.touches import Touch, write_touch
from tabletop.dynamodb.write import Outcome, Write
from tabletop.storage.store import Batch, View

COMPILED_MAX = 512
"""Compiled expressions that are kept, the least recently used given up first."""
COMPILED_CHARACTERS_MAX = 1024
"""Expressions, names and values (as JSON) together, up to which what they compile to is kept: longer ones seldom come twice."""

_MISSING = {
    "put": "ConditionExpression is null",
    "delete": "ConditionExpression is null",
    "check": "ConditionExpression is null",
    "update": "UpdateExpression and ConditionExpression are null",
}
"""What is said to be missing where values are given without an expression to use them (inferred for updates)."""


@dataclass(slots=True)
class SingleWrite:
    call: Call
    write: Write
    return_values: str
    return_consumed_capacity: str | None
    return_collection_metrics: bool


def prepare_write(body: Body, kind: Any, subject: Item, subject_bytes: int = 0) -> Write:
    """The write with its expressions compiled; for single operations and the members of a transaction."""
    condition_text = body.get("ConditionExpression")
    update_text = body.get("UpdateExpression") if kind == "update" else None
    names = body.get("ExpressionAttributeNames")
    bound = body.get("ExpressionAttributeValues")
    condition = update = None
    if condition_text is not None or update_text is not None or names is not None or bound is not None:
        condition, update = _compiled(kind, condition_text, update_text, names, bound)
    return Write(
        kind=kind,
        table=table_name(body["TableName"]),
        subject=subject,
        subject_bytes=subject_bytes,
        condition=condition,
        update=update,
        return_old_on_refusal=body.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )


def _compiled(
    kind: str,
    condition_text: str | None,
    update_text: str | None,
    names: dict[str, Any] | None,
    bound: dict[str, Any] | None,
) -> tuple[Condition | None, Update | None]:
    """The compiled expressions, from the cache where the same were compiled with the same names and values before.

    Statuses, steps of counters and checks of existence are the same in request after request, and compiling them costs
    more than all else that is prepared. Nothing compiled is ever edited, so requests may share it.
    """
    try:
        variables = orjson.dumps((names, bound))
    except orjson.JSONEncodeError:
        # Nested deeper than the encoder goes: the check of values refuses it in AWS's words.
        return _compile(kind, condition_text, update_text, names, bound)
    if len(variables) + len(condition_text or "") + len(update_text or "") > COMPILED_CHARACTERS_MAX:
        return _compile(kind, condition_text, update_text, names, bound)
    return _compile_cached(kind, condition_text, update_text, variables)


@lru_cache(COMPILED_MAX)
def _compile_cached(
    kind: str, condition_text: str | None, update_text: str | None, variables: bytes
) -> tuple[Condition | None, Update | None]:
    return _compile(kind, condition_text, update_text, *orjson.loads(variables))


def _compile(
    kind: str,
    condition_text: str | None,
    update_text: str | None,
    names: dict[str, Any] | None,
    bound: dict[str, Any] | None,
) -> tuple[Condition | None, Update | None]:
    given = condition_text is not None or update_text is not None
    binder = Binder(names, bound, expressions_given=given, missing="" if given else _MISSING[kind])
    update = None if update_text is None else compile_update(update_text, binder)
    condition = None
    if condition_text is not None:
        condition = compile_condition(condition_text, kind="ConditionExpression", binder=binder)
    binder.refuse_unused()
    return condition, update


def lower_legacy(body: Body, prepared: Write) -> None:
    """Give the write what the request's legacy parameters ask for: there are no expressions then."""
    updates = body.get("AttributeUpdates") if prepared.kind == "update" else None
    if updates is not None:
        prepared.update = compile_attribute_updates(updates)
    condition = compile_expected(body.get("Expected"), body.get("ConditionalOperator"))
    if condition is not None:
        prepared.condition = condition


def prepare_single(body: Body, call: Call, prepared: Write) -> SingleWrite:
    return SingleWrite(
        call=call,
        write=prepared,
        return_values=body.get("ReturnValues") or "NONE",
        return_consumed_capacity=body.get("ReturnConsumedCapacity"),
        return_collection_metrics=body.get("ReturnItemCollectionMetrics") == "SIZE",
    )


def plan(view: View, request: SingleWrite, now: float) -> tuple[dict[str, Any], Batch]:
    batch = Batch()
    outcome = write.apply(view, batch, request.call, request.write, now)
    answer: dict[str, Any] = {}
    if request.return_values != "NONE":
        attributes = returned_attributes(request.return_values, outcome)
        if attributes:
            answer["Attributes"] = attributes
    if request.return_consumed_capacity:
        rendered = consumed(request.return_consumed_capacity, outcome.table, outcome.table_units, outcome.index_units)
        if rendered is not None:
            answer["ConsumedCapacity"] = rendered
    if request.return_collection_metrics:
        metrics = write.collection_metrics(view, outcome)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer, batch


def touches(view: View, request: SingleWrite) -> list[Touch]:
    mode = request.return_consumed_capacity or "NONE"
    return [write_touch(view, request.call, request.write, request.return_values, mode)]


def returned_attributes(return_values: str, outcome: Outcome) -> Item | None:
    """The Attributes that ReturnValues asks for; None where there are none to show."""
    if return_values == "ALL_OLD":
        return outcome.old
    if return_values == "ALL_NEW":
        return outcome.new
    if return_values == "UPDATED_OLD":
        return outcome.paths.project(outcome.old) if outcome.paths and outcome.old else None
    return outcome.paths.project(outcome.new) if outcome.paths and outcome.new else None
