"""TagResource: add tags to a table, or give them new values. The answer has no body."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import editable_record, invalid
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.tagging import check_tag_count, new_tags, table_arn_of, tagged_table
from tabletop.dynamodb.tagging import targets as tagging_targets
from tabletop.storage.store import Batch, View

Request = tuple[Call, str, dict[str, str]]


def prepare(body: Body, call: Call) -> Request:
    arn = table_arn_of(body)
    if not body["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    return call, arn, new_tags(body["Tags"])


def plan(view: View, request: Request, now: float) -> tuple[bytes, Batch]:
    call, arn, tags = request
    record = editable_record(tagged_table(view, call, arn))
    record["tags"] |= tags
    check_tag_count(len(record["tags"]))
    batch = Batch()
    catalog.store_record(batch, record)
    return b"", batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return tagging_targets("TagResource", body)


OPERATION = Operation("TagResource", prepare=prepare, targets=targets, plan=plan)
