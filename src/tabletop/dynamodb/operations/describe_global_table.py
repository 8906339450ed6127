"""DescribeGlobalTable (version 2017.11.29): there is none."""

from __future__ import annotations

from typing import NoReturn

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.replicas import legacy
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> NoReturn:
    name = body["GlobalTableName"]
    raise ApiError(
        "GlobalTableNotFoundException", f"Global table not found: Global table with name: '{name}' does not exist."
    )


def read(view: View, request: NoReturn, now: float) -> NoReturn:
    raise AssertionError("never prepared")


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return legacy.targets_of("DescribeGlobalTable", body, call)


OPERATION = Operation("DescribeGlobalTable", prepare=prepare, targets=targets, read=read)
