"""The records of one global table's replicas, read together and changed together."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import Record, busy, is_to_come, shown_status
from tabletop.storage.store import View

SOURCE_REST_S = 24 * 3600
"""How long after a replica was made the one that it was made from cannot be deleted."""


def members(record: Record) -> list[Record]:
    """What the record says of the other replicas that are still there."""
    return [one for one in record.get("replicas") or () if "gone" not in one]


def regions(record: Record) -> list[str]:
    return [one["region"] for one in members(record)]


def is_strong(record: Record) -> bool:
    return bool(record.get("group")) and record["group"]["consistency"] == "STRONG"


def other_records(view: View, record: Record) -> Iterator[Record]:
    """The records of the other replicas, as they are stored: not to be changed."""
    for one in members(record):
        table = catalog.find(view, one["account"], one["region"], record["name"])
        assert table is not None, "a replica leaves its global table before it goes"
        yield table.record


def editable_others(view: View, record: Record) -> list[Record]:
    """Copies of the records of the other replicas, to be changed and stored."""
    return [copy.deepcopy(one) for one in other_records(view, record)]


def refuse_busy(view: View, record: Record, now: float) -> None:
    """Refuse a change while a replica of the global table is CREATING, UPDATING or DELETING."""
    for one in (record, *other_records(view, record)):
        status = shown_status(one, now)
        if status != "ACTIVE":
            raise busy(one, status)
    if any(is_to_come(one["gone"], now) for one in record.get("replicas") or () if "gone" in one):
        raise busy(record, "UPDATING")


def refuse_source(record: Record, region: str, now: float) -> None:
    """Refuse to delete the replica of this region while one that was made from it is younger than a day."""
    entries = [*members(record), _entry_of(record)]
    for one in entries:
        if one["source"] == region and one["region"] != region and now < one["created"] + SOURCE_REST_S:
            raise ApiError(
                "ValidationException",
                "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
                "table in the last 24 hours.",
            )


def _entry_of(record: Record) -> Record:
    source = (record.get("group") or {}).get("source")
    return {"region": record["region"], "source": source, "created": record["created"]}


def leave(view: View, record: Record, gone: float | None) -> list[Record]:
    """Take the replica of ``record`` out of its global table. Changes the record; the records of the others, changed.

    ``gone``: until when the others show it DELETING; None for one that is not deleted. Where only one is left, that
    is a table alone again.
    """
    others = editable_others(view, record)
    for other in others:
        forget(other, record["region"], gone)
    make_alone(record)
    return others


def forget(record: Record, region: str, gone: float | None) -> None:
    """Take a region out of what a replica knows."""
    for one in list(record["replicas"]):
        if one["region"] == region:
            if gone is None:
                record["replicas"].remove(one)
            else:
                one["gone"] = gone
    if not members(record):
        record.pop("group", None)
        if gone is None:
            record.pop("replicas")


def make_alone(record: Record) -> None:
    record.pop("replicas", None)
    record.pop("group", None)
