"""ListTagsOfResource: all tags of a table. They are never more than 50, so one page holds them."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb.lifecycle import invalid_parameters
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.tagging import table_arn_of, tagged_table
from tabletop.dynamodb.tagging import targets as tagging_targets
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    arn = table_arn_of(body)
    if body.get("NextToken"):
        raise invalid_parameters("Invalid NextToken")
    return call, arn


def read(view: View, request: tuple[Call, str], now: float) -> dict[str, Any]:
    tags = tagged_table(view, *request).record["tags"]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return tagging_targets("ListTagsOfResource", body)


OPERATION = Operation("ListTagsOfResource", prepare=prepare, targets=targets, read=read)
