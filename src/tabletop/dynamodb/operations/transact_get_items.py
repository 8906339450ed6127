"""TransactGetItems: up to 100 items from one picture of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, key_schema, keys, sizes
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.expressions import Binder, Projection, compile_projection
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn, table_name
from tabletop.dynamodb.touches import Touch, get_touch
from tabletop.dynamodb.transactions import TOTAL_BYTES_MAX, Reasons, refuse_strong
from tabletop.dynamodb.values import check_item
from tabletop.storage.store import View


@dataclass(slots=True)
class Get:
    table: str
    key: Item
    projection: Projection | None


@dataclass(slots=True)
class TransactGetItems:
    call: Call
    gets: list[Get]
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> TransactGetItems:
    gets = [_prepare_get(member["Get"]) for member in body["TransactItems"]]
    return TransactGetItems(call, gets, body.get("ReturnConsumedCapacity"))


def _prepare_get(get: dict[str, Any]) -> Get:
    check_item(get["Key"])
    text = get.get("ProjectionExpression")
    binder = Binder(get.get("ExpressionAttributeNames"), None, expressions_given=text is not None)
    projection = None if text is None else compile_projection(text, binder)
    binder.refuse_unused()
    return Get(table_name(get["TableName"]), get["Key"], projection)


def read(view: View, request: TransactGetItems, now: float) -> dict[str, Any]:
    consumption = Consumption("ReadCapacityUnits")
    reasons = Reasons(len(request.gets))
    responses: list[dict[str, Any]] = []
    total_bytes = 0
    seen: set[bytes] = set()
    for position, get in enumerate(request.gets):
        table = catalog.table_of(view, request.call, get.table)
        refuse_strong(table)
        try:
            key_schema.check_key(table, get.key)
        except ApiError as error:
            reasons.refuse(position, error)
            continue
        item_key = keys.item_key(table, get.key)
        if item_key in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(item_key)
        raw = view.get(item_key)
        size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
        total_bytes += size_bytes
        consumption.add(table, 2 * sizes.read_units(size_bytes, consistent=True))
        if raw is None:
            responses.append({})
        elif get.projection is None:
            responses.append({"Item": orjson.Fragment(raw[4:])})
        else:
            projected = get.projection.apply(orjson.loads(raw[4:]))
            # Nothing of the item is an empty response, as its absence is (documented; so it was seen in 2026).
            responses.append({"Item": projected} if projected else {})
    reasons.raise_if_refused()
    if total_bytes > TOTAL_BYTES_MAX:
        raise invalid("Collective size of all the requested items exceeds maximum transaction size")
    answer: dict[str, Any] = {"Responses": responses}
    consumption.attach(answer, request.return_consumed_capacity)
    return answer


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:GetItem", table_arn(call, member["Get"]["TableName"])) for member in body["TransactItems"]]


def touches(view: View, request: TransactGetItems) -> list[Touch]:
    call, mode = request.call, request.return_consumed_capacity
    return [
        get_touch(view, call, get.table, [get.key], get.projection, mode, enclosing="TransactGetItems")
        for get in request.gets
    ]


OPERATION = Operation("TransactGetItems", prepare=prepare, targets=targets, read=read, touches=touches)
