"""DescribeLimits: the quotas of a new account in this region."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.storage.store import View

ACCOUNT_UNITS_MAX = 80_000
TABLE_UNITS_MAX = 40_000


def prepare(body: Body, call: Call) -> None:
    return None


def read(view: View, request: None, now: float) -> dict[str, Any]:
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS_MAX,
        "TableMaxReadCapacityUnits": TABLE_UNITS_MAX,
        "TableMaxWriteCapacityUnits": TABLE_UNITS_MAX,
    }


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:DescribeLimits", "*")]


OPERATION = Operation("DescribeLimits", prepare=prepare, targets=targets, read=read)
