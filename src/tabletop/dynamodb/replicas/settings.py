"""What a change of one replica's settings means for the others of its global table.

From the developer guide, "Settings synchronization": billing mode, write capacity, indexes, encryption type, time to live and
warm throughput are always the same; read capacity and table class too, until a replica is given its own (a later change anywhere
takes that away again); tags, deletion protection, policy and, with strong consistency, streams are each replica's own.
"""

from __future__ import annotations

import copy
from typing import Any

from tabletop.dynamodb import catalog
from tabletop.dynamodb.description import sse_description
from tabletop.dynamodb.lifecycle import Record, begin_transition
from tabletop.dynamodb.replicas import groups
from tabletop.dynamodb.table_changes import change_indexes
from tabletop.dynamodb.vectors import changes as vector_changes
from tabletop.storage.store import Batch, View

Body = dict[str, Any]

_SHARED = frozenset(
    {"ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates", "TableClass", "OnDemandThroughput"}
    | {"WarmThroughput", "SSESpecification", "VectorIndexUpdates"}
)
_READ_OF = {"throughput": "read", "on_demand": "MaxReadRequestUnits"}


def follow(view: View, batch: Batch, before: Record, after: Record, body: Body, now: float) -> None:
    """Store in the other replicas what an UpdateTable changed in this one, where that is theirs too."""
    if not _SHARED & body.keys():
        return
    for other in groups.editable_others(view, after):
        _follow_table(other, before, after, body)
        change_indexes(batch, other, _index_changes(body), now)
        vector_changes.change(batch, other, body, now)
        _follow_capacity(other, before, after)
        numbered = {index["number"]: index for index in before["indexes"]}
        own = {index["number"]: index for index in after["indexes"]}
        for index in other["indexes"]:
            if index["kind"] == "global" and index["number"] in numbered and index["number"] in own:
                _follow_capacity(index, numbered[index["number"]], own[index["number"]])
        begin_transition(other, "UPDATING", now)
        catalog.store_record(batch, other)


def _follow_table(other: Record, before: Record, after: Record, body: Body) -> None:
    other["billing"] = copy.deepcopy(after["billing"])
    if "TableClass" in body:
        other["table_class"] = copy.deepcopy(after["table_class"])
    if "SSESpecification" in body and bool(before.get("sse")) != bool(after.get("sse")):
        # The kind of key is shared, the key is of its region.
        specification = {"Enabled": bool(after.get("sse"))}
        other["sse"] = sse_description(specification, other["account"], other["region"])


def _index_changes(body: Body) -> Body:
    """New and removed indexes; what changes of an index is followed as the table's own settings are."""
    updates = [one for one in body.get("GlobalSecondaryIndexUpdates") or () if "Update" not in one]
    return body | {"GlobalSecondaryIndexUpdates": updates}


def _follow_capacity(other: Record, before: Record, after: Record) -> None:
    """Of a table or an index. A read capacity that did not change leaves the other's own as it is."""
    for field, read in _READ_OF.items():
        if after.get(field) == before.get(field):
            continue
        kept = (other.get(field) or {}).get(read)
        other[field] = copy.deepcopy(after.get(field))
        if (
            kept is not None
            and other[field] is not None
            and (before.get(field) or {}).get(read) == other[field].get(read)
        ):
            other[field][read] = kept
    if after.get("warm") != before.get("warm"):
        other["warm"] = copy.deepcopy(after.get("warm"))
