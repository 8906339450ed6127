"""A table's record as DescribeTable shows it (TableDescription), with the counts of the moment.

Counts are exact here; AWS brings its own up to date every six hours.
"""

from __future__ import annotations

import uuid
from typing import Any

from tabletop.dynamodb import keys
from tabletop.dynamodb.lifecycle import Record, is_allocating, shown_index_status, shown_status
from tabletop.dynamodb.replicas import descriptions
from tabletop.dynamodb.replicas.descriptions import class_summary
from tabletop.dynamodb.vectors.description import describe as vector_index
from tabletop.dynamodb.warm_throughput import warm_throughput
from tabletop.storage.store import View, read_counter

_NO_MAXIMUM = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
"""OnDemandThroughput where neither was given: one alone may be (that the other is shown as -1 is inferred)."""
_MANAGED_KEYS = uuid.UUID("6b1f0a54-6a0e-4a3e-9a53-0d3f0a8b7c11")
"""Namespace of the identifiers of AWS-managed keys, which Tabletop does not have: one for each account and region."""


def describe(view: View, record: Record, now: float, *, status: str | None = None) -> dict[str, Any]:
    """TableDescription. ``status`` overrides the table's: the answer to a change names the state it leads through."""
    shown = status or shown_status(record, now)
    items, size_bytes = read_counter(view, keys.counter_key(record["number"], 0), 2)
    answer: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in record["attributes"]],
        "TableName": record["name"],
        "KeySchema": record["key_schema"],
        "TableStatus": shown,
        "CreationDateTime": record["created"],
        "ProvisionedThroughput": _throughput(record["throughput"]),
        "TableSizeBytes": size_bytes,
        "ItemCount": items,
        "TableArn": record["arn"],
        "TableId": record["id"],
    }
    creating = shown == "CREATING"
    billing = record["billing"]
    if billing["mode"] == "PAY_PER_REQUEST" or billing["changed"] is not None:
        answer["BillingModeSummary"] = {"BillingMode": billing["mode"]}
        if billing["changed"] is not None and not creating:
            answer["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = billing["changed"]
    for kind, member in (("local", "LocalSecondaryIndexes"), ("global", "GlobalSecondaryIndexes")):
        indexes = [_index(view, record, index, shown, now) for index in record["indexes"] if index["kind"] == kind]
        if indexes:
            answer[member] = indexes
    vectors = [vector_index(view, record, index, shown, now) for index in record.get("vector_indexes") or ()]
    if vectors:
        answer["VectorIndexes"] = vectors
    _add_stream(answer, record)
    if record.get("sse"):
        answer["SSEDescription"] = record["sse"]
    if record.get("table_class"):
        answer["TableClassSummary"] = class_summary(record["table_class"])
    descriptions.add(view, answer, record, now)
    answer["DeletionProtectionEnabled"] = bool(record.get("deletion_protection"))
    if record.get("on_demand"):
        answer["OnDemandThroughput"] = _NO_MAXIMUM | record["on_demand"]
    if not creating or record.get("warm"):
        answer["WarmThroughput"] = warm_throughput(billing["mode"], record.get("warm"), record["throughput"], shown)
    return answer


def throughput_record(throughput: dict[str, int] | None) -> dict[str, Any]:
    """The record's form of a ProvisionedThroughput; zeros for on-demand."""
    given = throughput or {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    return {
        "read": given["ReadCapacityUnits"],
        "write": given["WriteCapacityUnits"],
        "increased": None,
        "decreased": None,
        "decreases": 0,
    }


def sse_description(specification: dict[str, Any] | None, account: str, region: str) -> dict[str, Any] | None:
    """SSEDescription for an SSESpecification; None for the key that AWS owns, which is not described."""
    if not specification or not specification.get("Enabled"):
        return None
    prefix = f"arn:aws:kms:{region}:{account}:key/"
    given = specification.get("KMSMasterKeyId")
    if given is None or given.startswith("alias/"):
        alias = given or "alias/aws/dynamodb"
        arn = prefix + str(uuid.uuid5(_MANAGED_KEYS, f"{account}:{region}:{alias}"))
    else:
        arn = given if given.startswith("arn:") else prefix + given
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}


def _index(view: View, record: Record, index: Record, table_status: str, now: float) -> dict[str, Any]:
    entries, size_bytes = read_counter(view, keys.counter_key(record["number"], index["number"]), 2)
    shown: dict[str, Any] = {
        "IndexName": index["name"],
        "KeySchema": index["key_schema"],
        "Projection": index["projection"],
    }
    status = shown_index_status(record, index, table_status, now)
    creating = table_status == "CREATING"
    if index["kind"] == "global":
        shown["IndexStatus"] = status
        if index.get("backfilling"):
            shown["Backfilling"] = not is_allocating(index, now)
        shown["ProvisionedThroughput"] = _throughput(index["throughput"])
    shown |= {"IndexSizeBytes": size_bytes, "ItemCount": entries, "IndexArn": index["arn"]}
    if index["kind"] == "global":
        if index.get("on_demand"):
            shown["OnDemandThroughput"] = _NO_MAXIMUM | index["on_demand"]
        if not creating or index.get("warm"):
            shown["WarmThroughput"] = warm_throughput(
                record["billing"]["mode"], index.get("warm"), index["throughput"], status
            )
    return shown


def _throughput(record: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if record["increased"] is not None:
        shown["LastIncreaseDateTime"] = record["increased"]
    if record["decreased"] is not None:
        shown["LastDecreaseDateTime"] = record["decreased"]
    shown["NumberOfDecreasesToday"] = record["decreases"]
    return shown | {"ReadCapacityUnits": record["read"], "WriteCapacityUnits": record["write"]}


def _add_stream(answer: dict[str, Any], record: Record) -> None:
    """A disabled stream is still named: it stays readable until its records are a day old."""
    stream = record.get("stream")
    if not stream:
        return
    if stream["enabled"]:
        answer["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["view"]}
    answer["LatestStreamLabel"] = stream["label"]
    answer["LatestStreamArn"] = f"{record['arn']}/stream/{stream['label']}"
