"""A stream with both images, read in the order of its shards, is the table's history: replayed, it makes the table."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from stream_api import KEY_SCHEMA, TYPES, Api

from tabletop.base.errors import ApiError
from tabletop.dynamodb import checker
from tabletop.dynamodb.values import equal
from tabletop.storage.engine import open_store

PARTITIONS, SORTS = 12, 3
VALUES: list[dict[str, Any]] = [
    {"S": "x"},
    {"N": "1.50"},
    {"SS": ["b", "a"]},
    {"SS": ["a", "b"]},
    {"M": {"k": {"L": [{"NULL": True}]}, "j": {"B": "AA=="}}},
    {"M": {"j": {"B": "AA=="}, "k": {"L": [{"NULL": True}]}}},
]

Item = dict[str, dict[str, Any]]
Place = tuple[str, str]


def place_of(key: Item) -> Place:
    return key["p"]["S"], key["c"]["N"]


def write_body(random_: random.Random, table: str) -> tuple[str, dict[str, Any]]:
    """One random write: a put, an update, a deletion, a batch or a transaction."""
    keys = random_.sample([(p, c) for p in range(PARTITIONS) for c in range(SORTS)], 3)
    a, b, c = ({"p": {"S": f"p{p}"}, "c": {"N": str(c)}} for p, c in keys)
    value = random_.choice(VALUES)
    choice = random_.randrange(6)
    if choice == 0:
        return "DeleteItem", {"TableName": table, "Key": a}
    if choice == 1:
        values = {":v": value}
        return "UpdateItem", {
            "TableName": table,
            "Key": a,
            "UpdateExpression": "SET w = :v",
            "ExpressionAttributeValues": values,
        }
    if choice == 2:
        requests = [
            {"PutRequest": {"Item": a | {"v": value}}},
            {"DeleteRequest": {"Key": b}},
            {"PutRequest": {"Item": c}},
        ]
        return "BatchWriteItem", {"RequestItems": {table: requests}}
    if choice == 3:
        members = [
            {"Put": {"TableName": table, "Item": a | {"v": value}}},
            {"Delete": {"TableName": table, "Key": b}},
            {"ConditionCheck": {"TableName": table, "Key": c, "ConditionExpression": "attribute_not_exists(w)"}},
        ]
        return "TransactWriteItems", {"TransactItems": members}
    return "PutItem", {"TableName": table, "Item": a | {"v": value}}


def replayed(records: list[dict[str, Any]]) -> dict[Place, Item]:
    """What the records make of an empty table; fails where one does not follow on the one before it of its item."""
    table: dict[Place, Item] = {}
    newest: dict[Place, int] = {}
    for record in records:
        change = record["dynamodb"]
        place = place_of(change["Keys"])
        before, old, new = table.get(place), change.get("OldImage"), change.get("NewImage")
        assert record["eventName"] == ("INSERT" if old is None else "REMOVE" if new is None else "MODIFY")
        assert (before is None) == (old is None)
        # A rewriting of equal content in another order is no change, but is what the next record starts from.
        assert before is None or equal({"M": before}, {"M": old})
        assert new is None or old is None or not equal({"M": old}, {"M": new})
        number = int(change["SequenceNumber"])
        assert number > newest.get(place, 0)
        newest[place] = number
        if new is None:
            del table[place]
        else:
            assert place_of(new) == place
            table[place] = new
    return table


def assert_same(found: dict[Place, Item], items: list[Item]) -> None:
    expected = {place_of(item): item for item in items}
    assert found.keys() == expected.keys()
    for place, item in expected.items():
        assert equal({"M": found[place]}, {"M": item}), place


# Random writes over a day's worth of shard generations, in one process: the log is the table's history.
@pytest.mark.parametrize("seed", range(6))
def test_a_stream_rebuilds_its_table(api: Api, seed: int) -> None:
    random_ = random.Random(seed)
    arn = api.create()
    for _ in range(250):
        action, body = write_body(random_, "table")
        try:
            api(action, **body)
        except ApiError as error:
            if error.code != "TransactionCanceledException":
                raise
        if random_.randrange(12) == 0:
            api.clock.advance(random_.randrange(3000))
            api.tend()
    # A step of only as many hours that nothing is trimmed.
    assert len(api.shards(arn)) >= 8
    for page in ({}, {"Limit": 3}):
        assert_same(replayed(api.records(arn, **page)), api("Scan", TableName="table")["Items"])


def connect(endpoint: str, service: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=5)
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def make_table(endpoint: str, name: str) -> str:
    """The ARN of its stream."""
    described = connect(endpoint, "dynamodb").create_table(
        TableName=name,
        KeySchema=KEY_SCHEMA,
        AttributeDefinitions=TYPES,
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(described["TableDescription"]["LatestStreamArn"])


METHODS = {
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "BatchWriteItem": "batch_write_item",
    "TransactWriteItems": "transact_write_items",
}


def write_many(endpoint: str, table: str, seed: int, count: int, stopped: threading.Event) -> None:
    """Random writes until told to stop, or until the server is gone."""
    client = connect(endpoint, "dynamodb")
    random_ = random.Random(seed)
    for _ in range(count):
        action, body = write_body(random_, table)
        if stopped.is_set():
            return
        try:
            getattr(client, METHODS[action])(**wire(body))
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
        except BotoCoreError:
            return


def wire(value: Any) -> Any:
    """The value as boto3 takes it: binary as bytes."""
    if isinstance(value, dict):
        return {name: b"\0" if name == "B" else wire(each) for name, each in value.items()}
    return [wire(each) for each in value] if isinstance(value, list) else value


def read_all(endpoint: str, arn: str) -> list[dict[str, Any]]:
    streams = connect(endpoint, "dynamodbstreams")
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for _ in range(10_000):
            page = streams.get_records(ShardIterator=iterator, Limit=100)
            found += page["Records"]
            iterator = page.get("NextShardIterator")
            if iterator is None or not page["Records"]:
                break
    return found


def run_writers(endpoint: str, table: str, count: int, stopped: threading.Event) -> list[threading.Thread]:
    writers = [threading.Thread(target=write_many, args=(endpoint, table, seed, count, stopped)) for seed in range(4)]
    for writer in writers:
        writer.start()
    return writers


# Several clients write at once through the whole server: each item's records are in the order of its changes.
def test_concurrent_clients(tabletop_endpoint: str) -> None:
    table = f"replay-{os.getpid()}-{time.monotonic_ns()}"
    arn = make_table(tabletop_endpoint, table)
    for writer in run_writers(tabletop_endpoint, table, 60, threading.Event()):
        writer.join()
    items = connect(tabletop_endpoint, "dynamodb").scan(TableName=table)["Items"]
    assert_same(replayed(read_all(tabletop_endpoint, arn)), items)
    connect(tabletop_endpoint, "dynamodb").delete_table(TableName=table)


def start(data: Path, workers: int) -> tuple[subprocess.Popen[str], str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tabletop", "start", "--data", str(data), "--port", "0", "--workers", str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    line = server.stdout.readline()
    assert "Ready at " in line, f"the server did not start: {line!r}"
    return server, line.rsplit("Ready at ", 1)[1].strip()


def stop(server: subprocess.Popen[str], how: signal.Signals) -> None:
    """The server and its workers, which are a process group of their own."""
    os.killpg(server.pid, how)
    server.wait(timeout=20)
    assert server.stdout is not None
    server.stdout.close()


# Killed in the midst of writes, with one process and with several, a durable server has a stream that matches its table.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_server_has_the_history_of_its_table(tmp_path: Path, workers: int) -> None:
    server, endpoint = start(tmp_path / "data", workers)
    stopped = threading.Event()
    try:
        arn = make_table(endpoint, "killed")
        writers = run_writers(endpoint, "killed", 100_000, stopped)
        # Bounded by count: enough records that the kill falls between writes of all kinds.
        for _ in range(400):
            if len(read_all(endpoint, arn)) >= 150:
                break
    finally:
        stop(server, signal.SIGKILL)
        stopped.set()
    for writer in writers:
        writer.join()
    server, endpoint = start(tmp_path / "data", workers)
    try:
        items = connect(endpoint, "dynamodb").scan(TableName="killed")["Items"]
        records = read_all(endpoint, arn)
    finally:
        stop(server, signal.SIGTERM)
    assert len(records) >= 150
    assert_same(replayed(records), items)
    store = open_store(tmp_path / "data", durable=False)
    with store.view() as view:
        found = list(checker.problems(view))
    store.close()
    assert found == []
