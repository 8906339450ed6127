"""UpdateGlobalTable (version 2017.11.29): there is none to be updated."""

from __future__ import annotations

from typing import NoReturn

from tabletop.base.call import Call
from tabletop.dynamodb.lifecycle import invalid
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.replicas import legacy
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> NoReturn:
    updates = body["ReplicaUpdates"]
    if not updates:
        raise invalid("One or more parameter values were invalid")
    if any("Create" in update for update in updates):
        raise legacy.not_supported()
    raise legacy.no_global_table(body["GlobalTableName"])


def read(view: View, request: NoReturn, now: float) -> NoReturn:
    raise AssertionError("never prepared")


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return legacy.targets_of("UpdateGlobalTable", body, call)


OPERATION = Operation("UpdateGlobalTable", prepare=prepare, targets=targets, read=read)
