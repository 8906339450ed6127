"""DescribeStream: a stream and a page of its shards, or the children of one shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.streams import shards
from tabletop.dynamodb.streams.limits import check_limit
from tabletop.dynamodb.streams.records import find_stream, parse_arn, shown_status
from tabletop.dynamodb.streams.shards import Shard
from tabletop.storage.store import View

SHARDS_MAX = 100


@dataclass(frozen=True, slots=True)
class DescribeStream:
    call: Call
    arn: str
    limit: int
    after: str
    parent: str | None
    """Shows only the children of this shard."""


def prepare(body: Body, call: Call) -> DescribeStream:
    limit = check_limit(body, SHARDS_MAX)
    parse_arn(body["StreamArn"])
    parent = None
    shard_filter = body.get("ShardFilter")
    if shard_filter is not None:
        for member in ("Type", "ShardId"):
            if member not in shard_filter:
                # Inferred: that both are needed is documented, the words are those of other missing members.
                path = f"shardFilter.{member[0].lower()}{member[1:]}"
                raise ApiError(
                    "ValidationException",
                    f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: "
                    "Member must not be null",
                )
        parent = shard_filter["ShardId"]
    return DescribeStream(call, body["StreamArn"], limit, body.get("ExclusiveStartShardId", ""), parent)


def read(view: View, request: DescribeStream, now: float) -> dict[str, Any]:
    stream = find_stream(view, request.call, request.arn)
    found = [
        shard
        for shard in shards.shards(view, stream["number"])
        if shard.id > request.after and (request.parent is None or shard.parent_id == request.parent)
    ]
    description: dict[str, Any] = {
        "StreamArn": stream["arn"],
        "StreamLabel": stream["label"],
        "StreamStatus": shown_status(stream, now),
        "StreamViewType": stream["view"],
        "CreationRequestDateTime": stream["created"],
        "TableName": stream["table"],
        "KeySchema": stream["key_schema"],
        "Shards": [_shown(shard) for shard in found[: request.limit]],
    }
    if len(found) > request.limit:
        description["LastEvaluatedShardId"] = found[request.limit - 1].id
    return {"StreamDescription": description}


def _shown(shard: Shard) -> dict[str, Any]:
    sequences = {"StartingSequenceNumber": shards.sequence_text(shard.first)}
    if shard.last is not None:
        sequences["EndingSequenceNumber"] = shards.sequence_text(shard.last)
    shown: dict[str, Any] = {"ShardId": shard.id, "SequenceNumberRange": sequences}
    if shard.parent_id is not None:
        shown["ParentShardId"] = shard.parent_id
    return shown


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:DescribeStream", body["StreamArn"])]


OPERATION = Operation("DescribeStream", prepare=prepare, targets=targets, read=read)
