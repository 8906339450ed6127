"""How a version's record reads in answers: AWS's FunctionConfiguration."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from tabletop.functions.names import LATEST, function_arn

SETTLED = {"State": "Active", "LastUpdateStatus": "Successful"}
CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
"""What AWS answers to CreateFunction; here the function is Active before anybody can ask again."""
UPDATING = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
"""What AWS answers to an update, in these words; here the next question is answered with Successful."""


def configuration(record: dict[str, Any], *, qualifier: str = "", state: dict[str, str] = SETTLED) -> dict[str, Any]:
    """``qualifier``: how the ARN names the version, an alias perhaps; without it only $LATEST is unqualified."""
    version = record["version"]
    suffix = qualifier or (version if version != LATEST else "")
    answer: dict[str, Any] = {
        "FunctionName": record["name"],
        "FunctionArn": function_arn(record["account"], record["region"], record["name"], suffix),
        "Runtime": record["runtime"],
        "Role": record["role"],
        "Handler": record["handler"],
        "CodeSize": record["code_size"],
        "Description": record["description"],
        "Timeout": record["timeout"],
        "MemorySize": record["memory"],
        "LastModified": last_modified(record["modified"]),
        "CodeSha256": record["code_sha256"],
        "Version": version,
        "TracingConfig": {"Mode": record["tracing"]},
        "RevisionId": record["revision"],
        **state,
        "PackageType": "Zip",
        "Architectures": record["architectures"],
        "EphemeralStorage": {"Size": record["ephemeral"]},
        "SnapStart": {"ApplyOn": record.get("snap_start", "None"), "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_arn(record)},
        "LoggingConfig": record["logging"],
    }
    if record["environment"]:
        answer["Environment"] = {"Variables": record["environment"]}
    if record.get("layers"):
        answer["Layers"] = [{"Arn": layer["arn"], "CodeSize": layer["code_size"]} for layer in record["layers"]]
    if record.get("dead_letter"):
        answer["DeadLetterConfig"] = {"TargetArn": record["dead_letter"]}
    return answer


def listed(record: dict[str, Any], *, qualifier: str = "") -> dict[str, Any]:
    """As lists show it: without states and without the runtime's version."""
    answer = configuration(record, qualifier=qualifier, state={})
    del answer["RuntimeVersionConfig"]
    return answer


def last_modified(seconds: float) -> str:
    """``2026-01-31T12:00:00.000+0000``"""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def runtime_arn(record: dict[str, Any]) -> str:
    # AWS names a build of the runtime by 64 hex digits. Ours stand for the runtime's name: there are no builds here.
    digest = hashlib.sha256(record["runtime"].encode()).hexdigest()
    return f"arn:aws:lambda:{record['region']}::runtime:{digest}"
