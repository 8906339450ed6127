"""PutItem: store an item whole, in place of the one with its key."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.item_members import RETURN_VALUES_OF_PUTS
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.legacy import uses_legacy
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.single_write import SingleWrite, lower_legacy, plan, prepare_single, prepare_write, touches
from tabletop.dynamodb.values import canonicalise_item
from tabletop.dynamodb.write import check_item_size


def prepare(body: Body, call: Call) -> SingleWrite:
    legacy = uses_legacy("PutItem", body)
    if body.get("ReturnValues") not in (None, "NONE", "ALL_OLD"):
        raise invalid(RETURN_VALUES_OF_PUTS)
    item = body["Item"]
    size_bytes = canonicalise_item(item)
    prepared = prepare_write(body, "put", item, size_bytes)
    if legacy:
        lower_legacy(body, prepared)
    check_item_size(size_bytes)
    return prepare_single(body, call, prepared)


OPERATION = Operation("PutItem", prepare=prepare, targets=table_targets("PutItem"), plan=plan, touches=touches)
