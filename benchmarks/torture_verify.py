"""Compares what the restarted server has with the ledgers of all clients."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from benchmarks.torture_load import (
    GROUP,
    ORDERS,
    PEOPLE,
    REPLICA_REGION,
    Cell,
    Client,
    Connection,
    Item,
    Refused,
)

EXPIRED_WITHIN_S = 60.0
"""From the time that an item bears until it is deleted, kills included. The server's own aim is a second."""


def verify(port: int, crew: list[Client], problems: list[str]) -> int:
    """Add to ``problems`` what contradicts the ledgers, and settle what they left open; the number of comparisons."""
    connection = Connection(port)
    compared = 0
    orders = {(item["owner"]["S"], item["number"]["N"]): item for item in scan(connection, ORDERS)}
    people = {item["id"]["S"]: item for item in scan(connection, PEOPLE)}
    replicated = {(item["owner"]["S"], item["number"]["N"]): item for item in scan(connection, ORDERS, REPLICA_REGION)}
    if replicated != orders:
        problems.append(
            f"the replica differs: {sorted(set(map(str, replicated.items())) ^ set(map(str, orders.items())))[:4]}"
        )
    counter = people.pop("counter", {})
    for client in crew:
        compared += _items(client, orders, people, problems)
        compared += _pairs(client, orders, people, problems)
        compared += _fleeting(client, people, problems)
        compared += _management(connection, client, problems)
        _counter(f"counter of {client.owner}", counter.get(client.owner), [client], problems)
    _counter("shared counter", counter.get("everybody"), crew, problems)
    _invoke_one(connection, crew, problems)
    for client in crew:
        # What was open is settled: what the server has now is what is so.
        client.ledger.counter.done = int(counter.get(client.owner, {"N": "0"})["N"])
        client.ledger.counter.open = 0
    if orders or people:
        problems.append(f"items that nobody wrote: {list(orders)[:5]}, {list(people)[:5]}")
    connection.close()
    return compared + 1


def scan(connection: Connection, table: str, region: str = "us-east-1", **more: str) -> list[Item]:
    items: list[Item] = []
    page: dict[str, Any] = {}
    while True:
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = connection.in_region(region, "Scan", TableName=table, **start, **more)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items


def _settle(name: str, cell: Cell, found: Any, problems: list[str]) -> None:
    if found not in cell.states:
        problems.append(f"{name} is {found!r}; lawful are {cell.states!r}")
    cell.acknowledge(found)


def _items(client: Client, orders: dict[tuple[str, str], Item], people: dict[str, Item], problems: list[str]) -> int:
    for (table, number), cell in client.ledger.items.items():
        item = (
            orders.pop((client.owner, number), None)
            if table == ORDERS
            else people.pop(f"{client.owner}/{number}", None)
        )
        found = None if item is None else {name: item[name] for name in item if name not in ("owner", "number", "id")}
        _settle(f"{table} {client.owner}/{number}", cell, found, problems)
    return len(client.ledger.items)


def _pairs(client: Client, orders: dict[tuple[str, str], Item], people: dict[str, Item], problems: list[str]) -> int:
    for number, cell in client.ledger.pairs.items():
        order, person = orders.pop((client.owner, number), None), people.pop(f"{client.owner}/{number}", None)
        values = [None if item is None else item["value"]["S"] for item in (order, person)]
        if values[0] != values[1]:
            problems.append(f"the transaction on {client.owner}/{number} is half there: {values}")
        _settle(f"pair {client.owner}/{number}", cell, values[0], problems)
    return len(client.ledger.pairs)


def _fleeting(client: Client, people: dict[str, Item], problems: list[str]) -> int:
    """Before its time it is there, long after it is not, and between the two either is so."""
    rows = client.ledger.fleeting
    now = time.time()
    for key, (item, expires, acknowledged) in list(rows.items()):
        stored = people.pop(key, None)
        found = None if stored is None else {name: stored[name] for name in stored if name != "id"}
        if found not in (None, item):
            problems.append(f"fleeting {key} is {found!r} instead of {item!r}")
        if found is None and acknowledged and now < expires - 1:
            problems.append(f"fleeting {key} is gone {expires - now:.1f} s before its time")
        if found is not None and now > expires + EXPIRED_WITHIN_S:
            problems.append(f"fleeting {key} is there {now - expires:.1f} s after its time")
        if found is None and (now > expires or not acknowledged):
            del rows[key]
    return len(rows)


def _counter(name: str, value: dict[str, str] | None, crew: list[Client], problems: list[str]) -> None:
    least = sum(client.ledger.counter.done for client in crew)
    most = least + sum(client.ledger.counter.open for client in crew)
    found = int(value["N"]) if value else 0
    if not least <= found <= most:
        problems.append(f"{name} is {found}; lawful are {least} to {most}")


def _management(connection: Connection, client: Client, problems: list[str]) -> int:
    ledger = client.ledger
    for name, cell in ledger.roles.items():
        _settle(f"role {name}", cell, _role(connection, name), problems)
    for name, cell in ledger.functions.items():
        _settle(f"function {name}", cell, _function(connection, name), problems)
    for name, cell in ledger.tables.items():
        _settle(f"table {name}", cell, _table(connection, name), problems)
    missing = ledger.events - _messages(connection, client.owner)
    if missing:
        problems.append(f"{len(missing)} log events of {client.owner} are gone: {sorted(missing)[:5]}")
    return len(ledger.roles) + len(ledger.functions) + len(ledger.tables) + len(ledger.events)


def _role(connection: Connection, name: str) -> str | None:
    try:
        connection.iam("GetRole", RoleName=name)
    except Refused as error:
        if "NoSuchEntity" not in str(error):
            raise
        return None
    return "there"


def _function(connection: Connection, name: str) -> str | None:
    """Its marker, as its configuration has it."""
    try:
        found = connection.functions("GET", f"/{quote(name)}")
    except Refused as error:
        if "Function not found" not in str(error):
            raise
        return None
    return str(found["Configuration"]["Description"])


def _invoke_one(connection: Connection, crew: list[Client], problems: list[str]) -> None:
    """The code of a function is where its record says, and runs: one of all, since a cold start takes a while."""
    there = [(name, cell.states[0]) for client in crew for name, cell in client.ledger.functions.items()]
    for name, marker in [each for each in there if each[1] is not None][-1:]:
        answer = connection.functions("POST", f"/{quote(name)}/invocations", {})
        if answer != marker:
            problems.append(f"function {name} answers {answer!r} instead of {marker!r}")


def _table(connection: Connection, name: str) -> str | None:
    try:
        table = connection.dynamodb("DescribeTable", TableName=name)["Table"]
    except Refused as error:
        if "ResourceNotFoundException" not in str(error):
            raise
        return None
    return "indexed" if table.get("GlobalSecondaryIndexes") else "made"


def _messages(connection: Connection, stream: str) -> set[str]:
    found: set[str] = set()
    token: dict[str, str] = {}
    while True:
        page = connection.logs(
            "GetLogEvents", logGroupName=GROUP, logStreamName=stream, startFromHead=True, limit=10_000, **token
        )
        found |= {event["message"] for event in page["events"]}
        if not page["events"]:
            return found
        token = {"nextToken": page["nextForwardToken"]}
