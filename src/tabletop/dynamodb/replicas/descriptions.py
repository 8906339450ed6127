"""A global table as DescribeTable shows it from one of its replicas.

An override is what another replica has otherwise than this one: so each region sees the others' differences from its own.
ReplicaArn and ReplicaStatusPercentProgress are not given, as AWS was seen to leave them out.
"""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import Record, is_to_come, shown_index_status, shown_status
from tabletop.dynamodb.warm_throughput import warm_throughput
from tabletop.storage.store import View

VERSION = "2019.11.21"
MODE = "ENABLED_WITH_OVERRIDES"


def add(view: View, answer: dict[str, Any], record: Record, now: float) -> None:
    """Add what the record says of a global table to its TableDescription; nothing for a table alone."""
    if record.get("settings_replication"):
        answer["GlobalTableSettingsReplicationMode"] = record["settings_replication"]
    listed = [one for one in record.get("replicas") or () if "gone" not in one or is_to_come(one["gone"], now)]
    if not listed:
        return
    group = record.get("group") or {}
    answer["GlobalTableVersion"] = VERSION
    answer["Replicas"] = [shown for one in listed if (shown := _replica(view, record, one, now)) is not None]
    answer["GlobalTableSettingsReplicationMode"] = MODE
    if group.get("consistency") == "STRONG":
        answer["MultiRegionConsistency"] = "STRONG"
        if group["witness"]:
            creating = any(one["ReplicaStatus"] == "CREATING" for one in answer["Replicas"])
            status = "CREATING" if creating else "ACTIVE"
            answer["GlobalTableWitnesses"] = [{"RegionName": group["witness"], "WitnessStatus": status}]
    elif group:
        answer["DisassociationProtectionEnabled"] = group["protected"]


def _replica(view: View, record: Record, one: Record, now: float) -> dict[str, Any] | None:
    shown: dict[str, Any] = {"RegionName": one["region"]}
    if "gone" in one:
        return shown | {"ReplicaStatus": "DELETING"}
    table = catalog.find(view, one["account"], one["region"], record["name"])
    if table is None:
        return None
    other = table.record
    status = shown_status(other, now)
    shown["ReplicaStatus"] = status
    if other.get("sse"):
        shown["KMSMasterKeyId"] = other["sse"]["KMSMasterKeyArn"]
    shown |= _overrides(record, other)
    mode = other["billing"]["mode"]
    shown["WarmThroughput"] = warm_throughput(mode, other.get("warm"), other["throughput"], status)
    indexes = _indexes(record, other, status, now)
    if indexes:
        shown["GlobalSecondaryIndexes"] = indexes
    if other.get("table_class"):
        shown["ReplicaTableClassSummary"] = class_summary(other["table_class"])
    shown["GlobalTableSettingsReplicationMode"] = MODE
    return shown


def class_summary(table_class: Record) -> dict[str, Any]:
    shown = {"TableClass": table_class["class"]}
    if table_class.get("changed") is not None:
        shown["LastUpdateDateTime"] = table_class["changed"]
    return shown


def _overrides(own: Record, other: Record) -> dict[str, Any]:
    """``own``, ``other``: the records of two tables, or of the same index of both."""
    shown: dict[str, Any] = {}
    if other["throughput"]["read"] != own["throughput"]["read"]:
        shown["ProvisionedThroughputOverride"] = {"ReadCapacityUnits": other["throughput"]["read"]}
    maximum = (other.get("on_demand") or {}).get("MaxReadRequestUnits")
    if maximum is not None and maximum != (own.get("on_demand") or {}).get("MaxReadRequestUnits"):
        shown["OnDemandThroughputOverride"] = {"MaxReadRequestUnits": maximum}
    return shown


def _indexes(own: Record, other: Record, status: str, now: float) -> list[dict[str, Any]]:
    numbered = {index["number"]: index for index in own["indexes"]}
    shown = []
    for index in other["indexes"]:
        if index["kind"] == "global":
            index_status = shown_index_status(other, index, status, now)
            mode = other["billing"]["mode"]
            warm = warm_throughput(mode, index.get("warm"), index["throughput"], index_status)
            differing = _overrides(numbered[index["number"]], index) if index["number"] in numbered else {}
            shown.append({"IndexName": index["name"]} | differing | {"WarmThroughput": warm})
    return shown
