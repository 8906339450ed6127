"""Parcels: which events of one write a subscription filter is to be given, put by the plan that writes the events."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tabletop.logs import keys
from tabletop.logs.records import Record
from tabletop.storage.store import Batch


class Parcel(NamedTuple):
    """One write's events for one filter. ``first``: the sequence of the first; they are numbered without gaps."""

    account: str
    region: str
    group: str
    stream: str
    stream_number: int
    written: float
    first: int
    timestamps: list[int]


def put_parcels(
    batch: Batch, place: tuple[str, str], group: Record, stream: Record, now: float, first: int, timestamps: list[int]
) -> None:
    """Put a parcel for each filter of the group. ``place``: its account and region."""
    for one in group.get("subscriptions", ()):
        parcel = Parcel(*place, group["name"], stream["name"], stream["number"], now, first, timestamps)
        batch.put(keys.parcel_key(group["number"], one["number"], first), orjson.dumps(tuple(parcel)))
