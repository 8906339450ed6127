"""GetShardIterator: a place in a shard, from which GetRecords reads on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.streams import iterators, reading, shards
from tabletop.dynamodb.streams.records import find_stream, parse_arn
from tabletop.dynamodb.streams.shards import Shard
from tabletop.storage.store import View

_NOT_OF_SHARD = "Invalid SequenceNumber for the shard"
_NEEDS = {
    "AT_SEQUENCE_NUMBER": "SequenceNumber",
    "AFTER_SEQUENCE_NUMBER": "SequenceNumber",
    "AT_TIMESTAMP": "Timestamp",
}
"""What each type must be given; none may be given the other's."""


@dataclass(frozen=True, slots=True)
class GetShardIterator:
    call: Call
    arn: str
    shard: str
    kind: str
    sequence: int
    timestamp: float


def prepare(body: Body, call: Call) -> GetShardIterator:
    parse_arn(body["StreamArn"])
    kind = body["ShardIteratorType"]
    for member in ("SequenceNumber", "Timestamp"):
        if (member in body) != (_NEEDS.get(kind) == member):
            # Recorded of SequenceNumber in October 2026 by the authors of dynoxide, inferred of Timestamp.
            fault = "should not be passed for this iterator type" if member in body else "cannot be null"
            raise invalid(f"One or more parameter values were invalid: {member} {fault}")
    text = body.get("SequenceNumber")
    sequence = 0 if text is None else shards.parse_sequence(text)
    if sequence is None:
        raise invalid(_NOT_OF_SHARD)
    return GetShardIterator(call, body["StreamArn"], body["ShardId"], kind, sequence, body.get("Timestamp", 0.0))


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def read(view: View, request: GetShardIterator, now: float) -> dict[str, Any]:
    stream = find_stream(view, request.call, request.arn)
    number = stream["number"]
    shard = next((one for one in shards.shards(view, number) if one.id == request.shard), None)
    if shard is None:
        raise ApiError("ResourceNotFoundException", "Requested resource not found: Shard does not exist")
    place = iterators.Iterator(
        stream["arn"], shard.generation, shard.slice, _position(view, number, shard, request, now), int(now * 1000)
    )
    return {"ShardIterator": iterators.encode(place)}


def _position(view: View, number: int, shard: Shard, request: GetShardIterator, now: float) -> int:
    """The first sequence number to be read."""
    if request.kind == "TRIM_HORIZON":
        return reading.trim_horizon(view, number, shard)
    newest = shards.read_state(view, number).sequence if shard.last is None else shard.last
    if request.kind == "LATEST":
        return newest + 1
    if request.kind == "AT_TIMESTAMP":
        if request.timestamp > now:
            raise invalid("Timestamp must not be in the future")
        return reading.position_at(view, number, shard, int(request.timestamp * 1000))
    if not shard.first <= request.sequence <= newest:
        raise invalid(_NOT_OF_SHARD)
    position = request.sequence + (request.kind == "AFTER_SEQUENCE_NUMBER")
    reading.check_kept(view, number, shard, position)
    return position


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:GetShardIterator", body["StreamArn"])]


OPERATION = Operation("GetShardIterator", prepare=prepare, targets=targets, read=read)
