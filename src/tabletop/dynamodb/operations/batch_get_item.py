"""BatchGetItem: up to 100 items by their keys, of any tables, up to 16 MB; the rest comes back as UnprocessedKeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, key_schema, keys, sizes
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.expressions import Binder, Projection, compile_projection
from tabletop.dynamodb.item_members import check_keys_of_batch
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import compile_attributes_to_get, uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn, table_name
from tabletop.dynamodb.touches import Touch, get_touch
from tabletop.dynamodb.values import check_item
from tabletop.storage.store import View

ANSWER_BYTES_MAX = 16 * 1024 * 1024


@dataclass(slots=True)
class TableGet:
    """The keys asked of one table. ``member`` is its part of the request, to be given back for what is not processed."""

    requested_name: str
    keys: list[Item]
    projection: Projection | None
    consistent: bool
    member: dict[str, Any]


@dataclass(slots=True)
class BatchGetItem:
    call: Call
    gets: list[TableGet]
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> BatchGetItem:
    request_items = body["RequestItems"]
    check_keys_of_batch(body)
    gets = [_prepare_get(name, member) for name, member in request_items.items()]
    return BatchGetItem(call, gets, body.get("ReturnConsumedCapacity"))


def _prepare_get(name: str, member: dict[str, Any]) -> TableGet:
    legacy = uses_legacy("BatchGetItem", member)
    for key in member["Keys"]:
        check_item(key)
    text = member.get("ProjectionExpression")
    binder = Binder(member.get("ExpressionAttributeNames"), None, expressions_given=text is not None)
    projection = None if text is None else compile_projection(text, binder)
    binder.refuse_unused()
    if legacy:
        projection = compile_attributes_to_get(member["AttributesToGet"])
    return TableGet(name, member["Keys"], projection, member.get("ConsistentRead") is True, member)


def read(view: View, request: BatchGetItem, now: float) -> bytes:
    consumption = Consumption()
    responses: list[bytes] = []
    unprocessed: dict[str, Any] = {}
    left_bytes = ANSWER_BYTES_MAX
    for get in request.gets:
        table = catalog.table_of(view, request.call, table_name(get.requested_name))
        item_keys = []
        for key in get.keys:
            key_schema.check_key(table, key)
            item_keys.append(keys.item_key(table, key))
        if len(set(item_keys)) < len(item_keys):
            raise invalid("Provided list of item keys contains duplicates")
        rows: list[bytes] = []
        units = 0.0
        for position, item_key in enumerate(item_keys):
            raw = view.get(item_key)
            size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
            if size_bytes > left_bytes:
                unprocessed[get.requested_name] = {**get.member, "Keys": get.keys[position:]}
                left_bytes = 0
                break
            left_bytes -= size_bytes
            units += sizes.read_units(size_bytes, consistent=get.consistent)
            if raw is not None:
                row = raw[4:]
                rows.append(row if get.projection is None else orjson.dumps(get.projection.apply(orjson.loads(row))))
        if units:
            consumption.add(table, units)
        responses.append(orjson.dumps(get.requested_name) + b":[" + b",".join(rows) + b"]")
    parts = [b'"Responses":{' + b",".join(responses) + b"}", b'"UnprocessedKeys":' + orjson.dumps(unprocessed)]
    rendered = consumption.render(request.return_consumed_capacity)
    if rendered:
        parts.append(b'"ConsumedCapacity":' + orjson.dumps(rendered))
    return b"{" + b",".join(parts) + b"}"


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:BatchGetItem", table_arn(call, name)) for name in body["RequestItems"]]


def touches(view: View, request: BatchGetItem) -> list[Touch]:
    call, mode = request.call, request.return_consumed_capacity
    return [
        get_touch(view, call, table_name(get.requested_name), get.keys, get.projection, mode) for get in request.gets
    ]


OPERATION = Operation("BatchGetItem", prepare=prepare, targets=targets, read=read, touches=touches)
