"""DeleteResourcePolicy: detach a table's policy; no error where there is none, unless a revision is expected."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.lifecycle import editable_record
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.resource_policies import check_expected_revision, revision_of, table_with_policy
from tabletop.dynamodb.resource_policies import targets as policy_targets
from tabletop.storage.store import Batch, View


def prepare(body: Body, call: Call) -> tuple[Call, str, str | None]:
    return call, body["ResourceArn"], body.get("ExpectedRevisionId")


def plan(view: View, request: tuple[Call, str, str | None], now: float) -> tuple[dict[str, str], Batch | None]:
    call, arn, expected_revision = request
    record = editable_record(table_with_policy(view, call, arn))
    check_expected_revision(record, expected_revision)
    policy = record.get("policy")
    if policy is None:
        return {}, None
    record["policy"] = None
    batch = Batch()
    catalog.store_record(batch, record)
    return {"RevisionId": revision_of(policy)}, batch


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return policy_targets("DeleteResourcePolicy", body)


OPERATION = Operation("DeleteResourcePolicy", prepare=prepare, targets=targets, plan=plan)
