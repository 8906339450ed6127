"""DescribeTable: the table as it is now."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.description import describe
from tabletop.dynamodb.lifecycle import existing_table
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    return call, body["TableName"]


def read(view: View, request: tuple[Call, str], now: float) -> dict[str, Any]:
    return {"Table": describe(view, existing_table(view, *request, unfinished=True).record, now)}


OPERATION = Operation("DescribeTable", prepare=prepare, targets=table_targets("DescribeTable"), read=read)
