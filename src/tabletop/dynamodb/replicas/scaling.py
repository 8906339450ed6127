"""Auto scaling settings of a global table's replicas: checked, kept in each replica's record, and described. Nothing scales by
them: provisioned capacity is described here and not enforced, so there is no load that would have to be followed.

In a record: ``scaling`` holds "read" and "write" of the table, and the same of an index under its name in "indexes". Each is what
the wire shows (AutoScalingSettingsDescription). Write settings are the same in all replicas, read settings are each one's own.

Source of words and rules: answers that an independent observer recorded in 2026. Negative cooldowns are taken, as AWS takes them.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb.lifecycle import Record, invalid, shown_index_status, shown_status

Settings = dict[str, Any]

DISABLED: Settings = {"AutoScalingDisabled": True, "ScalingPolicies": []}
TARGET_MIN, TARGET_MAX = 10.0, 90.0
_ROLE = (
    "arn:aws:iam::{}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
)
_METRICS = {"read": "DynamoDBReadCapacityUtilization", "write": "DynamoDBWriteCapacityUtilization"}
_REQUIRED = ("MaximumUnits", "ScalingPolicyUpdate", "MinimumUnits")


def no_global_table(name: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"Global table with name: '{name}' does not exist.")


def describe(record: Record, records: list[Record], now: float) -> dict[str, Any]:
    """TableAutoScalingDescription. ``records``: of all replicas, this one among them."""
    return {
        "TableName": record["name"],
        "TableStatus": shown_status(record, now),
        "Replicas": [_replica(one, now) for one in sorted(records, key=lambda one: str(one["region"]))],
    }


def _replica(record: Record, now: float) -> dict[str, Any]:
    scaling = record.get("scaling") or {}
    status = shown_status(record, now)
    return {
        "RegionName": record["region"],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index["name"],
                "IndexStatus": shown_index_status(record, index, status, now),
                "ProvisionedReadCapacityAutoScalingSettings": _of_index(scaling, index["name"]).get("read", DISABLED),
                "ProvisionedWriteCapacityAutoScalingSettings": _of_index(scaling, index["name"]).get("write", DISABLED),
            }
            for index in record["indexes"]
            if index["kind"] == "global"
        ],
        "ReplicaProvisionedReadCapacityAutoScalingSettings": scaling.get("read", DISABLED),
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": scaling.get("write", DISABLED),
        "ReplicaStatus": status,
    }


def _of_index(scaling: Record, name: str) -> Record:
    found: Record = scaling.get("indexes", {}).get(name, {})
    return found


def change(record: Record, kind: str, index: str | None, asked: Settings) -> None:
    """Change one setting in a replica's record. ``kind``: "read" or "write"; ``index``: None for the table's own.

    Raises ValidationException.
    """
    scaling = record.setdefault("scaling", {})
    holder = scaling if index is None else scaling.setdefault("indexes", {}).setdefault(index, {})
    if asked.get("AutoScalingDisabled"):
        holder[kind] = dict(DISABLED)
        return
    before = holder.get(kind, DISABLED)
    settings = {
        "MinimumUnits": asked.get("MinimumUnits", before.get("MinimumUnits")),
        "MaximumUnits": asked.get("MaximumUnits", before.get("MaximumUnits")),
        "AutoScalingRoleArn": asked.get("AutoScalingRoleArn", _ROLE.format(record["account"])),
        "ScalingPolicies": before["ScalingPolicies"],
    }
    update = asked.get("ScalingPolicyUpdate")
    if update is not None:
        settings["ScalingPolicies"] = [_policy(record, kind, index, update)]
    missing = [
        member for member in _REQUIRED if not settings["ScalingPolicies" if member == "ScalingPolicyUpdate" else member]
    ]
    if missing:
        listed = ", ".join(f"'{member}'" for member in missing)
        raise refused(record["name"], f": Parameters {listed} are required unless auto scaling is being disabled.")
    if settings["MaximumUnits"] < settings["MinimumUnits"]:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    holder[kind] = settings


def keep_shared(record: Record) -> None:
    """Take away from a new replica's record what only its source was given: settings of read capacity."""
    scaling = record.get("scaling") or {}
    for holder in (scaling, *scaling.get("indexes", {}).values()):
        holder.pop("read", None)


def refused(name: str, why: str) -> ApiError:
    return invalid(
        f"Failed to update settings for global table with name: \N{LEFT SINGLE QUOTATION MARK}{name}"
        f"\N{RIGHT SINGLE QUOTATION MARK}{why}"
    )


def _policy(record: Record, kind: str, index: str | None, update: Settings) -> Settings:
    target = update["TargetTrackingScalingPolicyConfiguration"]
    value = target["TargetValue"]
    if not TARGET_MIN <= value <= TARGET_MAX:
        raise invalid(
            f"For predefined metric type {_METRICS[kind]}, target value must be between '{TARGET_MIN}' and '{TARGET_MAX}', "
            f"but was '{float(value)}'."
        )
    holder = f"table/{record['name']}" + ("" if index is None else f"/index/{index}")
    return {
        "PolicyName": update.get("PolicyName", f"{_METRICS[kind]}:{holder}"),
        "TargetTrackingScalingPolicyConfiguration": target,
    }
