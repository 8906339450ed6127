"""CreateGlobalTable (version 2017.11.29): refused, as by AWS; UpdateTable makes global tables."""

from __future__ import annotations

from typing import NoReturn

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.replicas import legacy
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> NoReturn:
    raise legacy.not_supported()


def read(view: View, request: NoReturn, now: float) -> NoReturn:
    raise AssertionError("never prepared")


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return legacy.targets_of("CreateGlobalTable", body, call)


OPERATION = Operation("CreateGlobalTable", prepare=prepare, targets=targets, read=read)
