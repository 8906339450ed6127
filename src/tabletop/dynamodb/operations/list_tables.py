"""ListTables: names in order, of the caller's account and region."""

from __future__ import annotations

from itertools import islice
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import keys
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn
from tabletop.storage.store import View, after_prefix

NAMES_MAX = 100


def prepare(body: Body, call: Call) -> tuple[Call, int, str | None]:
    return call, body.get("Limit", NAMES_MAX), body.get("ExclusiveStartTableName")


def read(view: View, request: tuple[Call, int, str | None], now: float) -> dict[str, Any]:
    call, limit, after = request
    prefix = keys.catalog_key(call.account, call.region)
    start = prefix if after is None else keys.catalog_key(call.account, call.region, after) + b"\0"
    found = islice(view.range(start, after_prefix(prefix)), limit + 1)
    names = [keys.catalog_parts(key)[2] for key, _ in found]
    if len(names) > limit:
        return {"TableNames": names[:limit], "LastEvaluatedTableName": names[limit - 1]}
    return {"TableNames": names}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:ListTables", table_arn(call, "*"))]


OPERATION = Operation("ListTables", prepare=prepare, targets=targets, read=read)
