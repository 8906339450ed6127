"""UpdateTable: throughput, billing, stream, encryption, class, protection; an index to add, change or remove.

Settings hold as soon as the answer is out, though it says UPDATING as AWS's does. A new index is filled in the
background, CREATING and Backfilling until then; a removed one is DELETING until its entries are cleared.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.definitions import one_index_at_a_time
from tabletop.dynamodb.description import describe
from tabletop.dynamodb.lifecycle import (
    Record,
    begin_transition,
    busy,
    changing_index,
    editable_record,
    existing_table,
    in_use,
    is_allocating,
    refuse_too_many,
    shown_status,
)
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.replicas import groups, membership, settings
from tabletop.dynamodb.replicas.requests import ReplicaRequest, replica_request, targets
from tabletop.dynamodb.streams.records import follow_table
from tabletop.dynamodb.table_changes import change_indexes, change_settings, check_update
from tabletop.dynamodb.vectors import changes as vector_changes
from tabletop.storage.store import Batch, View

Request = tuple[Call, Body, ReplicaRequest | None]

_INDEX_UPDATES = ("GlobalSecondaryIndexUpdates", "VectorIndexUpdates")


def prepare(body: Body, call: Call) -> Request:
    replicas = replica_request(body, call)
    if replicas is None:
        check_update(body)
        vector_changes.check_update(body)
    return call, body, replicas


def plan(view: View, request: Request, now: float) -> tuple[Any, Batch]:
    call, body, replicas = request
    if replicas is not None:
        return membership.plan(view, replicas, now)
    table = existing_table(view, call, body["TableName"])
    _refuse_busy(table.record, body, now)
    for other in groups.other_records(view, table.record):
        _refuse_busy(other, body, now)
    refuse_too_many(view, call, now)
    record = editable_record(table)
    batch = Batch()
    change_settings(record, body, now)
    change_indexes(batch, record, body, now)
    vector_changes.change(batch, record, body, now)
    follow_table(view, batch, table.record, record, now)
    settings.follow(view, batch, table.record, record, body, now)
    begin_transition(record, "UPDATING", now)
    catalog.store_record(batch, record)
    return {"TableDescription": describe(view, record, now, status="UPDATING")}, batch


def _refuse_busy(record: Record, body: Body, now: float) -> None:
    """Refuse a change that must wait for another. An index that is being filled may be removed, as a mistake may be."""
    status = shown_status(record, now)
    index = changing_index(record)
    if index is None or status in ("CREATING", "DELETING"):
        if status != "ACTIVE":
            raise busy(record, status)
        return
    for update in (update for member in _INDEX_UPDATES for update in body.get(member) or ()):
        removes_it = index["status"] == "CREATING" and update.get("Delete", {}).get("IndexName") == index["name"]
        if not removes_it and "Update" not in update:
            raise one_index_at_a_time()
        if removes_it and index.get("ready") is not None and is_allocating(index, now):
            raise in_use(
                "Index creation is in resource allocation phase. "
                "Retry deletion during backfilling phase or when the index is active."
            )
        if removes_it and not body.keys() - {"TableName", *_INDEX_UPDATES}:
            return
    if status != "ACTIVE":
        raise busy(record, status)


OPERATION = Operation("UpdateTable", prepare=prepare, targets=targets, plan=plan)
