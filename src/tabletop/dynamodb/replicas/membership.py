"""Replicas come, change and go: the plans behind UpdateTable's ReplicaUpdates, and what DeleteTable means for the others.

One plan changes the records of all replicas of a global table: nobody sees two that disagree.
"""

from __future__ import annotations

import copy
from operator import itemgetter
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.description import describe, sse_description
from tabletop.dynamodb.lifecycle import (
    Delays,
    Record,
    all_indexes,
    begin_transition,
    busy,
    editable_record,
    existing_table,
    invalid,
    invalid_parameters,
    shown_status,
)
from tabletop.dynamodb.replicas import copying, groups, overrides, scaling
from tabletop.dynamodb.replicas.requests import ReplicaRequest, arn_in, too_many_actions
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.stream_labels import new_stream
from tabletop.dynamodb.streams.records import follow_table
from tabletop.storage.store import Batch, View, read_counter

_TAKEN_OVER = (
    *("account", "name", "seed", "index_count", "attributes", "key_schema", "indexes", "vector_indexes", "billing"),
    *("throughput", "on_demand", "warm", "ttl", "table_class", "scaling", "settings_replication"),
)
"""Of a record: what a new replica has from its source. The seed and the numbers of indexes, so that keys are alike; no tags,
policy, deletion protection or other settings that are each table's own."""

_KEYS = "KMSMasterKeyId must be specified for each replica."


def plan(view: View, request: ReplicaRequest, now: float) -> tuple[Any, Batch]:
    table = existing_table(view, request.call, request.table, unfinished=True)
    if table.status == "CREATING":
        # The end of the sentence is inferred.
        raise invalid(
            "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: "
            f"{table.name} in region {table.region}"
        )
    record = editable_record(table)
    batch = Batch()
    _CHANGES[request.kind](view, batch, record, request, now)
    catalog.store_record(batch, record)
    return {"TableDescription": describe(_Seen(view, batch), record, now, status="UPDATING")}, batch


class _Seen:
    """The view as the batch leaves it, for looking keys up: the answer tells of replicas that are not stored yet."""

    def __init__(self, view: View, batch: Batch) -> None:
        self._view, self._writes = view, batch.writes
        self.range = view.range

    def get(self, key: bytes) -> bytes | None:
        return self._writes[key] if key in self._writes else self._view.get(key)


def refuse_busy(view: View, record: Record, now: float) -> None:
    """Refuse a change while a replica of the global table is CREATING, UPDATING or DELETING."""
    for one in (record, *groups.other_records(view, record)):
        status = shown_status(one, now)
        if status != "ACTIVE":
            raise busy(one, status)
    if any(now < one["gone"] for one in record.get("replicas") or () if "gone" in one):
        raise busy(record, "UPDATING")


