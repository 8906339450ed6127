"""DeleteResourcePolicy: detach the policy of a table or stream; no error where there is none, unless a revision is expected."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.resource_policies import check_expected_revision, policy_holder, revision_of
from tabletop.dynamodb.resource_policies import targets as policy_targets
from tabletop.storage.store import Batch, View


def prepare(body: Body, call: Call) -> tuple[Call, str, str | None]:
    return call, body["ResourceArn"], body.get("ExpectedRevisionId")


def plan(view: View, request: tuple[Call, str, str | None], now: float) -> tuple[dict[str, str], Batch | None]:
    call, arn, expected_revision = request
    holder = policy_holder(view, call, arn)
    check_expected_revision(holder.record, expected_revision)
    policy = holder.record.get("policy")
    if policy is None:
        return {}, None
    holder.record["policy"] = None
    batch = Batch()
    holder.store(batch)
    return {"RevisionId": revision_of(policy)}, batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return policy_targets("DeleteResourcePolicy", body)


OPERATION = Operation("DeleteResourcePolicy", prepare=prepare, targets=targets, plan=plan)
