"""ListGlobalTables lists tables of version 2017.11.29, of which there are none."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> None:
    return None


def read(view: View, request: None, now: float) -> dict[str, Any]:
    return {"GlobalTables": []}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:ListGlobalTables", "*")]


OPERATION = Operation("ListGlobalTables", prepare=prepare, targets=targets, read=read)
