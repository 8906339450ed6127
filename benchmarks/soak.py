"""`python -m benchmarks.soak [--minutes N]`: mixed load for long, while memory and files must not grow.

The load writes over and over a bounded set of items, adds such that expire, appends to a log group that keeps a day, and
reads all of it, the stream too. The server's clock is put forward as the run goes on, so that ten days of it pass, however
long the run is: what is kept for a day (stream records, log events) comes and goes many times. After the first third all
there is has been there once; from then on the store's file and the memory of the process must stay as they are, free pages
being used again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.servers import resident_mb
from benchmarks.torture import END_TIMEOUT_S, Server
from benchmarks.torture_load import Connection, Refused, Unreachable, definition, key_schema
from tabletop.base.clock import SHIFT_VARIABLE
from tabletop.cli.check import check_directory

TABLE, GROUP = "soak", "/soak"
KEYS = 5_000
SIMULATED_S = 10 * 86_400
EXPIRES_WITHIN_S = 86_400
OUTRUN = ("ResourceNotFoundException", "ExpiredIteratorException", "TrimmedDataAccessException")
THREADS = 4
SAMPLES = 60
GROWTH_MAX = 1.15
"""Of the highest value in the last third over the highest in the second; the load wavers with the machine."""


@dataclass(slots=True)
class Sample:
    at_s: float
    memory_mb: float
    file_mb: float
    operations: int


@dataclass(slots=True)
class Result:
    samples: list[Sample] = field(default_factory=list)
    stream_records: int = 0
    problems: list[str] = field(default_factory=list)


class _Load(threading.Thread):
    def __init__(self, port: int, number: int, clock: _Clock) -> None:
        super().__init__()
        self.operations = 0
        self.records = 0
        self.problem = ""
        self.stop = threading.Event()
        self._connection = Connection(port)
        self._dice = random.Random(number)
        self._number = number
        self._clock = clock
        self._works = [
            *[self._put] * 30, *[self._update] * 15, *[self._delete] * 10, *[self._expiring] * 10, *[self._get] * 20,
            *[self._query] * 10, *[self._transact] * 5, *[self._batch] * 3, *[self._log] * 10, self._scan, self._stream,
        ]  # fmt: skip

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self._dice.choice(self._works)()
                self.operations += 1
        except (Unreachable, Refused) as error:
            self.problem = repr(error)
        finally:
            self._connection.close()

    def _key(self) -> dict[str, Any]:
        return {"p": {"S": f"{self._dice.randrange(KEYS)}"}}

    def _item(self) -> dict[str, Any]:
        return self._key() | {
            "city": {"S": f"{self._dice.randrange(50)}"},
            "text": {"S": "x" * self._dice.choice((50, 800))},
        }

    def _put(self) -> None:
        self._connection.dynamodb("PutItem", TableName=TABLE, Item=self._item())

    def _update(self) -> None:
        self._connection.dynamodb(
            "UpdateItem",
            TableName=TABLE,
            Key=self._key(),
            UpdateExpression="ADD seen :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def _delete(self) -> None:
        self._connection.dynamodb("DeleteItem", TableName=TABLE, Key=self._key())

    def _expiring(self) -> None:
        at = int(self._clock.now()) + self._dice.randrange(EXPIRES_WITHIN_S)
        item = {"p": {"S": f"e{self._number}-{self.operations}"}, "expires": {"N": f"{at}"}}
        self._connection.dynamodb("PutItem", TableName=TABLE, Item=item)

    def _get(self) -> None:
        self._connection.dynamodb("GetItem", TableName=TABLE, Key=self._key())

    def _query(self) -> None:
        self._connection.dynamodb(
            "Query",
            TableName=TABLE,
            IndexName="by_city",
            KeyConditionExpression="city = :c",
            ExpressionAttributeValues={":c": {"S": f"{self._dice.randrange(50)}"}},
            Limit=20,
        )

    def _transact(self) -> None:
        items = {item["p"]["S"]: item for item in (self._item() for _ in range(4))}
        members = [{"Put": {"TableName": TABLE, "Item": item}} for item in items.values()]
        self._connection.dynamodb("TransactWriteItems", TransactItems=members)

    def _batch(self) -> None:
        items = {item["p"]["S"]: item for item in (self._item() for _ in range(25))}
        requests = [{"PutRequest": {"Item": item}} for item in items.values()]
        self._connection.dynamodb("BatchWriteItem", RequestItems={TABLE: requests})

    def _log(self) -> None:
        events = [{"timestamp": int(self._clock.now() * 1000), "message": "x" * 200}]
        self._connection.logs("PutLogEvents", logGroupName=GROUP, logStreamName=f"s{self._number}", logEvents=events)

    def _scan(self) -> None:
        self._connection.dynamodb("Scan", TableName=TABLE, Limit=500)

    def _stream(self) -> None:
        arn = self._connection.dynamodb("DescribeTable", TableName=TABLE)["Table"]["LatestStreamArn"]
        shards = self._connection.streams("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        shard = self._dice.choice(shards)["ShardId"]
        try:
            iterator = self._connection.streams(
                "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            self.records += len(self._connection.streams("GetRecords", ShardIterator=iterator, Limit=500)["Records"])
        except Refused as error:
            # A shard ends, and an iterator ages, within moments of this clock.
            if not any(code in str(error) for code in OUTRUN):
                raise


class _Clock:
    """The server's clock: as many days pass during the run as ``SIMULATED_S`` has."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._rate = SIMULATED_S / seconds
        self._began = time.time()
        self._shift_s = 0.0

    def now(self) -> float:
        return time.time() + self._shift_s

    def move(self) -> None:
        self._shift_s = (time.time() - self._began) * self._rate
        partial = self._path.with_suffix(".partial")
        partial.write_text(str(self._shift_s))
        partial.replace(self._path)


