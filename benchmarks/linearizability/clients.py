"""Threads that ask a real server for the model's operations, and record what was asked, answered, and when."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from typing import Any

from benchmarks.linearizability.histories import NEVER, Operation
from benchmarks.linearizability.model import CELLS, REFUSED

TABLES = ("history-a", "history-b")
TIMEOUT_S = 10.0
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000"
)


class Unanswered(Exception):
    """The request was sent, and no answer to it came."""


class Refused(Exception):
    """DynamoDB's answer to a condition that did not hold."""


def call(port: int, action: str, body: dict[str, Any], connections: dict[int, http.client.HTTPConnection]) -> Any:
    """One request over the thread's own kept connection. Raises Unanswered, Refused."""
    connection = connections.get(port)
    if connection is None:
        connection = connections[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{action}",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": AUTHORIZATION,
    }
    try:
        connection.request("POST", "/", json.dumps(body), headers)
        response = connection.getresponse()
        said = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        del connections[port]
        raise Unanswered(repr(error)) from error
    if response.status == 200:
        return said
    code = said["__type"].rpartition("#")[2]
    if code in ("ConditionalCheckFailedException", "TransactionCanceledException"):
        raise Refused(code)
    if response.status >= 500:
        raise Unanswered(code)
    raise AssertionError((action, body, said))


def place(cell: int, history: int) -> dict[str, Any]:
    """Where a cell of a history lives: cells take turns between the two tables."""
    return {"TableName": TABLES[cell % 2], "Key": {"p": {"S": f"{history}-{cell}"}}}


def prepare(port: int) -> None:
    connections: dict[int, http.client.HTTPConnection] = {}
    for name in TABLES:
        call(
            port,
            "CreateTable",
            {
                "TableName": name,
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            connections,
        )


class Client(threading.Thread):
    """Asks ``count`` random operations of one history."""

    def __init__(self, port: int, history: int, number: int, count: int, seed: str) -> None:
        super().__init__(name=f"client-{number}")
        self._port, self._history, self._number, self._count = port, history, number, count
        self._dice = random.Random(seed)
        self._connections: dict[int, http.client.HTTPConnection] = {}
        self.operations: list[Operation] = []
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(self._count):
                self._one()
        except BaseException as error:  # reported by whoever joins the thread
            self.fault = error
        for connection in self._connections.values():
            connection.close()

    def _one(self) -> None:
        dice = self._dice
        action = dice.choice(("put", "put-if", "put-if", "add", "add", "get", "get", "get-all", "transfer", "delete"))
        cell, other = dice.sample(range(CELLS), 2)
        value = dice.randrange(5)
        arguments: tuple[Any, ...] = {
            "put": (cell, value),
            "put-if": (cell, dice.choice((None, 0, 1, 2, 3, 4)), value),
            "add": (cell, dice.randrange(1, 4)),
            "get": (cell,),
            "get-all": (),
            "transfer": (cell, other, dice.randrange(1, 4)),
            "delete": (cell,),
        }[action]
        sent = time.monotonic()
        try:
            answer = getattr(self, "ask_" + action.replace("-", "_"))(*arguments)
        except Refused:
            answer = REFUSED
        except Unanswered:
            self.operations.append(Operation(self._number, action, arguments, sent, NEVER, None))
            time.sleep(0.02)
            return
        self.operations.append(Operation(self._number, action, arguments, sent, time.monotonic(), answer))

    def _call(self, action: str, body: dict[str, Any]) -> Any:
        return call(self._port, action, body, self._connections)

    def _item(self, cell: int, value: int) -> dict[str, Any]:
        where = place(cell, self._history)
        return {"TableName": where["TableName"], "Item": {**where["Key"], "v": {"N": str(value)}}}

    def ask_put(self, cell: int, value: int) -> str:
        self._call("PutItem", self._item(cell, value))
        return "done"

    def ask_put_if(self, cell: int, expected: int | None, value: int) -> str:
        if expected is None:
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(p)"}
        else:
            condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(expected)}}}
        self._call("PutItem", self._item(cell, value) | condition)
        return "done"

    def ask_add(self, cell: int, amount: int) -> int:
        answer = self._call(
            "UpdateItem",
            place(cell, self._history)
            | {
                "UpdateExpression": "ADD v :n",
                "ExpressionAttributeValues": {":n": {"N": str(amount)}},
                "ReturnValues": "UPDATED_NEW",
            },
        )
        return int(answer["Attributes"]["v"]["N"])

    def ask_get(self, cell: int) -> int | None:
        answer = self._call("GetItem", place(cell, self._history) | {"ConsistentRead": True})
        return int(answer["Item"]["v"]["N"]) if "Item" in answer else None

    def ask_get_all(self) -> tuple[int | None, ...]:
        gets = [{"Get": place(cell, self._history)} for cell in range(CELLS)]
        answer = self._call("TransactGetItems", {"TransactItems": gets})
        return tuple(int(each["Item"]["v"]["N"]) if each.get("Item") else None for each in answer["Responses"])

    def ask_delete(self, cell: int) -> int | None:
        answer = self._call("DeleteItem", place(cell, self._history) | {"ReturnValues": "ALL_OLD"})
        return int(answer["Attributes"]["v"]["N"]) if "Attributes" in answer else None

    def ask_transfer(self, source: int, target: int, amount: int) -> str:
        members = [
            {
                "Update": place(cell, self._history)
                | {
                    "UpdateExpression": "ADD v :n",
                    "ConditionExpression": "attribute_exists(p)",
                    "ExpressionAttributeValues": {":n": {"N": str(change)}},
                }
            }
            for cell, change in ((source, -amount), (target, amount))
        ]
        self._call("TransactWriteItems", {"TransactItems": members})
        return "done"
