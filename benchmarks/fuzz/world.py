"""A gateway over a store in memory, with tables: what requests are answered by."""

from __future__ import annotations

import asyncio
import io
import zlib
from typing import Any

import orjson

from benchmarks.load import HEADERS
from tabletop.base import log
from tabletop.base.clock import ManualClock
from tabletop.dynamodb import checker
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.gateway.gateway import DYNAMODB_TARGET, STREAMS_TARGET, Further, Gateway
from tabletop.iam.service import Iam
from tabletop.storage.engine import open_store
from tabletop.wire.http import HttpRequest, HttpResponse

BACKGROUND_STEPS_MAX = 2_000
PLAIN_HEADERS = {name.lower(): value for name, value in HEADERS.items()} | {"host": "localhost:4566"}

ONE, TWO = "one", "two"
"""Tables of every world: "one" has the hash key p; "two" adds the range key s, indexes, a stream and expiry."""

STREAM_ACTIONS = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})

ITEMS: tuple[dict[str, Any], ...] = (
    {"p": {"S": "a"}, "s": {"N": "1"}, "a": {"N": "5"}, "g": {"S": "x"}, "ttl": {"N": "1"}},
    {"p": {"S": "a"}, "s": {"N": "2"}, "a": {"L": [{"N": "1"}, {"M": {"b": {"SS": ["x", "y"]}}}]}, "l": {"N": "3"}},
    {"p": {"S": "b"}, "s": {"N": "-1.5"}, "m": {"M": {"a": {"L": [{"S": "x"}]}, "b": {"B": "YQ=="}}}, "g": {"S": "x"}},
    {"p": {"S": "b"}, "s": {"N": "9"}, "b": {"BOOL": True}, "n": {"NULL": True}, "ns": {"NS": ["1", "2"]}},
)


class World:
    def __init__(self) -> None:
        self.log = io.StringIO()
        log.configure("error", stream=self.log)
        self.clock = ManualClock(1_790_000_000.0)
        self.store = open_store(None, clock=self.clock)
        self.gateway = Gateway(
            store=self.store,
            dynamodb=DynamoDb(self.store),
            iam=Iam(self.store, secret_key=b"x" * 32),
            further=Further(),
            clock=self.clock,
        )
        self._make_table(ONE, [("p", "HASH")])
        self._make_table(TWO, [("p", "HASH"), ("s", "RANGE")])
        self.stream_arn = self.must("DescribeTable", {"TableName": TWO})["Table"]["LatestStreamArn"]
        self.must("UpdateTimeToLive", {"TableName": TWO, "TimeToLiveSpecification": _TTL})
        for table in (ONE, TWO):
            for item in ITEMS:
                self.must("PutItem", {"TableName": table, "Item": item})
        described = self.must("DescribeStream", {"StreamArn": self.stream_arn})["StreamDescription"]
        self.shard_id = described["Shards"][0]["ShardId"]
        self.iterator = self.must(
            "GetShardIterator",
            {"StreamArn": self.stream_arn, "ShardId": self.shard_id, "ShardIteratorType": "TRIM_HORIZON"},
        )["ShardIterator"]

    def _make_table(self, name: str, keys: list[tuple[str, str]]) -> None:
        attributes = {"p": "S"}
        body: dict[str, Any] = {"TableName": name, "BillingMode": "PAY_PER_REQUEST"}
        if len(keys) == 2:
            attributes |= {"s": "N", "g": "S", "l": "N"}
            everything = {"ProjectionType": "ALL"}
            body["GlobalSecondaryIndexes"] = [_index("by-g", ["g", "s"], everything)]
            body["LocalSecondaryIndexes"] = [_index("by-l", ["p", "l"], {"ProjectionType": "KEYS_ONLY"})]
            body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        body["KeySchema"] = [{"AttributeName": key, "KeyType": role} for key, role in keys]
        body["AttributeDefinitions"] = [
            {"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()
        ]
        self.must("CreateTable", body)

    def send(self, action: str, body: bytes, headers: dict[str, str] | None = None) -> HttpResponse:
        """The answer, which a store in memory gives at once."""
        prefix = STREAMS_TARGET if action in STREAM_ACTIONS else DYNAMODB_TARGET
        given = PLAIN_HEADERS | {"x-amz-target": prefix + action}
        if headers:
            given |= headers
        answer = self.gateway.handle(HttpRequest(method="POST", target="/", headers=given, body=body))
        assert isinstance(answer, HttpResponse), "not answered at once"
        return answer

    def must(self, action: str, body: dict[str, Any]) -> Any:
        answer = self.send(action, orjson.dumps(body))
        assert answer.status == 200, (action, answer.body)
        return orjson.loads(answer.body)  # type: ignore[arg-type]

    def kind_of(self, answer: HttpResponse) -> str:
        """ "200", or the error's name. Raises for a 5xx, and for what is no JSON answer of DynamoDB."""
        if answer.status >= 500:
            raise AssertionError(f"status {answer.status}: {self.fault()}")
        assert type(answer.body) is bytes
        lines = (line.split(": ", 1) for line in answer.lines.decode().splitlines())
        headers = dict(answer.headers) | dict(lines)
        assert int(headers["x-amz-crc32"]) == zlib.crc32(answer.body)
        body = answer.body
        if "Content-Encoding" in headers:
            body = zlib.decompress(body, 47)
        if answer.status == 200 and not body:
            # The answer of actions that have no output.
            return "200"
        content = orjson.loads(body)
        assert type(content) is dict
        if answer.status == 200:
            return "200"
        return str(content["__type"]).partition("#")[2]

    def fault(self) -> str:
        """What the log says, taken out of it: the last place and line of the traceback first."""
        text = self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        lines = [
            line.strip() for line in text.replace("\\n", "\n").replace('\\"', '"').splitlines() if line.strip(' "')
        ]
        places = [line for line in lines if line.startswith("File ")]
        return "\n".join([*places[-1:], *lines[-1:], "", *lines[-30:]])

    def close(self) -> None:
        """Let background work end, and prove the data whole."""
        try:
            asyncio.run(self._settle())
            with self.store.view() as view:
                problems = [*checker.problems(view)]
            assert not problems, problems[:5]
            assert not self.log.getvalue(), self.fault()
        finally:
            log.configure()
            self.store.close()

    async def _settle(self) -> None:
        background = Background(self.store, self.clock)
        for _ in range(BACKGROUND_STEPS_MAX):
            if not await background.step_all():
                return
        raise AssertionError("background work does not end")


_TTL = {"Enabled": True, "AttributeName": "ttl"}


def _index(name: str, keys: list[str], projection: dict[str, str]) -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": role} for key, role in zip(keys, ("HASH", "RANGE"), strict=True)]
    return {"IndexName": name, "KeySchema": schema, "Projection": projection}
