"""UntagResource: remove tags from a table; keys that it does not have are no error. The answer has no body."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import editable_record, invalid
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.tagging import table_arn_of, tagged_table
from tabletop.dynamodb.tagging import targets as tagging_targets
from tabletop.storage.store import Batch, View

Request = tuple[Call, str, list[str]]


def prepare(body: Body, call: Call) -> Request:
    arn = table_arn_of(body)
    if not body["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    return call, arn, body["TagKeys"]


def plan(view: View, request: Request, now: float) -> tuple[bytes, Batch]:
    call, arn, keys = request
    record = editable_record(tagged_table(view, call, arn))
    for key in keys:
        record["tags"].pop(key, None)
    batch = Batch()
    catalog.store_record(batch, record)
    return b"", batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return tagging_targets("UntagResource", body)


OPERATION = Operation("UntagResource", prepare=prepare, targets=targets, plan=plan)
