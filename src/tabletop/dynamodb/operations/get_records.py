"""GetRecords: the changes from an iterator on. Their stored images are the answer, unparsed."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.streams import iterators, reading, shards
from tabletop.dynamodb.streams.limits import check_limit
from tabletop.dynamodb.streams.records import find_stream
from tabletop.dynamodb.touches import Touch
from tabletop.storage.store import View

Request = tuple[Call, iterators.Iterator, int]


def prepare(body: Body, call: Call) -> Request:
    limit = check_limit(body, reading.RECORDS_MAX)
    return call, iterators.decode(body["ShardIterator"]), limit


def read(view: View, request: Request, now: float) -> bytes:
    call, iterator, limit = request
    stream = find_stream(view, call, iterator.arn)
    iterators.check_age(iterator, now)
    shard = shards.shard_at(view, stream["number"], iterator.generation, iterator.slice)
    if shard is None:
        raise reading.trimmed()
    found, following = reading.read(view, stream, shard, iterator.position, limit)
    answer = b'{"Records":[' + b",".join(found) + b"]"
    if following is not None:
        place = iterator._replace(position=following, issued_ms=int(now * 1000))
        answer += b',"NextShardIterator":"' + iterators.encode(place).encode() + b'"'
    return answer + b"}"


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:GetRecords", iterators.arn_of(body["ShardIterator"]))]


def touches(view: View, request: Request) -> list[Touch]:
    """A stream has the items of every partition key, whole."""
    return [Touch(None, frozenset(), select="ALL_ATTRIBUTES")]


OPERATION = Operation("GetRecords", prepare=prepare, targets=targets, read=read, touches=touches)
