"""UpdateGlobalTableSettings (version 2017.11.29): there is none."""

from __future__ import annotations

from typing import NoReturn

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.replicas import legacy
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> NoReturn:
    raise legacy.no_global_table(body["GlobalTableName"])


def read(view: View, request: NoReturn, now: float) -> NoReturn:
    raise AssertionError("never prepared")


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return legacy.targets_of("UpdateGlobalTableSettings", body, call)


OPERATION = Operation("UpdateGlobalTableSettings", prepare=prepare, targets=targets, read=read)
