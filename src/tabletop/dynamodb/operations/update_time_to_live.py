"""UpdateTimeToLive: choose the attribute by which items expire, or let none expire any more.

Items that are there already get their expiry entries in the background, as a new index gets its own. AWS refuses a
second change within an hour, in which the first is ENABLING or DISABLING; here that is as long as ``Delays`` says, so
that nobody's tests wait an hour.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.lifecycle import (
    Delays,
    Record,
    busy,
    editable_record,
    existing_table,
    invalid,
    is_to_come,
    shown_status,
)
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.dynamodb.replicas import groups
from tabletop.storage.store import Batch, View

Request = tuple[Call, str, dict[str, Any]]


def prepare(body: Body, call: Call) -> Request:
    return call, body["TableName"], body["TimeToLiveSpecification"]


def plan(view: View, request: Request, now: float) -> tuple[Any, Batch]:
    call, name, specification = request
    table = existing_table(view, call, name)
    status = shown_status(table.record, now)
    if status in ("CREATING", "DELETING"):
        raise busy(table.record, status)
    if is_to_come((table.record.get("ttl") or {}).get("until") or 0.0, now):
        raise invalid("Time to live has been modified multiple times within a fixed interval")
    enable, attribute = specification["Enabled"], specification["AttributeName"]
    current = table.ttl_attribute
    if current is not None and attribute != current:
        raise invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    if enable == (current is not None):
        raise invalid(f"TimeToLive is already {'enabled' if enable else 'disabled'}")
    if table.is_strong:
        # Inferred: that it is not supported is documented.
        raise invalid("Time to Live is not supported for global tables with MultiRegionConsistency set to STRONG.")
    batch = Batch()
    for record in (editable_record(table), *groups.editable_others(view, table.record)):
        _change(batch, record, attribute, enable, now)
    return {"TimeToLiveSpecification": {"Enabled": enable, "AttributeName": attribute}}, batch


def _change(batch: Batch, record: Record, attribute: str, enable: bool, now: float) -> None:
    filling = keys.backfill_key(record["number"], keys.EXPIRY_NUMBER)
    if enable:
        record["ttl"] = {"attribute": attribute, "status": "ENABLED", "until": now + Delays.table_delay_s}
        batch.put(filling, keys.catalog_key(record["account"], record["region"], record["name"]))
    else:
        record["ttl"] = {"attribute": attribute, "status": "DISABLED", "until": now + Delays.table_delay_s}
        batch.delete(filling)
        batch.put(keys.dropped_key(record["number"], keys.EXPIRY_NUMBER), b"")
    catalog.store_record(batch, record)


OPERATION = Operation("UpdateTimeToLive", prepare=prepare, targets=table_targets("UpdateTimeToLive"), plan=plan)
