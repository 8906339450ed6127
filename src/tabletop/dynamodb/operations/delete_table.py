"""DeleteTable: the table is gone at once, or DELETING for a while; its data is cleared in the background."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.description import describe
from tabletop.dynamodb.lifecycle import (
    busy,
    changing_index,
    existing_table,
    in_use,
    invalid,
    refuse_too_many,
    shown_status,
)
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.replicas import groups, membership
from tabletop.storage.store import Batch, View

_LAST_MEMBERS = (
    "TableName",
    "TableStatus",
    "ProvisionedThroughput",
    "TableSizeBytes",
    "ItemCount",
    "TableArn",
    "TableId",
    "BillingModeSummary",
    "StreamSpecification",
    "LatestStreamLabel",
    "LatestStreamArn",
    "DeletionProtectionEnabled",
)


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    return call, body["TableName"]


def plan(view: View, request: tuple[Call, str], now: float) -> tuple[Any, Batch]:
    table = existing_table(view, *request, unfinished=True)
    if table.status == "CREATING":
        raise in_use(f"Table: {table.name} is being used.")
    record = table.record
    if record.get("deletion_protection") and groups.members(record):
        raise membership.protected(record)
    if record.get("deletion_protection"):
        raise invalid(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    status = shown_status(record, now)
    if changing_index(record) is not None:
        raise in_use("Cannot delete table while indexes are being created, updated, or deleted.")
    if status != "ACTIVE":
        raise busy(record, status)
    refuse_too_many(view, request[0], now)
    batch = Batch()
    membership.drop(view, batch, membership.leave(view, batch, table, now), now)
    return {"TableDescription": _last_description(view, record, now)}, batch


def _last_description(view: View, record: dict[str, Any], now: float) -> dict[str, Any]:
    """AWS names only these of a table that goes."""
    shown = describe(view, record, now, status="DELETING")
    return {member: shown[member] for member in _LAST_MEMBERS if member in shown}


OPERATION = Operation("DeleteTable", prepare=prepare, targets=table_targets("DeleteTable"), plan=plan)
