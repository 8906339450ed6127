"""GetItem: one item by its key. Without a projection the stored JSON is the answer, unparsed."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, key_schema, keys, sizes, values
from tabletop.dynamodb.capacity import consumed
from tabletop.dynamodb.expressions import Binder, Projection, compile_projection
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.legacy import compile_attributes_to_get, uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_name, table_targets
from tabletop.dynamodb.touches import Touch, get_touch
from tabletop.storage.store import View


@dataclass(slots=True)
class GetItem:
    call: Call
    table: str
    key: Item
    projection: Projection | None
    consistent: bool
    return_consumed_capacity: str | None


def prepare(body: Body, call: Call) -> GetItem:
    legacy = uses_legacy("GetItem", body)
    key = body["Key"]
    values.check_item(key)
    projection = None
    names = body.get("ExpressionAttributeNames")
    text = body.get("ProjectionExpression")
    if text is not None or names is not None:
        binder = Binder(names, None, expressions_given=text is not None)
        projection = None if text is None else compile_projection(text, binder)
        binder.refuse_unused()
    if legacy:
        projection = compile_attributes_to_get(body["AttributesToGet"])
    return GetItem(
        call,
        table_name(body["TableName"]),
        key,
        projection,
        body.get("ConsistentRead") is True,
        body.get("ReturnConsumedCapacity"),
    )


def read(view: View, request: GetItem, now: float) -> bytes:
    table = catalog.table_of(view, request.call, request.table)
    key_schema.check_key(table, request.key)
    raw = view.get(keys.item_key(table, request.key))
    parts = []
    if raw is not None:
        item = raw[4:]
        if request.projection is not None:
            item = orjson.dumps(request.projection.apply(orjson.loads(item)))
        parts.append(b'"Item":' + item)
    if request.return_consumed_capacity:
        size_bytes = 0 if raw is None else int.from_bytes(raw[:4], "big")
        units = sizes.read_units(size_bytes, consistent=request.consistent)
        rendered = consumed(request.return_consumed_capacity, table, units)
        if rendered is not None:
            parts.append(b'"ConsumedCapacity":' + orjson.dumps(rendered))
    return b"{" + b",".join(parts) + b"}"


def touches(view: View, request: GetItem) -> list[Touch]:
    call, keys = request.call, [request.key]
    return [get_touch(view, call, request.table, keys, request.projection, request.return_consumed_capacity)]


OPERATION = Operation("GetItem", prepare=prepare, targets=table_targets("GetItem"), read=read, touches=touches)
