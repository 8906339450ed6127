"""UpdateTable: throughput, billing, stream, encryption, class, protection; an index to add, change or remove.

Settings hold as soon as the answer is out, though it says UPDATING as AWS's does. A new index is filled in the
background, CREATING and Backfilling until then; a removed one is DELETING until its entries are cleared.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.description import describe
from tabletop.dynamodb.lifecycle import begin_transition, editable_record, existing_table, in_use, shown_status
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.streams.records import follow_table
from tabletop.dynamodb.table_changes import change_indexes, change_settings, check_update
from tabletop.storage.store import Batch, View

Request = tuple[Call, Body]


def prepare(body: Body, call: Call) -> Request:
    check_update(body)
    return call, body


def plan(view: View, request: Request, now: float) -> tuple[Any, Batch]:
    call, body = request
    table = existing_table(view, call, body["TableName"])
    status = shown_status(table.record, now)
    if status != "ACTIVE" and not _only_removes_index(body):
        raise in_use(f"Table is being {'created' if status == 'CREATING' else 'updated'}: {table.name}")
    record = editable_record(table)
    batch = Batch()
    change_settings(record, body, now)
    change_indexes(batch, record, body, now)
    follow_table(view, batch, table.record, record, now)
    begin_transition(record, "UPDATING", now)
    catalog.store_record(batch, record)
    return {"TableDescription": describe(view, record, now, status="UPDATING")}, batch


def _only_removes_index(body: Body) -> bool:
    """An index that is still being filled may be removed, so that a mistake need not be waited for."""
    updates = body.get("GlobalSecondaryIndexUpdates") or []
    return (
        len(updates) == 1 and "Delete" in updates[0] and not body.keys() - {"TableName", "GlobalSecondaryIndexUpdates"}
    )


OPERATION = Operation("UpdateTable", prepare=prepare, targets=table_targets("UpdateTable"), plan=plan)