def _add(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    _check_new(view, record, request, now)
    refuse_busy(view, record, now)
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
            raise invalid_parameters(_KEYS)
    elif sse["KMSMasterKeyArn"] == (managed or {})["KMSMasterKeyArn"]:
        if key not in (None, "alias/aws/dynamodb"):
            # Inferred: seen for the reverse.
            raise invalid_parameters("All replica keys must either be Customer Managed CMK or AWS Managed CMK.")
    elif key is None:
        raise invalid_parameters(_KEYS)
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


def _change(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    _check_members(record, request)
    refuse_busy(view, record, now)
    for other in groups.editable_others(view, record):
        action = request.actions.get(other["region"])
        if action is None:
            continue
        if action.get("KMSMasterKeyId") is not None:
            raise invalid_parameters(_KEYS)
        overrides.apply(other, action, creating=False)
        if action.get("TableClassOverride"):
            other["table_class"] = {"class": action["TableClassOverride"], "changed": round(now, 3)}
        begin_transition(other, "UPDATING", now)
        catalog.store_record(batch, other)
    begin_transition(record, "UPDATING", now)


def _delete(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    _check_members(record, request)
    strong = groups.is_strong(record)
    if len(request.actions) > 1 and not strong:
        raise too_many_actions()
    if strong:
        _check_all_leave(record, request)
    refuse_busy(view, record, now)
    others = groups.editable_others(view, record)
    for other in others:
        if other["region"] in request.actions:
            if other.get("deletion_protection"):
                raise protected(other)
            if not strong:
                groups.refuse_source(other, other["region"], now)
    gone = now + Delays.table_delay_s if Delays.table_delay_s > 0 else None
    for region in request.actions:
        for one in (record, *others):
            if one["region"] != region:
                groups.forget(one, region, gone)
    for other in others:
        if other["region"] in request.actions:
            groups.make_alone(other)
            drop(view, batch, other, now)
        else:
            catalog.store_record(batch, other)
    begin_transition(record, "UPDATING", now)


def _check_all_leave(record: Record, request: ReplicaRequest) -> None:
    """A strongly consistent global table ends as a whole: with its witness, and but for one replica."""
    witness = record["group"]["witness"]
    asked = request.witness[1] if request.witness and request.witness[0] == "Delete" else None
    if asked is not None and asked != witness:
        raise invalid(
            "Update global table operation failed because one or more witnesses were not part of the global table. "
            f"Please retry the request without these witnesses: [{asked}]."
        )
    if witness is not None and asked is None:
        raise invalid("Update table delete operation does not include all witnesses.")
    if set(request.actions) != set(groups.regions(record)):
        raise one_of_strong()


def protected(record: Record) -> ApiError:
    return invalid(
        f"Cannot delete table {record['name']} in region {record['region']} because it has deletion protection enabled. "
        "Disable deletion protection first."
    )


def one_of_strong() -> ApiError:
    return invalid(
        "Deletion of only one table replica is not supported for global tables with MultiRegionConsistency set to STRONG."
    )


def _check_members(record: Record, request: ReplicaRequest) -> None:
    missing = [region for region in request.actions if region not in groups.regions(record)]
    if missing:
        raise invalid(
            "Update global table operation failed because one or more replicas were not part of the global table. "
            f"Please retry the request without these replicas: [{', '.join(missing)}]."
        )


def _disassociate(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    """All writes are in every replica already: there is nothing to wait for."""
    if not groups.members(record) or groups.is_strong(record):
        # Inferred, as all refusals of this action.
        raise invalid("Only a replica of a global table with multi-Region eventual consistency can be disassociated.")
    if record["group"]["protected"]:
        raise invalid("Disassociation protection is enabled for the replica. Disable disassociation protection first.")
    refuse_busy(view, record, now)
    for other in groups.leave(view, record, None):
        catalog.store_record(batch, other)
    begin_transition(record, "UPDATING", now)


_CHANGES = {"Create": _add, "Update": _change, "Delete": _delete, "Disassociate": _disassociate}


def drop(view: View, batch: Batch, record: Record, now: float) -> None:
    """Remove a table that is no replica (any more): at once, or DELETING for a while; its data is cleared in the background."""
    catalog_key = keys.catalog_key(record["account"], record["region"], record["name"])
    before = copy.deepcopy(record)
    if Delays.table_delay_s > 0:
        going = copy.deepcopy(record)
        begin_transition(going, "DELETING", now)
        if going.get("stream"):
            going["stream"]["enabled"] = False
        catalog.store_record(batch, going)
        batch.put(keys.dropped_key(record["number"]), catalog_key)
    else:
        batch.delete(catalog_key)
        batch.put(keys.dropped_key(record["number"]), b"")
    follow_table(view, batch, before, None, now)


def leave(view: View, batch: Batch, table: Table, now: float) -> Record:
    """Take a table that is to be deleted out of its global table, if it has one; its record as it is then, not stored.

    Raises ValidationException.
    """
    record = editable_record(table)
    if not groups.members(record):
        groups.make_alone(record)
        return record
    if groups.is_strong(record):
        raise one_of_strong()
    groups.refuse_source(record, record["region"], now)
    refuse_busy(view, record, now)
    gone = now + Delays.table_delay_s if Delays.table_delay_s > 0 else None
    for other in groups.leave(view, record, gone):
        catalog.store_record(batch, other)
    return record