def soak(folder: Path, *, seconds: float) -> Result:
    result = Result()
    shift = folder / "shift"
    server = Server(folder / "data", 1, folder / "log", **{SHIFT_VARIABLE: str(shift)})
    try:
        _prepare(server.port)
        clock = _Clock(shift, seconds)
        crew = [_Load(server.port, number, clock) for number in range(THREADS)]
        for each in crew:
            each.start()
        began = time.monotonic()
        sampled = 0
        while (passed_s := time.monotonic() - began) < seconds and all(each.is_alive() for each in crew):
            clock.move()
            if passed_s >= sampled * seconds / SAMPLES:
                sampled += 1
                result.samples.append(_sample(server, folder, passed_s, crew))
            time.sleep(0.1)
        for each in crew:
            each.stop.set()
        for each in crew:
            each.join(END_TIMEOUT_S)
            result.stream_records += each.records
            if each.problem:
                result.problems.append(each.problem)
    finally:
        server.kill()
    result.problems += [f"check: {problem}" for problem in check_directory(folder / "data")]
    if "Traceback" in (folder / "log").read_text(errors="replace"):
        result.problems.append(f"a traceback stands in {folder / 'log'}")
    result.problems += _growth(result.samples)
    return result


def _prepare(port: int) -> None:
    connection = Connection(port)
    table = definition(TABLE, {"p": "S", "city": "S"}, ["p"])
    table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    table["GlobalSecondaryIndexes"] = [
        {"IndexName": "by_city", "KeySchema": key_schema(["city"]), "Projection": {"ProjectionType": "ALL"}}
    ]
    connection.dynamodb("CreateTable", **table)
    ttl = {"Enabled": True, "AttributeName": "expires"}
    connection.dynamodb("UpdateTimeToLive", TableName=TABLE, TimeToLiveSpecification=ttl)
    connection.logs("CreateLogGroup", logGroupName=GROUP)
    connection.logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    for number in range(THREADS):
        connection.logs("CreateLogStream", logGroupName=GROUP, logStreamName=f"s{number}")
    connection.close()


def _sample(server: Server, folder: Path, passed_s: float, crew: list[_Load]) -> Sample:
    file_mb = (folder / "data" / "store" / "data.mdb").stat().st_size / 1e6
    return Sample(passed_s, resident_mb(server.pid), file_mb, sum(each.operations for each in crew))


def _growth(samples: list[Sample]) -> list[str]:
    third = len(samples) // 3
    if not third:
        return []
    problems = []
    for name in ("file_mb", "memory_mb"):
        before = max(getattr(sample, name) for sample in samples[third : 2 * third])
        after = max(getattr(sample, name) for sample in samples[2 * third :])
        if after > before * GROWTH_MAX:
            problems.append(f"{name} grew from {before:,.0f} to {after:,.0f}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tabletop-soak-"))
    result = soak(folder, seconds=given.minutes * 60)
    for sample in result.samples[:: max(1, len(result.samples) // 10)]:
        print(
            f"{sample.at_s:>6.0f} s  {sample.operations:>10,} operations  memory {sample.memory_mb:>5.0f} MB  "
            f"file {sample.file_mb:>6.0f} MB"
        )
    print(f"{result.stream_records:,} stream records read")
    for problem in result.problems:
        print(f"PROBLEM {problem}")
    if not result.problems:
        shutil.rmtree(folder)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
