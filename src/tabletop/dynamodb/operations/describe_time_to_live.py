"""DescribeTimeToLive: whether and by which attribute items of the table expire."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.lifecycle import existing_table, is_to_come
from tabletop.dynamodb.operations.operation import Body, Operation, table_targets
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    return call, body["TableName"]


def read(view: View, request: tuple[Call, str], now: float) -> dict[str, Any]:
    ttl = existing_table(view, *request).record.get("ttl") or {"status": "DISABLED"}
    status, changing = ttl["status"], is_to_come(ttl.get("until") or 0.0, now)
    shown = {"TimeToLiveStatus": status.removesuffix("ED") + "ING" if changing else status}
    if changing or status == "ENABLED":
        shown["AttributeName"] = ttl["attribute"]
    return {"TimeToLiveDescription": shown}


OPERATION = Operation("DescribeTimeToLive", prepare=prepare, targets=table_targets("DescribeTimeToLive"), read=read)
