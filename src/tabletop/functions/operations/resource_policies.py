"""Whole policies of functions, versions and aliases: put, read and deleted by ARN. Single statements: ``permissions``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import limits, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import LATEST, Reference
from tabletop.functions.operations import permissions, statements
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View

_GONE = "The resource you requested does not exist."


@dataclass(frozen=True, slots=True)
class _Change:
    reference: Reference
    policy: list[dict[str, Any]]
    """Empty: it is deleted."""
    expected_revision: str | None
    revision: str


async def put_resource_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    text = params["Policy"]
    if len(text.encode()) > limits.POLICY_BYTES_MAX:
        raise ApiError(
            "PolicyLengthExceededException",
            f"The final policy size ({len(text.encode())}) is bigger than the limit (20480).",
        )
    workings.roles.check_resource_policy(text)
    given = orjson.loads(text)["Statement"]
    policy = [given] if isinstance(given, dict) else given
    change = _Change(_reference(call, params), policy, params.get("RevisionId"), randomness.new_uuid())
    await workings.store.commit(_replace, change)
    return {"Policy": statements.text(statements.document(policy)), "RevisionId": change.revision}


async def delete_resource_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    change = _Change(_reference(call, params), [], params.get("RevisionId"), randomness.new_uuid())
    await workings.store.commit(_replace, change)
    return {}


async def get_resource_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    with workings.store.view() as view:
        reference = _reference(call, params)
        policy = permissions.resource_policy(view, reference)
        if policy is None:
            raise names.gone(_GONE)
        return {"Policy": statements.text(policy), "RevisionId": permissions.revised(view, reference)["revision"]}


def _reference(call: Call, params: dict[str, Any]) -> Reference:
    arn = params["ResourceArn"]
    if not arn.startswith("arn:") or ":function:" not in arn:
        raise invalid(f"Only functions, their versions and aliases have policies, by their whole ARN: {arn}")
    reference = names.parse(call, arn)
    if reference.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    return reference


def _replace(view: View, change: _Change, now: float) -> tuple[None, Batch]:
    reference = change.reference
    registry.version_of(view, reference)
    function = registry.function_of(view, reference)
    before = function["policies"].get(reference.qualifier, [])
    if not before and not change.policy:
        raise names.gone(_GONE)
    revised = permissions.revised(view, reference)
    statements.check_revision(change.expected_revision, revised["revision"], "GetResourcePolicy")
    policies = {**function["policies"], reference.qualifier: change.policy}
    if not change.policy:
        del policies[reference.qualifier]
    batch = Batch()
    permissions.revise(batch, reference, revised, change.revision)
    registry.functions.put(
        batch, {**function, "policies": policies}, reference.account, reference.region, reference.name
    )
    return None, batch
