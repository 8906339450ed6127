"""kill -9 while a vector index is filled and written to: the next server goes on, and a search finds what was answered."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from fault_server import dynamodb, running

from tabletop.cli.check import check_directory

ITEMS = 4000
INDEX = {
    "IndexName": "vix",
    "VectorAttribute": {"AttributeName": "v"},
    "Dimensions": 3,
    "DistanceFunction": "EUCLIDEAN",
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
TABLE = {
    "TableName": "users",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def ask(port: int, action: str, **body: Any) -> Any:
    answer = dynamodb(port, action, body)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def item(key: str, *components: int) -> dict[str, Any]:
    return {"p": {"S": key}, "v": {"L": [{"N": str(component)} for component in components]}}


def wait_for_index(port: int) -> int:
    for _ in range(400):
        (index,) = ask(port, "DescribeTable", TableName="users")["Table"]["VectorIndexes"]
        if index["IndexStatus"] == "ACTIVE":
            return int(index["ItemCount"])
        time.sleep(0.05)
    raise AssertionError("the index never became active")


# The server dies as soon as it has answered UpdateTable and one write more; the next one fills the index to the end, beside
# writes of its own.
@pytest.mark.timeout(90)
def test_a_killed_backfill_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running("--data", str(data)) as (process, port):
        ask(port, "CreateTable", **TABLE)
        for first in range(0, ITEMS, 25):
            puts = [{"PutRequest": {"Item": item(f"{first + at:05}", first + at, 1, 0)}} for at in range(25)]
            ask(port, "BatchWriteItem", RequestItems={"users": puts})
        ask(port, "UpdateTable", TableName="users", VectorIndexUpdates=[{"Create": INDEX}])
        ask(port, "PutItem", TableName="users", Item=item("last", 0, 0, 0))
        os.kill(process, signal.SIGKILL)
    assert check_directory(data) == []
    with running("--data", str(data)) as (_, port):
        ask(port, "PutItem", TableName="users", Item=item("moved", 5, 5, 5))
        ask(port, "DeleteItem", TableName="users", Key={"p": {"S": "00001"}})
        assert wait_for_index(port) == ITEMS + 1
        vector = item("", 0, 0, 0)["v"]["L"]
        found = ask(port, "SearchVectors", TableName="users", IndexName="vix", SearchVector=vector, TopK=3)
        keys = [result["Item"]["p"]["S"] for result in found["SearchResults"]]
        assert keys == ["last", "00000", "00002"]
    assert check_directory(data) == []
