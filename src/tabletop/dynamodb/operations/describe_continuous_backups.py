"""DescribeContinuousBackups: says, truly, that point-in-time recovery is off: it cannot be switched on yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog
from tabletop.dynamodb.operations.operation import Body, Operation, table_name, table_targets
from tabletop.storage.store import View


@dataclass(slots=True)
class DescribeContinuousBackups:
    call: Call
    table: str


def prepare(body: Body, call: Call) -> DescribeContinuousBackups:
    return DescribeContinuousBackups(call, table_name(body["TableName"]))


def read(view: View, request: DescribeContinuousBackups, now: float) -> dict[str, Any]:
    call = request.call
    if catalog.find(view, call.account, call.region, request.table) is None:
        raise ApiError("TableNotFoundException", f"Table not found: {request.table}")
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "DISABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }


OPERATION = Operation(
    "DescribeContinuousBackups", prepare=prepare, targets=table_targets("DescribeContinuousBackups"), read=read
)
