"""GetResourcePolicy: the policy document of a table or stream, as it was put."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.resource_policies import policy_holder, policy_of, revision_of
from tabletop.dynamodb.resource_policies import targets as policy_targets
from tabletop.storage.store import View


def prepare(body: Body, call: Call) -> tuple[Call, str]:
    return call, body["ResourceArn"]


def read(view: View, request: tuple[Call, str], now: float) -> dict[str, str]:
    policy = policy_of(policy_holder(view, *request).record)
    return {"Policy": policy, "RevisionId": revision_of(policy)}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return policy_targets("GetResourcePolicy", body)


OPERATION = Operation("GetResourcePolicy", prepare=prepare, targets=targets, read=read)
