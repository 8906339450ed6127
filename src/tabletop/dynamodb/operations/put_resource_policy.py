"""PutResourcePolicy: attach a policy document to a table or stream, in place of the one it has."""

from __future__ import annotations

from dataclasses import dataclass

from tabletop.base.call import Call
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.resource_policies import check_expected_revision, check_policy, policy_holder, revision_of
from tabletop.dynamodb.resource_policies import targets as policy_targets
from tabletop.storage.store import Batch, View


@dataclass(slots=True)
class PutResourcePolicy:
    call: Call
    arn: str
    policy: str
    expected_revision: str | None


def prepare(body: Body, call: Call) -> PutResourcePolicy:
    check_policy(body["Policy"])
    return PutResourcePolicy(call, body["ResourceArn"], body["Policy"], body.get("ExpectedRevisionId"))


def plan(view: View, request: PutResourcePolicy, now: float) -> tuple[dict[str, str], Batch]:
    holder = policy_holder(view, request.call, request.arn)
    check_expected_revision(holder.record, request.expected_revision)
    holder.record["policy"] = request.policy
    batch = Batch()
    holder.store(batch)
    return {"RevisionId": revision_of(request.policy)}, batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return policy_targets("PutResourcePolicy", body)


OPERATION = Operation("PutResourcePolicy", prepare=prepare, targets=targets, plan=plan)
