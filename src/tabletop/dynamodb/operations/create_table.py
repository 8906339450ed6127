"""CreateTable: a new table, usable as soon as the answer is out, though the answer says CREATING as AWS's does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.base.randomness import new_uuid, random_bytes
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.definitions import check_create
from tabletop.dynamodb.description import describe, sse_description, throughput_record
from tabletop.dynamodb.lifecycle import Record, begin_transition, busy, refuse_too_many, shown_status
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn, table_name, table_targets
from tabletop.dynamodb.replicas.group_settings import check_settings_mode
from tabletop.dynamodb.stream_labels import new_stream
from tabletop.dynamodb.streams.records import follow_table
from tabletop.dynamodb.tagging import new_tags
from tabletop.dynamodb.vectors import definitions as vector_definitions
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Creation:
    call: Call
    record: Record
    """All of it but the number and the times, which the plan knows."""


def prepare(body: Body, call: Call) -> Creation:
    check_create(body)
    check_settings_mode(body)
    vector_definitions.check_create(body)
    tags = new_tags(body.get("Tags") or [])
    name = table_name(body["TableName"])
    arn = table_arn(call, name)
    local = [
        new_index("local", number, one, arn) for number, one in enumerate(body.get("LocalSecondaryIndexes") or (), 1)
    ]
    first = len(local) + 1
    global_ = [
        new_index("global", number, one, arn)
        for number, one in enumerate(body.get("GlobalSecondaryIndexes") or (), first)
    ]
    vectors = [
        vector_definitions.new_index(number, one, arn)
        for number, one in enumerate(body.get("VectorIndexes") or (), first + len(global_))
    ]
    table_class = body.get("TableClass")
    return Creation(
        call,
        {
            "index_count": len(local) + len(global_) + len(vectors),
            "seed": random_bytes(16).hex(),
            "account": call.account,
            "region": call.region,
            "name": name,
            "id": new_uuid(),
            "arn": arn,
            "status": "ACTIVE",
            "attributes": [[one["AttributeName"], one["AttributeType"]] for one in body["AttributeDefinitions"]],
            "key_schema": body["KeySchema"],
            "indexes": local + global_,
            "vector_indexes": vectors,
            "billing": {"mode": body.get("BillingMode", "PROVISIONED"), "changed": None},
            "throughput": throughput_record(body.get("ProvisionedThroughput")),
            "on_demand": body.get("OnDemandThroughput"),
            "warm": body.get("WarmThroughput"),
            "stream": body.get("StreamSpecification"),
            "sse": sse_description(body.get("SSESpecification"), call.account, call.region),
            "ttl": None,
            "tags": tags,
            "table_class": None if table_class is None else {"class": table_class, "changed": None},
            "deletion_protection": body.get("DeletionProtectionEnabled", False),
            "policy": body.get("ResourcePolicy"),
            "settings_replication": body.get("GlobalTableSettingsReplicationMode"),
        },
    )


def new_index(kind: str, number: int, definition: Body, arn: str) -> Record:
    """The record of an index of a new table: complete from the start."""
    return {
        "number": number,
        "kind": kind,
        "name": definition["IndexName"],
        "arn": f"{arn}/index/{definition['IndexName']}",
        "key_schema": definition["KeySchema"],
        "projection": definition["Projection"],
        "status": "ACTIVE",
        "backfilling": False,
        "throughput": throughput_record(definition.get("ProvisionedThroughput")),
        "on_demand": definition.get("OnDemandThroughput"),
        "warm": definition.get("WarmThroughput"),
    }


def plan(view: View, request: Creation, now: float) -> tuple[Any, Batch]:
    record = dict(request.record)
    existing = catalog.find(view, record["account"], record["region"], record["name"])
    if existing is not None:
        status = shown_status(existing.record, now)
        if status in ("CREATING", "DELETING"):
            raise busy(record, status)
        raise ApiError("ResourceInUseException", f"Table already exists: {record['name']}")
    refuse_too_many(view, request.call, now)
    newest = view.get(keys.TABLE_NUMBER_COUNTER)
    number = 1 + (0 if newest is None else int.from_bytes(newest, "big"))
    created = round(now, 3)
    record |= {"number": number, "created": created, "stream": new_stream(record["stream"], now)}
    if record["billing"]["mode"] == "PAY_PER_REQUEST":
        record["billing"] = {"mode": "PAY_PER_REQUEST", "changed": created}
    begin_transition(record, "CREATING", now)
    batch = Batch()
    follow_table(view, batch, None, record, now)
    batch.put(keys.TABLE_NUMBER_COUNTER, number.to_bytes(4, "big"))
    catalog.store_record(batch, record)
    return {"TableDescription": describe(view, record, now, status="CREATING")}, batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    """Tags and a policy given at creation need the permissions that they would need alone."""
    needed = table_targets("CreateTable")(body, call)
    arn = needed[0][1]
    if body.get("Tags"):
        needed.append(("dynamodb:TagResource", arn))
    if body.get("ResourcePolicy"):
        needed.append(("dynamodb:PutResourcePolicy", arn))
    return needed


OPERATION = Operation("CreateTable", prepare=prepare, targets=targets, plan=plan)
