"""DescribeEndpoints: the address that the client used, to be used on."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.storage.store import View

CACHE_MINUTES = 1440


def prepare(body: Body, call: Call) -> str:
    return call.host


def read(view: View, request: str, now: float) -> dict[str, Any]:
    return {"Endpoints": [{"Address": request, "CachePeriodInMinutes": CACHE_MINUTES}]}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:DescribeEndpoints", "*")]


OPERATION = Operation("DescribeEndpoints", prepare=prepare, targets=targets, read=read)
