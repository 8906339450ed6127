"""DescribeTableReplicaAutoScaling: the auto scaling settings of all replicas of a global table (``replicas.scaling``)."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.lifecycle import find_table
from tabletop.dynamodb.operations.operation import Body, Operation, table_name, table_targets
from tabletop.dynamodb.replicas import groups, scaling
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    return call, body["TableName"]


def read(view: View, request: tuple[Call, str], now: float) -> dict[str, Any]:
    table = find_table(view, *request)
    if table is None or not groups.members(table.record):
        raise scaling.no_global_table(table_name(request[1]))
    records = [table.record, *groups.other_records(view, table.record)]
    return {"TableAutoScalingDescription": scaling.describe(table.record, records, now)}


OPERATION = Operation(
    "DescribeTableReplicaAutoScaling",
    prepare=prepare,
    targets=table_targets("DescribeTableReplicaAutoScaling"),
    read=read,
)
