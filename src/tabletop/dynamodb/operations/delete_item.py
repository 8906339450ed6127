"""DeleteItem: remove the item with this key; no error where there is none."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.item_members import RETURN_VALUES_OF_PUTS
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.legacy import uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.single_write import SingleWrite, lower_legacy, plan, prepare_single, prepare_write, touches
from tabletop.dynamodb.values import check_item


def prepare(body: Body, call: Call) -> SingleWrite:
    legacy = uses_legacy("DeleteItem", body)
    if body.get("ReturnValues") not in (None, "NONE", "ALL_OLD"):
        raise invalid(RETURN_VALUES_OF_PUTS)
    key = body["Key"]
    check_item(key)
    prepared = prepare_write(body, "delete", key)
    if legacy:
        lower_legacy(body, prepared)
    return prepare_single(body, call, prepared)


OPERATION = Operation("DeleteItem", prepare=prepare, targets=table_targets("DeleteItem"), plan=plan, touches=touches)
