"""New replicas: what a table must be like to get one, the record of a replica, and how the others learn of it."""

from __future__ import annotations

import copy
from operator import itemgetter

from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.description import sse_description
from tabletop.dynamodb.lifecycle import (
    Record,
    all_indexes,
    begin_transition,
    existing_table,
    invalid,
    invalid_parameters,
)
from tabletop.dynamodb.replicas import copying, groups, overrides, scaling
from tabletop.dynamodb.replicas.requests import ReplicaRequest, arn_in
from tabletop.dynamodb.stream_labels import new_stream
from tabletop.dynamodb.streams.records import follow_table
from tabletop.storage.store import Batch, View, read_counter

_TAKEN_OVER = (
    *("account", "name", "seed", "index_count", "attributes", "key_schema", "indexes", "vector_indexes", "billing"),
    *("throughput", "on_demand", "warm", "ttl", "table_class", "scaling", "settings_replication"),
)
"""Of a record: what a new replica has from its source. The seed and the numbers of indexes, so that keys are alike; no tags,
policy, deletion protection or other settings that are each table's own."""

KEY_FOR_EACH = "KMSMasterKeyId must be specified for each replica."


def add(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    """Make the replicas that are asked for. Changes ``record``, the own one: to be stored by the caller. Raises ApiError."""
    _check_new(view, record, request, now)
    groups.refuse_busy(view, record, now)
    before = copy.deepcopy(record)
    witness = request.witness[1] if request.witness else None
    consistency = "STRONG" if request.is_strong else "EVENTUAL"
    record.setdefault("group", {"consistency": consistency, "witness": witness, "source": None, "protected": True})
    record["replicas"] = groups.members(record)
    if consistency == "EVENTUAL" and not (record.get("stream") and record["stream"]["enabled"]):
        record["stream"] = new_stream({"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, now)
        follow_table(view, batch, before, record, now)
    source = existing_table(view, request.call, request.table)
    others = groups.editable_others(view, record)
    for region, action in request.actions.items():
        replica = _new_replica(view, batch, record, request, region, action, now)
        entry = {
            "account": replica["account"],
            "region": region,
            "source": record["region"],
            "created": replica["created"],
        }
        replica["replicas"] = sorted(map(_entry, (record, *others)), key=itemgetter("created"))
        for one in (record, *others):
            one["replicas"].append(dict(entry))
        copying.begin(view, batch, replica, source, now)
        begin_transition(replica, "CREATING", now)
        others.append(replica)
    for other in others:
        catalog.store_record(batch, other)
    begin_transition(record, "UPDATING", now)


def _check_new(view: View, record: Record, request: ReplicaRequest, now: float) -> None:
    strong_group = groups.is_strong(record)
    if groups.members(record) and request.is_strong is not None and (strong_group or request.is_strong):
        raise invalid("MultiRegionConsistency parameter is unsupported on existing global table")
    if strong_group:
        raise invalid("Cannot add replicas to a global table with strong MultiRegionConsistency")
    for region, action in request.actions.items():
        if catalog.find(view, record["account"], region, record["name"]) is not None:
            raise invalid(
                f"Failed to create a the new replica of table with name: \N{LEFT SINGLE QUOTATION MARK}{record['name']}"
                "\N{RIGHT SINGLE QUOTATION MARK} because one or more replicas already existed as tables."
            )
        _check_key(record, action.get("KMSMasterKeyId"))
    if request.is_strong:
        _check_strong(view, record)


def _check_key(record: Record, key: str | None) -> None:
    """All replicas have keys of one kind: AWS's own, one that AWS manages, or the customer's."""
    sse = record.get("sse")
    managed = sse_description({"Enabled": True}, record["account"], record["region"])
    if sse is None:
        if key is not None:
            raise invalid_parameters(KEY_FOR_EACH)
    elif sse["KMSMasterKeyArn"] == (managed or {})["KMSMasterKeyArn"]:
        if key not in (None, "alias/aws/dynamodb"):
            # Inferred: seen for the reverse.
            raise invalid_parameters("All replica keys must either be Customer Managed CMK or AWS Managed CMK.")
    elif key is None:
        raise invalid_parameters(KEY_FOR_EACH)
    elif key == "alias/aws/dynamodb":
        raise invalid_parameters("All replica keys must either be Customer Managed CMK or AWS Managed CMK.")


def _check_strong(view: View, record: Record) -> None:
    """What the guide asks of a table that becomes strongly consistent. The words are inferred."""
    if read_counter(view, keys.counter_key(record["number"], 0), 2)[0]:
        raise invalid("Table must be empty to create a global table with MultiRegionConsistency set to STRONG.")
    if any(index["kind"] == "local" for index in record["indexes"]):
        raise invalid(
            "Local secondary indexes are not supported for global tables with MultiRegionConsistency set to STRONG."
        )
    if (record.get("ttl") or {}).get("status") == "ENABLED":
        raise invalid("Time to Live is not supported for global tables with MultiRegionConsistency set to STRONG.")


def _new_replica(
    view: View, batch: Batch, source: Record, request: ReplicaRequest, region: str, action: Record, now: float
) -> Record:
    """The record of a new replica: what it has from its source, but for the settings that are never replicated."""
    newest = batch.writes.get(keys.TABLE_NUMBER_COUNTER) or view.get(keys.TABLE_NUMBER_COUNTER)
    number = 1 + (0 if newest is None else int.from_bytes(newest, "big"))
    batch.put(keys.TABLE_NUMBER_COUNTER, number.to_bytes(4, "big"))
    record = {field: copy.deepcopy(source[field]) for field in _TAKEN_OVER if field in source}
    arn = arn_in(source["account"], region, source["name"])
    stream = source.get("stream")
    record |= {
        "number": number,
        "region": region,
        "arn": arn,
        "id": request.ids[region],
        "created": round(now, 3),
        "status": "CREATING",
        "tags": {},
        "stream": None,
        "sse": _key_there(source, region, action.get("KMSMasterKeyId")),
        "group": source["group"]
        | {"source": source["region"], "stream": stream["view"] if stream and stream["enabled"] else None},
    }
    for index in all_indexes(record):
        index["arn"] = f"{arn}/index/{index['name']}"
        index.pop("transition", None)
        if index["status"] == "CREATING":
            # What is copied has its entries; that the index is whole, and ACTIVE, is found out as everywhere.
            batch.put(
                keys.backfill_key(number, index["number"]), keys.catalog_key(source["account"], region, source["name"])
            )
    scaling.keep_shared(record)
    overrides.apply(record, action, creating=True)
    return record


def _key_there(source: Record, region: str, key: str | None) -> Record | None:
    if not source.get("sse"):
        return None
    specification = {"Enabled": True} if key is None else {"Enabled": True, "KMSMasterKeyId": key}
    return sse_description(specification, source["account"], region)


def _entry(record: Record) -> Record:
    source = record["group"]["source"]
    return {"account": record["account"], "region": record["region"], "source": source, "created": record["created"]}
