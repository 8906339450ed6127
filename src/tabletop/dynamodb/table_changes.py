"""What UpdateTable does to a table's record, and its refusals in AWS's words."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import definitions, keys
from tabletop.dynamodb.description import sse_description, throughput_record
from tabletop.dynamodb.lifecycle import Delays, Record, all_indexes, begin_transition, invalid, invalid_parameters
from tabletop.dynamodb.replicas.group_settings import change_group_settings, check_group_settings
from tabletop.dynamodb.stream_labels import new_stream
from tabletop.dynamodb.warm_throughput import warm_units
from tabletop.storage.store import Batch

Body = dict[str, Any]

_SETTINGS = (
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
    "GlobalSecondaryIndexUpdates",
    "GlobalTableSettingsReplicationMode",
    "DisassociationProtectionEnabled",
    "VectorIndexUpdates",
)
_MOMENT_S = 0.001
"""How long a new index seems to wait for its resources where nothing takes time: the answer to its making tells of it."""
_ACTIONS = "GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete"


def check_update(body: Body) -> None:
    """What can be judged without the table."""
    if all(body.get(member) in (None, []) for member in _SETTINGS):
        raise invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
            "SSESpecification, ReplicaUpdates, TableClass or DeletionProtectionEnabled is required for UpdateTable"
        )
    check_group_settings(body)
    if body.get("ProvisionedThroughput"):
        definitions.check_capacity(body["ProvisionedThroughput"])
    definitions.check_on_demand(body.get("OnDemandThroughput"), "table")
    stream = body.get("StreamSpecification")
    if stream is not None and stream["StreamEnabled"]:
        definitions.check_stream(stream)
    _check_index_updates(body.get("GlobalSecondaryIndexUpdates") or [])


def _check_index_updates(updates: list[Body]) -> None:
    seen: set[str] = set()
    for update in updates:
        actions = [update[kind] for kind in ("Update", "Create", "Delete") if kind in update]
        if not actions:
            raise invalid_parameters(f"One of {_ACTIONS} must not be null")
        if len(actions) > 1:
            raise invalid_parameters(f"Only one of {_ACTIONS} can be given")
        name = actions[0]["IndexName"]
        if name in seen:
            raise invalid_parameters(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
    if sum("Update" not in update for update in updates) > 1:
        raise definitions.one_index_at_a_time()


def change_settings(record: Record, body: Body, now: float) -> None:
    warm = _warm(record, record)
    _change_billing(record, body, now)
    definitions.check_warm(body.get("WarmThroughput"), warm, "table")
    _stay_warm(record, record, warm)
    if "StreamSpecification" in body:
        _change_stream(record, body["StreamSpecification"], now)
    if "SSESpecification" in body:
        record["sse"] = sse_description(body["SSESpecification"], record["account"], record["region"])
    if "TableClass" in body:
        record["table_class"] = {"class": body["TableClass"], "changed": round(now, 3)}
    if "DeletionProtectionEnabled" in body:
        record["deletion_protection"] = body["DeletionProtectionEnabled"]
    change_group_settings(record, body)
    for member, field in (("OnDemandThroughput", "on_demand"), ("WarmThroughput", "warm")):
        if body.get(member):
            record[field] = (record.get(field) or {}) | body[member]


def _warm(record: Record, holder: Record) -> Record:
    """The warm throughput of a table's record or of one of its indexes'."""
    return warm_units(record["billing"]["mode"], holder.get("warm"), holder["throughput"])


def _stay_warm(record: Record, holder: Record, before: Record) -> None:
    """What a table or index could sustain it can sustain from then on, whatever is provisioned now."""
    if any(before[member] > units for member, units in _warm(record, holder).items()):
        holder["warm"] = before


def _change_billing(record: Record, body: Body, now: float) -> None:
    before = record["billing"]["mode"]
    after = body.get("BillingMode", before)
    throughput = body.get("ProvisionedThroughput")
    if after == "PAY_PER_REQUEST":
        if throughput is not None:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        if before != after:
            record["billing"] = {"mode": after, "changed": round(now, 3)}
            for holder in (record, *record["indexes"]):
                holder["throughput"] = throughput_record(None)
        return
    if body.get("OnDemandThroughput"):
        raise invalid_parameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
    if before != after:
        if throughput is None:
            raise invalid_parameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
        _check_all_indexes_get_throughput(record, body)
        record["billing"]["mode"] = after
        record["throughput"] = throughput_record(throughput)
        record["on_demand"] = None
    elif throughput is not None:
        change_throughput(record["throughput"], throughput, now, "table")


def _check_all_indexes_get_throughput(record: Record, body: Body) -> None:
    given = {one["Update"]["IndexName"] for one in body.get("GlobalSecondaryIndexUpdates") or () if "Update" in one}
    missing = [i["name"] for i in record["indexes"] if i["kind"] == "global" and i["name"] not in given]
    if missing:
        raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")


def change_throughput(current: Record, asked: dict[str, int], now: float, holder: str) -> None:
    """Change provisioned units in place. Raises ValidationException if they stay what they are."""
    read, write = asked["ReadCapacityUnits"], asked["WriteCapacityUnits"]
    if (read, write) == (current["read"], current["write"]):
        raise invalid(
            f"The provisioned throughput for the {holder} will not change. "
            "The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the {holder}: {read}. Requested ReadCapacityUnits: {read}. "
            f"Current WriteCapacityUnits provisioned for the {holder}: {write}. Requested WriteCapacityUnits: {write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    today = int(now // 86_400)
    if read > current["read"] or write > current["write"]:
        current["increased"] = round(now, 3)
    if read < current["read"] or write < current["write"]:
        last = current["decreased"]
        current["decreases"] = 1 + (current["decreases"] if last is not None and int(last // 86_400) == today else 0)
        current["decreased"] = round(now, 3)
    current["read"], current["write"] = read, write


def _change_stream(record: Record, asked: Body, now: float) -> None:
    stream = record.get("stream")
    active = bool(stream and stream["enabled"])
    if asked["StreamEnabled"]:
        if active:
            raise invalid("Table already has an enabled stream: TableName: " + record["name"])
        record["stream"] = new_stream(asked, now)
    elif record.get("group") and record["group"]["consistency"] == "EVENTUAL":
        raise invalid_parameters("Disabling Stream is not allowed for a Global Table replica.")
    elif stream is None or not active:
        raise invalid("Table does not have a stream to disable: TableName: " + record["name"])
    else:
        stream["enabled"] = False


def change_indexes(batch: Batch, record: Record, body: Body, now: float) -> None:
    for update in body.get("GlobalSecondaryIndexUpdates") or ():
        if "Create" in update:
            _add_index(batch, record, body, update["Create"], now)
        elif "Delete" in update:
            _remove_index(batch, record, update["Delete"]["IndexName"], now)
        else:
            _update_index(record, update["Update"], body, now)


def phases(now: float) -> dict[str, float | None]:
    """When a new index has its resources, and when at the earliest it is ACTIVE; as soon as it is filled without delay."""
    delay_s = Delays.table_delay_s
    return {"allocated": now + (delay_s or _MOMENT_S), "ready": now + 2 * delay_s if delay_s else None}


def _add_index(batch: Batch, record: Record, body: Body, definition: Body, now: float) -> None:
    given = body.get("AttributeDefinitions") or []
    names = definitions.attribute_names(given)
    definitions.check_global_index(definition, names, record["billing"]["mode"])
    if any(index["name"] == definition["IndexName"] for index in all_indexes(record)):
        raise invalid_parameters(f"Attempting to create an index which already exists: {definition['IndexName']}")
    global_ = [index for index in record["indexes"] if index["kind"] == "global"]
    if len(global_) >= definitions.GLOBAL_INDEXES_MAX:
        raise ApiError("LimitExceededException", "GlobalSecondaryIndex count exceeds the per-table limit of 20")
    projections = [{"Projection": index["projection"]} for index in record["indexes"]]
    definitions.check_projected_total([*projections, definition])
    declare_attributes(record, given, [(part["AttributeName"], part["KeyType"]) for part in definition["KeySchema"]])
    record["index_count"] += 1
    number = record["index_count"]
    record["indexes"].append(
        {
            "number": number,
            "kind": "global",
            "name": definition["IndexName"],
            "arn": f"{record['arn']}/index/{definition['IndexName']}",
            "key_schema": definition["KeySchema"],
            "projection": definition["Projection"],
            "status": "CREATING",
            "backfilling": True,
            **phases(now),
            "throughput": throughput_record(definition.get("ProvisionedThroughput")),
            "on_demand": definition.get("OnDemandThroughput"),
            "warm": definition.get("WarmThroughput"),
        }
    )
    catalog_key = keys.catalog_key(record["account"], record["region"], record["name"])
    batch.put(keys.backfill_key(record["number"], number), catalog_key)


def declare_attributes(record: Record, given: list[Body], used: list[tuple[str, str]]) -> None:
    """Note the types of the attributes that a new index uses (name, role), as AttributeDefinitions gives them or the table
    has them. Raises ValidationException where the two differ.
    """
    types = dict(record["attributes"])
    new_types = {one["AttributeName"]: one["AttributeType"] for one in given}
    if any(types.get(name, new_types.get(name)) != new_types.get(name, types.get(name)) for name, _ in used):
        raise invalid_parameters(
            "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. "
            f"Existing schema: {_schema_text(used, new_types | types)} "
            f"New schema: {_schema_text(used, types | new_types)}"
        )
    for name, _ in used:
        if name not in types:
            record["attributes"].append([name, new_types[name]])


def _schema_text(used: list[tuple[str, str]], types: dict[str, str]) -> str:
    parts = ", ".join(f"{name}:{types[name]}:{role}" for name, role in used)
    return f"Schema:[SchemaElement: key{{{parts}}}]"


def _global_index(record: Record, name: str) -> Record:
    for index in record["indexes"]:
        if index["name"] == name and index["kind"] == "global" and index["status"] != "DELETING":
            return index  # type: ignore[no-any-return]
    raise ApiError("ResourceNotFoundException", "Requested resource not found")


def _remove_index(batch: Batch, record: Record, name: str, now: float) -> None:
    for index in record["indexes"]:
        if index["status"] == "DELETING" or (index["status"] == "CREATING" and index["name"] != name):
            raise definitions.one_index_at_a_time()
    drop_index(batch, record, _global_index(record, name), now)


def drop_index(batch: Batch, record: Record, index: Record, now: float) -> None:
    """Let the index be DELETING until its data is cleared; what fills it stops."""
    index |= {"status": "DELETING", "backfilling": False, "gone": now + Delays.table_delay_s}
    catalog_key = keys.catalog_key(record["account"], record["region"], record["name"])
    batch.delete(keys.backfill_key(record["number"], index["number"]))
    batch.put(keys.dropped_key(record["number"], index["number"]), catalog_key)
    keep_used_attributes(record)


def keep_used_attributes(record: Record) -> None:
    """Forget the types of attributes that no key uses any more: they may hold anything again."""
    used = {part["AttributeName"] for part in record["key_schema"]}
    for index in record["indexes"]:
        if index["status"] != "DELETING":
            used |= {part["AttributeName"] for part in index["key_schema"]}
    for index in record.get("vector_indexes") or ():
        if index["status"] != "DELETING":
            used |= {part["AttributeName"] for part in index["search_schema"] or ()}
    record["attributes"] = [one for one in record["attributes"] if one[0] in used]


def _update_index(record: Record, update: Body, body: Body, now: float) -> None:
    index = _global_index(record, update["IndexName"])
    warm = _warm(record, index)
    throughput = update.get("ProvisionedThroughput")
    if throughput is not None:
        if record["billing"]["mode"] == "PAY_PER_REQUEST":
            raise invalid_parameters(
                f"ProvisionedThroughput should not be specified for index: {update['IndexName']} "
                "when BillingMode is PAY_PER_REQUEST"
            )
        definitions.check_capacity(throughput)
        if body.get("BillingMode") == "PROVISIONED" and index["throughput"]["read"] == 0:
            index["throughput"] = throughput_record(throughput)
        else:
            change_throughput(index["throughput"], throughput, now, f"index {update['IndexName']}")
    definitions.check_on_demand(update.get("OnDemandThroughput"), f"index {update['IndexName']}")
    definitions.check_warm(update.get("WarmThroughput"), warm, f"index {update['IndexName']}")
    _stay_warm(record, index, warm)
    if index["status"] == "ACTIVE":
        begin_transition(index, "UPDATING", now)
    for member, field in (("OnDemandThroughput", "on_demand"), ("WarmThroughput", "warm")):
        if member in update:
            index[field] = (index.get(field) or {}) | update[member]
