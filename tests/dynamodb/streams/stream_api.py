"""DynamoDB in this process over a store in memory, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.dynamodb import checker
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore

ACCOUNT, REGION = "000000000000", "us-east-1"
KEY_SCHEMA = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}]
TYPES = [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "N"}]

Body = dict[str, Any]


class Api:
    """One account's requests: ``api("PutItem", TableName=...)`` answers, or raises ApiError."""

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self._service = DynamoDb(store)
        self._background = Background(store, clock)

    def __call__(self, action: str, **body: Any) -> Any:
        principal = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
        call = Call("0", ACCOUNT, REGION, principal, self.clock())
        operation, decoded = self._service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        self._service.run(operation, call, decoded, answers.append)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return orjson.loads(answer) if isinstance(answer, bytes) else answer

    def create(self, view: str | None = "NEW_AND_OLD_IMAGES", name: str = "table", **more: Any) -> str:
        """The ARN of the new table's stream."""
        if view is not None:
            more["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        described = self(
            "CreateTable",
            TableName=name,
            KeySchema=KEY_SCHEMA,
            AttributeDefinitions=TYPES,
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
        return str(described["TableDescription"].get("LatestStreamArn", ""))

    def put(self, p: str, c: int = 0, table: str = "table", **attributes: Any) -> None:
        self("PutItem", TableName=table, Item={"p": {"S": p}, "c": {"N": str(c)}} | attributes)

    def shards(self, arn: str) -> list[Body]:
        return list(self("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"])

    def iterator(self, arn: str, shard: Body, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        body = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": kind} | more
        return str(self("GetShardIterator", **body)["ShardIterator"])

    def read_shard(self, arn: str, shard: Body, **page: Any) -> list[Body]:
        """Everything that is in a shard now, page by page."""
        found: list[Body] = []
        iterator: str | None = self.iterator(arn, shard)
        for _ in range(100_000):
            if iterator is None:
                return found
            answer = self("GetRecords", ShardIterator=iterator, **page)
            found += answer["Records"]
            if not answer["Records"]:
                return found
            iterator = answer.get("NextShardIterator")
        raise AssertionError("a shard without end")

    def records(self, arn: str, **page: Any) -> list[Body]:
        """All records of a stream: parents before their children, each shard in its order."""
        return [record for shard in self.shards(arn) for record in self.read_shard(arn, shard, **page)]

    def tend(self) -> None:
        """Background work until none is due."""

        async def work() -> None:
            for _ in range(1000):
                if not await self._background.step_all():
                    return
            raise AssertionError("background work without end")

        asyncio.run(work())

    def problems(self) -> list[str]:
        with self.store.view() as view:
            return list(checker.problems(view))
