"""UpdateItem: edit the item with this key by an update expression, or make it."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.expressions.update_sizes import may_exceed
from tabletop.dynamodb.legacy import uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.single_write import SingleWrite, lower_legacy, plan, prepare_single, prepare_write, touches
from tabletop.dynamodb.values import check_item
from tabletop.dynamodb.write import ITEM_BYTES_MAX, check_updated_size


def prepare(body: Body, call: Call) -> SingleWrite:
    legacy = uses_legacy("UpdateItem", body)
    key = body["Key"]
    check_item(key)
    prepared = prepare_write(body, "update", key)
    text = body.get("UpdateExpression")
    if text is not None and may_exceed(
        ITEM_BYTES_MAX, text, body.get("ExpressionAttributeNames"), body.get("ExpressionAttributeValues")
    ):
        assert prepared.update is not None
        check_updated_size(prepared.update.request_bytes())
    if legacy:
        lower_legacy(body, prepared)
    return prepare_single(body, call, prepared)


OPERATION = Operation("UpdateItem", prepare=prepare, targets=table_targets("UpdateItem"), plan=plan, touches=touches)
