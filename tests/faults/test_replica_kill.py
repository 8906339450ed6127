"""kill -9 while a new replica is being filled: the next server goes on, and nothing is lost, doubled or resurrected."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from fault_server import SIGNED, dynamodb, running

from tabletop.cli.check import check_directory
from tabletop.dynamodb import catalog
from tabletop.storage.engine import open_store

ITEMS = 6000
THERE = {"Authorization": SIGNED.replace("us-east-1", "eu-west-1")}
TABLE = {
    "TableName": "users",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def ask(port: int, action: str, body: dict[str, Any], **headers: str | None) -> Any:
    answer = dynamodb(port, action, {"TableName": "users"} | body if action != "BatchWriteItem" else body, **headers)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def keys(port: int, **headers: str | None) -> set[str]:
    found: set[str] = set()
    start: dict[str, Any] = {}
    for _ in range(100):
        page = ask(port, "Scan", start, **headers)
        found |= {item["p"]["S"] for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    raise AssertionError("the scan does not end")


def status(port: int) -> str:
    shown = ask(port, "DescribeTable", {}, **THERE)["Table"]["TableStatus"]
    return str(shown)


def stored_status(data: Path) -> str | None:
    store = open_store(data)
    try:
        with store.view() as view:
            table = catalog.find(view, "000000000000", "eu-west-1", "users")
            return None if table is None else table.status
    finally:
        store.close()


# The server dies as soon as it has answered UpdateTable, with most items still to be copied; items are then changed and
# deleted before and behind the place where the copying stood.
@pytest.mark.timeout(90)
def test_a_killed_copy_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running("--data", str(data)) as (process, port):
        ask(port, "CreateTable", TABLE)
        for first in range(0, ITEMS, 25):
            puts = [{"PutRequest": {"Item": {"p": {"S": f"{first + at:05}"}}}} for at in range(25)]
            ask(port, "BatchWriteItem", {"RequestItems": {"users": puts}})
        ask(port, "UpdateTable", {"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]})
        os.kill(process, signal.SIGKILL)
    assert check_directory(data) == []
    assert stored_status(data) == "CREATING"
    with running("--data", str(data)) as (_, port):
        for number in range(0, ITEMS, 500):
            ask(port, "DeleteItem", {"Key": {"p": {"S": f"{number:05}"}}})
            ask(port, "PutItem", {"Item": {"p": {"S": f"new{number:05}"}}})
        for _ in range(400):
            if status(port) == "ACTIVE":
                break
            time.sleep(0.05)
        assert len(keys(port)) == ITEMS
        assert keys(port) == keys(port, **THERE)
    assert check_directory(data) == []
