"""UpdateTableReplicaAutoScaling: settings of read capacity for each replica, of write capacity for all (``replicas.scaling``)."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import Record, editable_record, find_table
from tabletop.dynamodb.operations.operation import Body, Operation, table_name, table_targets
from tabletop.dynamodb.replicas import groups, scaling
from tabletop.storage.store import Batch, View

Request = tuple[Call, Body]

_WRITE = "ProvisionedWriteCapacityAutoScalingUpdate"
_READ = "ReplicaProvisionedReadCapacityAutoScalingUpdate"
_INDEX_READ = "ProvisionedReadCapacityAutoScalingUpdate"


def prepare(body: Body, call: Call) -> Request:
    name = table_name(body["TableName"])
    if not body.keys() - {"TableName"}:
        raise scaling.refused(name, " because at least one update parameter must be specified.")
    regions = [update["RegionName"] for update in body.get("ReplicaUpdates") or ()]
    repeated = sorted({region for region in regions if regions.count(region) > 1})
    if repeated:
        raise scaling.refused(
            name,
            f" because the regions: \N{LEFT SINGLE QUOTATION MARK}[{', '.join(repeated)}]\N{RIGHT SINGLE QUOTATION MARK} "
            "were specified more than once.",
        )
    for update in body.get("ReplicaUpdates") or ():
        if not update.keys() - {"RegionName"}:
            raise scaling.refused(
                name,
                " because at least one update parameter must be specified for region: "
                f"\N{LEFT SINGLE QUOTATION MARK}{update['RegionName']}\N{RIGHT SINGLE QUOTATION MARK}.",
            )
    return call, body


def plan(view: View, request: Request, now: float) -> tuple[dict[str, Any], Batch]:
    call, body = request
    table = find_table(view, call, body["TableName"])
    if table is None or not groups.members(table.record):
        raise scaling.no_global_table(table_name(body["TableName"]))
    groups.refuse_busy(view, table.record, now)
    records = [editable_record(table), *groups.editable_others(view, table.record)]
    _refuse_on_demand(records, body)
    _change_writes(records, body)
    for update in body.get("ReplicaUpdates") or ():
        _change_reads(records, update)
    batch = Batch()
    for record in records:
        catalog.store_record(batch, record)
    return {"TableAutoScalingDescription": scaling.describe(records[0], records, now)}, batch


def _refuse_on_demand(records: list[Record], body: Body) -> None:
    """A table that is paid by request has nothing to scale: all that it takes is to have that switched off."""
    if records[0]["billing"]["mode"] != "PAY_PER_REQUEST":
        return
    asked = [("GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate", body.get(_WRITE))]
    asked += [
        ("ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate", update.get(_READ))
        for update in body.get("ReplicaUpdates") or ()
    ]
    for member, settings in asked:
        if settings is not None and not settings.get("AutoScalingDisabled"):
            regions = ", ".join(sorted(f"'{record['region'].upper()}'" for record in records))
            raise ApiError(
                "ValidationException",
                f"Failed to update global table with name \N{LEFT SINGLE QUOTATION MARK}{records[0]['name']}"
                f"\N{LEFT SINGLE QUOTATION MARK}. Replicas {regions} BillingMode is PayPerRequest. You must convert table's "
                f"BillingMode to PROVISIONED to set parameters: '{member}'.",
            )


def _change_writes(records: list[Record], body: Body) -> None:
    for record in records:
        if body.get(_WRITE) is not None:
            scaling.change(record, "write", None, body[_WRITE])
        for update in body.get("GlobalSecondaryIndexUpdates") or ():
            if update.get(_WRITE) is not None:
                scaling.change(record, "write", _index(record, update.get("IndexName")), update[_WRITE])


def _change_reads(records: list[Record], update: Body) -> None:
    record = next((one for one in records if one["region"] == update["RegionName"]), None)
    if record is None:
        # Inferred: that it is ResourceNotFoundException was seen.
        raise ApiError("ResourceNotFoundException", f"Replica not found in region: {update['RegionName']}")
    if update.get(_READ) is not None:
        scaling.change(record, "read", None, update[_READ])
    for index in update.get("ReplicaGlobalSecondaryIndexUpdates") or ():
        if index.get(_INDEX_READ) is not None:
            scaling.change(record, "read", _index(record, index.get("IndexName")), index[_INDEX_READ])


def _index(record: Record, name: str | None) -> str:
    if any(index["kind"] == "global" and index["name"] == name for index in record["indexes"]):
        return str(name)
    # Inferred.
    raise ApiError("ResourceNotFoundException", f"Requested resource not found: Index: {name} not found")


OPERATION = Operation(
    "UpdateTableReplicaAutoScaling",
    prepare=prepare,
    targets=table_targets("UpdateTableReplicaAutoScaling"),
    plan=plan,
)
