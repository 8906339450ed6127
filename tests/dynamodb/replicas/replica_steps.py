"""What tests of global tables do: the table ``users`` in several regions of one account."""

from __future__ import annotations

from typing import Any

from dynamo import Dynamo

HERE, THERE, FAR = "us-east-1", "eu-west-1", "ap-northeast-1"


def add(dynamo: Dynamo, region: str = THERE, **action: Any) -> Any:
    return dynamo("UpdateTable", TableName="users", ReplicaUpdates=[{"Create": {"RegionName": region} | action}])


def remove(dynamo: Dynamo, region: str = THERE) -> Any:
    return dynamo("UpdateTable", TableName="users", ReplicaUpdates=[{"Delete": {"RegionName": region}}])


def put(dynamo: Dynamo, key: str, **rest: Any) -> None:
    dynamo("PutItem", TableName="users", Item={"p": {"S": key}} | rest)


def items(dynamo: Dynamo) -> dict[str, Any]:
    return {item["p"]["S"]: item for item in dynamo("Scan", TableName="users")["Items"]}


def table(dynamo: Dynamo) -> Any:
    return dynamo("DescribeTable", TableName="users")["Table"]


def change(dynamo: Dynamo, region: str = THERE, **action: Any) -> Any:
    return dynamo("UpdateTable", TableName="users", ReplicaUpdates=[{"Update": {"RegionName": region} | action}])


def update(dynamo: Dynamo, **body: Any) -> Any:
    return dynamo("UpdateTable", TableName="users", **body)["TableDescription"]
