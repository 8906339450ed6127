"""What writes to the server that is tortured, and the ledger of what was acknowledged.

Every client owns its items, so the ledger can say of each which states are lawful: the one that was acknowledged last
or, where an answer did not come, the one before or the one after (``Cell``). Shared counters are bounded by what was
acknowledged and what was not answered. A transaction writes one value to two tables: both have it or neither.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import random
import threading
import time
import zipfile
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

ORDERS, PEOPLE = "torture_orders", "torture_people"
REPLICA_REGION = "eu-west-1"
"""Where ORDERS has a replica."""
FLEETING_S = (1, 4)
"""How long an item that expires lives, from now."""
GROUP = "/torture"
TIMEOUT_S = 20.0
HINDERED_PAUSE_S = 0.02
"""What a client waits after a refusal, as SDKs do."""
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=" + "0" * 64
)
ITEMS = 40
"""Items that one client writes over and over in each table: few, so that they are often replaced and deleted."""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

Item = dict[str, dict[str, Any]]


class Unreachable(Exception):
    """No whole answer came: nobody knows whether the request was done."""


class Refused(Exception):
    """An answer came, and it is an error."""


class Hindered(Unreachable):
    """The server says that it could not store the change: by a fault of the world, or because too much waits."""


class Connection:
    """Requests one after the other on a kept connection."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def dynamodb(self, action: str, **body: Any) -> dict[str, Any]:
        return self._json("dynamodb", f"DynamoDB_20120810.{action}", "1.0", body)

    def streams(self, action: str, **body: Any) -> dict[str, Any]:
        return self._json("dynamodb", f"DynamoDBStreams_20120810.{action}", "1.0", body)

    def in_region(self, region: str, action: str, **body: Any) -> dict[str, Any]:
        """DynamoDB in another region than us-east-1."""
        return self._json("dynamodb", f"DynamoDB_20120810.{action}", "1.0", body, region)

    def logs(self, action: str, **body: Any) -> dict[str, Any]:
        return self._json("logs", f"Logs_20140328.{action}", "1.1", body)

    def iam(self, action: str, **parameters: str) -> str:
        body = urlencode({"Action": action, "Version": "2010-05-08", **parameters})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", "/", "iam", body.encode(), headers).decode()

    def functions(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        payload = b"" if body is None else json.dumps(body).encode()
        answer = self._send(
            method, "/2015-03-31/functions" + path, "lambda", payload, {"Content-Type": "application/json"}
        )
        return json.loads(answer) if answer else {}

    def _json(
        self, service: str, target: str, version: str, body: dict[str, Any], region: str = "us-east-1"
    ) -> dict[str, Any]:
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        answer = self._send("POST", "/", service, json.dumps(body).encode(), headers, region)
        return json.loads(answer) if answer else {}

    def _send(
        self,
        method: str,
        path: str,
        service: str,
        body: bytes,
        headers: dict[str, str],
        region: str = "us-east-1",
    ) -> bytes:
        authorization = AUTHORIZATION.format(service).replace("us-east-1", region)
        signed = {**headers, "Authorization": authorization, "X-Amz-Date": "20260101T000000Z"}
        try:
            self._http.request(method, path, body, signed)
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise Unreachable(repr(error)) from error
        if response.status >= 300:
            # A worker says so when the control process is gone: the request may have been done.
            if response.status == 503:
                raise Unreachable(content.decode())
            if b"could not store the change" in content or b"ThrottlingException" in content:
                raise Hindered(content.decode())
            raise Refused(f"{response.status} {content.decode()}")
        return content

    def close(self) -> None:
        self._http.close()


class Cell:
    """The lawful states of one thing: None for its absence."""

    __slots__ = ("states",)

    def __init__(self) -> None:
        self.states: list[Any] = [None]

    def attempt(self, state: Any) -> None:
        self.states = [*self.states, state]

    def acknowledge(self, state: Any) -> None:
        self.states = [state]

    def take_back(self) -> None:
        """The last attempt was refused: it changed nothing."""
        self.states = self.states[:-1]


@dataclass(slots=True)
class Count:
    """A shared counter's share: ``done`` increments were acknowledged, ``open`` ones were not answered."""

    done: int = 0
    open: int = 0


@dataclass(slots=True)
class Ledger:
    items: dict[tuple[str, str], Cell] = field(default_factory=dict)
    """(table, sort key or key) -> an item without its owner's name."""
    pairs: dict[str, Cell] = field(default_factory=dict)
    """Written by transactions to both tables."""
    counter: Count = field(default_factory=Count)
    roles: dict[str, Cell] = field(default_factory=dict)
    functions: dict[str, Cell] = field(default_factory=dict)
    fleeting: dict[str, tuple[Item, int, bool]] = field(default_factory=dict)
    """Key in PEOPLE -> item, the second at which it expires, and if it was acknowledged."""
    events: set[str] = field(default_factory=set)
    """Acknowledged log messages."""
    tables: dict[str, Cell] = field(default_factory=dict)


def orders_key(owner: str, number: str) -> Item:
    return {"owner": {"S": owner}, "number": {"N": number}}


def people_key(owner: str, number: str) -> Item:
    return {"id": {"S": f"{owner}/{number}"}}


KEYS = {ORDERS: orders_key, PEOPLE: people_key}


class Client:
    """One writer. ``work`` until told to stop, or nobody answers any more; its ledger goes on over all rounds."""

    def __init__(self, number: int, dice: random.Random, *, expiring: bool = True) -> None:
        """``expiring``: with items that expire in a moment; not where the server's clock is another than ours."""
        self.owner = f"c{number}"
        self.ledger = Ledger()
        self.acknowledged = 0
        self.problems: list[str] = []
        self.hindered = 0
        """Requests that the server could not store, where faults are ``expected``."""
        self.expected = False
        self._dice = dice
        self._serial = 0
        # Management calls are a hundredth of the load, data the rest.
        self._works = [
            *[self._put] * 30, *[self._update] * 20, *[self._delete] * 10, *[self._count] * 15,
            *[self._transact] * 15, *[self._batch] * 8, *[self._partiql] * 10, *[self._partiql_batch] * 4,
            *[self._partiql_transaction] * 5, *[self._fleeting] * 3, *[self._log] * 5, self._role, self._function, self._table,
        ]  # fmt: skip
        if not expiring:
            self._works = [work for work in self._works if work not in (self._fleeting, self._log)]

    def work(self, port: int, stop: threading.Event) -> None:
        connection = Connection(port)
        failures = 0
        while not stop.is_set() and failures < 3:
            try:
                self._dice.choice(self._works)(connection)
                self.acknowledged += 1
                failures = 0
            except Hindered as error:
                if not self.expected:
                    self.problems.append(f"{self.owner}: the server could not store a change: {error}")
                    break
                self.hindered += 1
                stop.wait(HINDERED_PAUSE_S)
            except Unreachable:
                # With several workers the others go on; the next attempt connects anew.
                failures += 1
            except Refused as error:
                self.problems.append(f"{self.owner}: a lawful request was refused: {error}")
                break
        connection.close()

    def _next(self) -> str:
        self._serial += 1
        return f"{self.owner}-{self._serial}"

    def _item(self) -> Item:
        item: Item = {
            "value": {"S": self._next()},
            "city": {"S": self._dice.choice(("Oslo", "Lima", "Pune"))},
            "rank": {"N": str(self._dice.randint(-5, 5))},
            "text": {"S": "x" * self._dice.choice((1, 100, 3000))},
        }
        for name in ("city", "rank"):
            if self._dice.random() < 0.2:
                del item[name]
        if self._dice.random() < 0.5:
            item["expires"] = {"N": "4000000000"}
        if self._dice.random() < 0.5:
            item["vector"] = {"L": [{"N": str(self._dice.randint(-9, 9))} for _ in range(3)]}
        return item

    def _some(self, table: str) -> tuple[str, Item, Cell]:
        number = str(self._dice.randrange(ITEMS))
        cell = self.ledger.items.setdefault((table, number), Cell())
        return number, KEYS[table](self.owner, number), cell

    def _put(self, connection: Connection) -> None:
        table = self._dice.choice((ORDERS, PEOPLE))
        _, key, cell = self._some(table)
        item = self._item()
        cell.attempt(item)
        connection.dynamodb("PutItem", TableName=table, Item=key | item)
        cell.acknowledge(item)

    def _update(self, connection: Connection) -> None:
        """Sets the same as a put would, by an expression and under a condition that always holds."""
        table = self._dice.choice((ORDERS, PEOPLE))
        _, key, cell = self._some(table)
        item = self._item()
        cell.attempt(item)
        gone = sorted({"city", "rank", "expires", "vector"} - set(item))
        text = "SET " + ", ".join(f"#{name} = :{name}" for name in item)
        text += " REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else ""
        connection.dynamodb(
            "UpdateItem",
            TableName=table,
            Key=key,
            UpdateExpression=text,
            ConditionExpression="attribute_not_exists(nobody)",
            ExpressionAttributeNames={f"#{name}": name for name in (*item, *gone)},
            ExpressionAttributeValues={f":{name}": value for name, value in item.items()},
        )
        cell.acknowledge(item)

    def _delete(self, connection: Connection) -> None:
        table = self._dice.choice((ORDERS, PEOPLE))
        _, key, cell = self._some(table)
        cell.attempt(None)
        connection.dynamodb("DeleteItem", TableName=table, Key=key)
        cell.acknowledge(None)

    def _count(self, connection: Connection) -> None:
        count = self.ledger.counter
        count.open += 1
        connection.dynamodb(
            "UpdateItem",
            TableName=PEOPLE,
            Key={"id": {"S": "counter"}},
            UpdateExpression="ADD everybody :one, #own :one",
            ExpressionAttributeNames={"#own": self.owner},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        count.open -= 1
        count.done += 1

    def _transact(self, connection: Connection) -> None:
        number = str(1000 + self._dice.randrange(ITEMS))
        cell = self.ledger.pairs.setdefault(number, Cell())
        puts = [(ORDERS, orders_key(self.owner, number)), (PEOPLE, people_key(self.owner, number))]
        if self._dice.random() < 0.2:
            value = None
            members = [{"Delete": {"TableName": table, "Key": key}} for table, key in puts]
        else:
            value = self._next()
            extra = {"value": {"S": value}, "city": {"S": value[-1]}}
            members = [{"Put": {"TableName": table, "Item": key | extra}} for table, key in puts]
        cell.attempt(value)
        connection.dynamodb("TransactWriteItems", TransactItems=members, ClientRequestToken=self._next())
        cell.acknowledge(value)

    def _batch(self, connection: Connection) -> None:
        """Not atomic by contract, but acknowledged as a whole."""
        requests: dict[str, list[dict[str, Any]]] = {}
        written: dict[tuple[str, str], tuple[Cell, Item]] = {}
        for _ in range(self._dice.randint(1, 25)):
            table = self._dice.choice((ORDERS, PEOPLE))
            number, key, cell = self._some(table)
            if (table, number) not in written:
                item = self._item()
                written[table, number] = (cell, item)
                requests.setdefault(table, []).append({"PutRequest": {"Item": key | item}})
        for cell, item in written.values():
            cell.attempt(item)
        answer = connection.dynamodb("BatchWriteItem", RequestItems=requests)
        if answer["UnprocessedItems"]:
            return
        for cell, item in written.values():
            cell.acknowledge(item)

    def _partiql(self, connection: Connection) -> None:
        """One statement: an insert where nothing is, else an update or a delete. What cannot be known is put anew."""
        _, key, cell = self._some(PEOPLE)
        value = {"value": {"S": self._next()}, "city": {"S": "Pune"}}
        if len(cell.states) > 1:
            cell.attempt(value)
            connection.dynamodb("PutItem", TableName=PEOPLE, Item=key | value)
            cell.acknowledge(value)
            return
        before = cell.states[0]
        if before is None:
            statement, state = f"INSERT INTO {PEOPLE} VALUE {{'id': ?, 'value': ?, 'city': ?}}", value
            given = [key["id"], value["value"], value["city"]]
        elif self._dice.random() < 0.3:
            statement, state, given = f"DELETE FROM {PEOPLE} WHERE id = ?", None, [key["id"]]
        else:
            statement, state = f'UPDATE {PEOPLE} SET "value" = ? WHERE id = ?', before | {"value": value["value"]}
            given = [value["value"], key["id"]]
        cell.attempt(state)
        connection.dynamodb("ExecuteStatement", Statement=statement, Parameters=given)
        cell.acknowledge(state)

    def _partiql_batch(self, connection: Connection) -> None:
        """Deletes, each for itself."""
        cells = {number: (key, cell) for number, key, cell in (self._some(PEOPLE) for _ in range(5))}
        for _, cell in cells.values():
            cell.attempt(None)
        statements = [
            {"Statement": f"DELETE FROM {PEOPLE} WHERE id = ?", "Parameters": [key["id"]]} for key, _ in cells.values()
        ]
        answer = connection.dynamodb("BatchExecuteStatement", Statements=statements)
        for (_, cell), response in zip(cells.values(), answer["Responses"], strict=True):
            if "Error" in response:
                raise Refused(json.dumps(response))
            cell.acknowledge(None)

    def _partiql_transaction(self, connection: Connection) -> None:
        """Changes both members of a pair that is there."""
        number = str(1000 + self._dice.randrange(ITEMS))
        cell = self.ledger.pairs.setdefault(number, Cell())
        if len(cell.states) > 1 or cell.states[0] is None:
            return
        value = self._next()
        cell.attempt(value)
        order, person = orders_key(self.owner, number), people_key(self.owner, number)
        statements = [
            {
                "Statement": f'UPDATE {ORDERS} SET "value" = ? WHERE "owner" = ? AND "number" = ?',
                "Parameters": [{"S": value}, order["owner"], order["number"]],
            },
            {"Statement": f'UPDATE {PEOPLE} SET "value" = ? WHERE id = ?', "Parameters": [{"S": value}, person["id"]]},
        ]
        connection.dynamodb("ExecuteTransaction", TransactStatements=statements, ClientRequestToken=self._next())
        cell.acknowledge(value)

    def _fleeting(self, connection: Connection) -> None:
        """An item that the server deletes by itself a moment later."""
        key = {"id": {"S": f"{self.owner}/fleeting-{self._next()}"}}
        expires = int(time.time()) + self._dice.randint(*FLEETING_S)
        item = {"value": {"S": self._next()}, "city": {"S": "Oslo"}, "expires": {"N": str(expires)}}
        self.ledger.fleeting[key["id"]["S"]] = (item, expires, False)
        connection.dynamodb("PutItem", TableName=PEOPLE, Item=key | item)
        self.ledger.fleeting[key["id"]["S"]] = (item, expires, True)

    def _log(self, connection: Connection) -> None:
        message = self._next()
        event = {"timestamp": int(time.time() * 1000), "message": message}
        connection.logs("PutLogEvents", logGroupName=GROUP, logStreamName=self.owner, logEvents=[event])
        self.ledger.events.add(message)

    def _role(self, connection: Connection) -> None:
        name = f"torture-{self.owner}-{self._dice.randrange(5)}"
        cell = self.ledger.roles.setdefault(name, Cell())
        if cell.states == [None]:
            cell.attempt("there")
            connection.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
            cell.acknowledge("there")
        elif cell.states == ["there"]:
            cell.attempt(None)
            connection.iam("DeleteRole", RoleName=name)
            cell.acknowledge(None)

    def _function(self, connection: Connection) -> None:
        name = f"torture-{self.owner}-{self._dice.randrange(3)}"
        cell = self.ledger.functions.setdefault(name, Cell())
        marker = self._next()
        if cell.states == [None]:
            cell.attempt(marker)
            connection.functions(
                "POST",
                "",
                {
                    "FunctionName": name,
                    "Runtime": "python3.12",
                    "Role": "arn:aws:iam::000000000000:role/torture",
                    "Handler": "main.handler",
                    "Description": marker,
                    "Code": {"ZipFile": base64.b64encode(package(marker)).decode()},
                },
            )
            cell.acknowledge(marker)
        elif len(cell.states) == 1:
            cell.attempt(None)
            connection.functions("DELETE", f"/{quote(name)}")
            cell.acknowledge(None)

    def _table(self, connection: Connection) -> None:
        """Made, grown by an index that the background fills, and dropped, so that kills meet the background's work."""
        name = f"torture-{self.owner}"
        cell = self.ledger.tables.setdefault(name, Cell())
        if cell.states == [None]:
            cell.attempt("made")
            connection.dynamodb("CreateTable", **definition(name, {"id": "S"}, ["id"]))
            cell.acknowledge("made")
            rows = [{"PutRequest": {"Item": {"id": {"S": f"{n}"}, "city": {"S": f"{n % 3}"}}}} for n in range(25)]
            connection.dynamodb("BatchWriteItem", RequestItems={name: rows})
        elif cell.states == ["made"]:
            index = {"IndexName": "city", "KeySchema": key_schema(["city"]), "Projection": {"ProjectionType": "ALL"}}
            cell.attempt("indexed")
            connection.dynamodb(
                "UpdateTable",
                TableName=name,
                AttributeDefinitions=[{"AttributeName": "city", "AttributeType": "S"}],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )
            cell.acknowledge("indexed")
        elif cell.states != ["indexed"]:
            # What an unanswered request has left is settled after the restart.
            return
        elif connection.dynamodb("DescribeTable", TableName=name)["Table"]["TableStatus"] == "ACTIVE":
            cell.attempt(None)
            connection.dynamodb("DeleteTable", TableName=name)
            cell.acknowledge(None)


def prepare(port: int) -> None:
    """The tables, the role and the log streams that all rounds share."""
    connection = Connection(port)
    everything = {"ProjectionType": "ALL"}
    orders = definition(ORDERS, {"owner": "S", "number": "N", "city": "S", "rank": "N"}, ["owner", "number"])
    orders["LocalSecondaryIndexes"] = [
        {"IndexName": "by_rank", "KeySchema": key_schema(["owner", "rank"]), "Projection": everything}
    ]
    orders["GlobalSecondaryIndexes"] = [
        {"IndexName": "by_city", "KeySchema": key_schema(["city", "rank"]), "Projection": everything},
        {"IndexName": "keys", "KeySchema": key_schema(["rank"]), "Projection": {"ProjectionType": "KEYS_ONLY"}},
    ]
    people = definition(PEOPLE, {"id": "S", "city": "S"}, ["id"])
    people["GlobalSecondaryIndexes"] = [
        {
            "IndexName": "by_city",
            "KeySchema": key_schema(["city"]),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["value"]},
        }
    ]
    people["VectorIndexes"] = [vector_index()]
    for table in (orders, people):
        table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        connection.dynamodb("CreateTable", **table)
        connection.dynamodb(
            "UpdateTimeToLive",
            TableName=table["TableName"],
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
        )
    replica = {"Create": {"RegionName": REPLICA_REGION}}
    connection.dynamodb("UpdateTable", TableName=ORDERS, ReplicaUpdates=[replica])
    connection.iam("CreateRole", RoleName="torture", AssumeRolePolicyDocument=TRUST)
    connection.logs("CreateLogGroup", logGroupName=GROUP)
    for number in range(64):
        connection.logs("CreateLogStream", logGroupName=GROUP, logStreamName=f"c{number}")
    connection.close()


def vector_index() -> dict[str, Any]:
    return {
        "IndexName": "by_vector",
        "VectorAttribute": {"AttributeName": "vector"},
        "Dimensions": 3,
        "DistanceFunction": "EUCLIDEAN",
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def key_schema(names: list[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def definition(name: str, attributes: dict[str, str], keys: list[str]) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": kind} for each, kind in attributes.items()],
        "KeySchema": key_schema(keys),
    }


def package(marker: str) -> bytes:
    """A function's code that answers the marker."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", f"def handler(event, context):\n    return {marker!r}\n")
    return buffer.getvalue()
