"""Moments that a kill is aimed at: background work on a table of its own, struck as soon as it has begun.

Each aim makes a table with rows, asks for the work, and after the restart holds the server to it: what was acknowledged
comes to its end, and every row is where it belongs; what was not acknowledged was begun or was not, and is whole either way.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from benchmarks.torture_load import (
    REPLICA_REGION,
    Connection,
    Refused,
    Unreachable,
    definition,
    key_schema,
    vector_index,
)
from benchmarks.torture_verify import scan

ROWS = 1500
SETTLED_WITHIN_S = 60.0

AIMS = ("index backfill", "vector backfill", "replica filling", "table deletion")


@dataclass(slots=True)
class Aim:
    kind: str
    table: str
    acknowledged: bool = False

    def prepare(self, connection: Connection) -> None:
        table = definition(self.table, {"id": "S"}, ["id"])
        connection.dynamodb("CreateTable", **table)
        for first in range(0, ROWS, 25):
            rows = [{"PutRequest": {"Item": self._row(first + at)}} for at in range(25)]
            connection.dynamodb("BatchWriteItem", RequestItems={self.table: rows})

    def strike(self, connection: Connection) -> None:
        """Ask for the work. No answer: it may have been begun."""
        request: dict[str, Any] = {"TableName": self.table}
        action = "UpdateTable"
        if self.kind == "index backfill":
            index = {"IndexName": "city", "KeySchema": key_schema(["city"]), "Projection": {"ProjectionType": "ALL"}}
            request["AttributeDefinitions"] = [{"AttributeName": "city", "AttributeType": "S"}]
            request["GlobalSecondaryIndexUpdates"] = [{"Create": index}]
        elif self.kind == "vector backfill":
            request["VectorIndexUpdates"] = [{"Create": vector_index()}]
        elif self.kind == "replica filling":
            request["ReplicaUpdates"] = [{"Create": {"RegionName": REPLICA_REGION}}]
        else:
            action = "DeleteTable"
        try:
            connection.dynamodb(action, **request)
            self.acknowledged = True
        except Unreachable:
            self.acknowledged = False

    def verify(self, connection: Connection, problems: list[str]) -> int:
        """Wait until what was begun has ended, and count the rows; the number of comparisons. Drops the table."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (found := self._rows(connection)) is None:
            if time.monotonic() > deadline:
                problems.append(f"{self.kind} of {self.table} does not come to its end")
                return 1
            time.sleep(0.05)
        begun, rows = found
        if self.acknowledged and not begun:
            problems.append(f"{self.kind} of {self.table} was acknowledged and is not there")
        wanted = 0 if self.kind == "table deletion" and begun else ROWS
        if rows != wanted:
            problems.append(f"{self.kind} of {self.table}: {rows} rows instead of {wanted}")
        for region in (REPLICA_REGION, "us-east-1"):
            try:
                connection.in_region(region, "DeleteTable", TableName=self.table)
            except Refused:
                continue
        return 1

    def _rows(self, connection: Connection) -> tuple[bool, int] | None:
        """(was the work begun, rows where it put them); None while it goes on."""
        description = self._described(connection, "us-east-1")
        if self.kind == "table deletion":
            if description is None:
                return True, 0
            return None if description["TableStatus"] == "DELETING" else (False, len(scan(connection, self.table)))
        assert description is not None, "only the aim drops its table"
        if self.kind == "replica filling":
            there = self._described(connection, REPLICA_REGION)
            if there is None:
                return False, len(scan(connection, self.table))
            done = there["TableStatus"] == "ACTIVE" == description["TableStatus"]
            return (True, len(scan(connection, self.table, REPLICA_REGION))) if done else None
        indexes = description.get("GlobalSecondaryIndexes", []) + description.get("VectorIndexes", [])
        if not indexes:
            return False, len(scan(connection, self.table))
        if indexes[0]["IndexStatus"] != "ACTIVE":
            return None
        if self.kind == "vector backfill":
            return True, int(indexes[0]["ItemCount"])
        return True, len(scan(connection, self.table, IndexName="city"))

    def _described(self, connection: Connection, region: str) -> dict[str, Any] | None:
        try:
            table = connection.in_region(region, "DescribeTable", TableName=self.table)["Table"]
        except Refused as error:
            if "ResourceNotFoundException" not in str(error):
                raise
            return None
        assert isinstance(table, dict)
        return table

    def _row(self, number: int) -> dict[str, Any]:
        vector = {"L": [{"N": str(number)}, {"N": "1"}, {"N": "0"}]}
        return {"id": {"S": f"{number}"}, "city": {"S": f"{number % 5}"}, "vector": vector}
