"""Replicas come (``making``), change and go: the plans behind ReplicaUpdates, and what DeleteTable means for the others.

One plan changes the records of all replicas of a global table: nobody sees two that disagree.
"""

from __future__ import annotations

import copy
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, keys
from tabletop.dynamodb.description import describe
from tabletop.dynamodb.lifecycle import (
    Delays,
    Record,
    begin_transition,
    editable_record,
    existing_table,
    invalid,
    invalid_parameters,
)
from tabletop.dynamodb.replicas import groups, making, overrides
from tabletop.dynamodb.replicas.requests import ReplicaRequest, too_many_actions
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.streams.records import follow_table
from tabletop.storage.store import Batch, View


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

    version = None

    def __init__(self, view: View, batch: Batch) -> None:
        self._view, self._writes = view, batch.writes
        self.range = view.range

    def get(self, key: bytes) -> bytes | None:
        return self._writes[key] if key in self._writes else self._view.get(key)


def _change(view: View, batch: Batch, record: Record, request: ReplicaRequest, now: float) -> None:
    _check_members(record, request)
    groups.refuse_busy(view, record, now)
    for other in groups.editable_others(view, record):
        action = request.actions.get(other["region"])
        if action is None:
            continue
        if action.get("KMSMasterKeyId") is not None:
            raise invalid_parameters(making.KEY_FOR_EACH)
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
    groups.refuse_busy(view, record, now)
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
    groups.refuse_busy(view, record, now)
    for other in groups.leave(view, record, None):
        catalog.store_record(batch, other)
    begin_transition(record, "UPDATING", now)


_CHANGES = {"Create": making.add, "Update": _change, "Delete": _delete, "Disassociate": _disassociate}


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
    groups.refuse_busy(view, record, now)
    gone = now + Delays.table_delay_s if Delays.table_delay_s > 0 else None
    for other in groups.leave(view, record, gone):
        catalog.store_record(batch, other)
    return record
