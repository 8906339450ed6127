"""A stream's record as a function gets it, and the event around a batch of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Change:
    """``made_s`` is ApproximateCreationDateTime (whole seconds since the epoch), ``body`` the record's JSON in the event."""

    sequence: int
    number: str
    made_s: float
    body: bytes


def shaped(record: dict[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record of GetRecords with the differences that Lambda makes; the argument itself, changed."""
    record["eventSourceARN"] = stream_arn
    identity = record.get("userIdentity")
    if identity is not None:
        record["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return record


def plain_event(bodies: list[bytes]) -> bytes:
    return b'{"Records":[' + b",".join(bodies) + b"]}"


@dataclass(frozen=True, slots=True)
class WindowCall:
    """What a call in a tumbling window is told beside its records."""

    start: int
    width_s: int
    state: dict[str, Any]
    shard_id: str
    stream_arn: str
    final: bool
    early: bool


def windowed_event(bodies: list[bytes], call: WindowCall) -> bytes:
    around = {
        "window": {"start": _time(call.start), "end": _time(call.start + call.width_s)},
        "state": call.state,
        "shardId": call.shard_id,
        "eventSourceARN": call.stream_arn,
        "isFinalInvokeForWindow": call.final,
        "isWindowTerminatedEarly": call.early,
    }
    return plain_event(bodies)[:-1] + b"," + orjson.dumps(around)[1:]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
