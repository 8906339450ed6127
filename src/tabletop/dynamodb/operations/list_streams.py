"""ListStreams: streams of the caller's account and region, or of one table; disabled ones until they are a day old."""

from __future__ import annotations

from itertools import islice
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn
from tabletop.dynamodb.streams.limits import check_limit
from tabletop.dynamodb.streams.records import parse_arn, streams_after
from tabletop.storage.store import View

STREAMS_MAX = 100

Request = tuple[Call, str | None, str | None, int]


def prepare(body: Body, call: Call) -> Request:
    limit = check_limit(body, STREAMS_MAX)
    after = body.get("ExclusiveStartStreamArn")
    if after is not None:
        parse_arn(after)
    return call, body.get("TableName"), after, limit


def read(view: View, request: Request, now: float) -> dict[str, Any]:
    call, table, after, limit = request
    found = list(islice(streams_after(view, call, table, after), limit + 1))
    answer: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream["arn"], "TableName": stream["table"], "StreamLabel": stream["label"]}
            for stream in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["LastEvaluatedStreamArn"] = found[limit - 1]["arn"]
    return answer


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    """All streams of the table, or of all tables: AWS's documented policies grant it on either or on everything."""
    return [("dynamodb:ListStreams", table_arn(call, body.get("TableName") or "*") + "/stream/*")]


OPERATION = Operation("ListStreams", prepare=prepare, targets=targets, read=read)
