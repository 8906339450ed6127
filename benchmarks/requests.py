"""CPU of one request, in process: signed requests through the gateway to an in-memory store, without sockets.

    python -m benchmarks.requests              one line of JSON: microseconds for each operation
    python -m benchmarks.requests 10000        that many requests of each

CPU seconds of this process, so that a busy machine spoils less of it. Two versions are compared by running them in turn,
each with its own sources before this file's on PYTHONPATH, and taking medians.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tabletop.base.clock import system_clock
from tabletop.dynamodb.service import DynamoDb
from tabletop.gateway.gateway import Further, Gateway
from tabletop.iam.service import Iam
from tabletop.storage.engine import open_store
from tabletop.wire.http import HttpRequest

REQUESTS = 3000
WARM_UP = 200
ITEMS = 2000
PARTITIONS = 200
ROWS = 10

Body = dict[str, Any]


def main(requests: int) -> None:
    store = open_store(None)
    iam = Iam(store, secret_key=bytes(32))
    gateway = Gateway(store=store, dynamodb=DynamoDb(store), iam=iam, further=Further(), clock=system_clock)

    def ask(action: str, body: Body) -> None:
        response: Any = gateway.handle(signed(action, body))
        assert response.status == 200, response.body

    for action, body in _world():
        ask(action, body)
    dice = random.Random(1)
    measured: dict[str, float] = {}
    for name, (action, make) in _OPERATIONS.items():
        prepared = [signed(action, make(dice)) for _ in range(requests)]
        for request in prepared[:WARM_UP]:
            gateway.handle(request)
        began = time.process_time()
        for request in prepared:
            gateway.handle(request)
        measured[name] = round((time.process_time() - began) / requests * 1e6, 2)
    print(orjson.dumps(measured).decode())
    store.close()


def signed(action: str, body: Body) -> HttpRequest:
    payload = orjson.dumps(body)
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"DynamoDB_20120810.{action}",
        "Host": "localhost:4566",
    }
    request = AWSRequest("POST", "http://localhost:4566/", data=payload, headers=headers)
    SigV4Auth(Credentials("test", "test"), "dynamodb", "us-east-1").add_auth(request)
    lower = {name.lower(): value for name, value in request.headers.items()}
    return HttpRequest(method="POST", target="/", headers=lower | {"content-length": str(len(payload))}, body=payload)


def _table(name: str, types: dict[str, str], *keys: str, **more: Any) -> Body:
    return {
        "TableName": name,
        "KeySchema": _key_schema(*keys),
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": kind} for n, kind in types.items()],
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


def _key_schema(*names: str) -> list[Body]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _item(key: str, size: int = 900, **more: Any) -> Body:
    return {"p": {"S": key}, "d": {"S": "x" * size}, "n": {"N": "1"}, **more}


def _world() -> list[tuple[str, Body]]:
    """Tables ``plain``, ``indexed`` (by ``g``) and ``ranged``, and their items."""
    index = {"IndexName": "byg", "KeySchema": _key_schema("g"), "Projection": {"ProjectionType": "ALL"}}
    made = [
        _table("plain", {"p": "S"}, "p"),
        _table("indexed", {"p": "S", "g": "S"}, "p", GlobalSecondaryIndexes=[index]),
        _table("ranged", {"p": "S", "c": "N"}, "p", "c"),
    ]
    puts = [{"TableName": "plain", "Item": _item(str(n))} for n in range(ITEMS)]
    puts += [
        {"TableName": "ranged", "Item": _item(str(n), 100, c={"N": str(row)})}
        for n in range(PARTITIONS)
        for row in range(ROWS)
    ]
    return [("CreateTable", one) for one in made] + [("PutItem", one) for one in puts]


def _some(dice: random.Random) -> str:
    return str(dice.randrange(ITEMS))


_UPDATE = {
    "TableName": "plain",
    "UpdateExpression": "SET n = n + :one",
    "ConditionExpression": "attribute_exists(p) AND n > :zero",
    "ExpressionAttributeValues": {":one": {"N": "1"}, ":zero": {"N": "0"}},
}
_OPERATIONS: dict[str, tuple[str, Callable[[random.Random], Body]]] = {
    "GetItem": ("GetItem", lambda dice: {"TableName": "plain", "Key": {"p": {"S": _some(dice)}}}),
    "PutItem, one global index": (
        "PutItem",
        lambda dice: {"TableName": "indexed", "Item": _item(_some(dice), g={"S": _some(dice)})},
    ),
    "Query, ten items": (
        "Query",
        lambda dice: {
            "TableName": "ranged",
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": str(dice.randrange(PARTITIONS))}},
        },
    ),
    "UpdateItem, with a condition": ("UpdateItem", lambda dice: _UPDATE | {"Key": {"p": {"S": _some(dice)}}}),
    "DeleteItem, one global index": (
        "DeleteItem",
        lambda dice: {"TableName": "indexed", "Key": {"p": {"S": _some(dice)}}},
    ),
    "BatchGetItem, ten keys": (
        "BatchGetItem",
        lambda dice: {
            "RequestItems": {"plain": {"Keys": [{"p": {"S": str(n)}} for n in dice.sample(range(ITEMS), 10)]}}
        },
    ),
    "TransactWriteItems, two puts": (
        "TransactWriteItems",
        lambda dice: {
            "TransactItems": [{"Put": {"TableName": "plain", "Item": _item(side + _some(dice))}} for side in "ab"]
        },
    ),
    "Scan, a page of a hundred": ("Scan", lambda dice: {"TableName": "ranged", "Limit": 100}),
}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
