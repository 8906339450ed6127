"""The resource policy of a function (one for each qualifier): who else may invoke it.

Kept here, and evaluated by whoever authorises (``resource_policy`` gives the document).
"""

from __future__ import annotations

from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.functions import names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import LATEST, Reference
from tabletop.functions.operations import statements
from tabletop.functions.operations.statements import Edit
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View

_GONE = "The resource you requested does not exist."
_NO_POLICY = "No policy is associated with the given resource."


async def add_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if reference.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    if params.get("FunctionUrlAuthType") and params["Action"] != "lambda:InvokeFunctionUrl":
        # Recalled.
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement = _statement(reference, params)
    edit = Edit(params["StatementId"], statement, params.get("RevisionId"))
    await workings.store.commit(_edit, (reference, edit, randomness.new_uuid()))
    return {"Statement": statements.text(statement)}


async def remove_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        unqualified = reference.with_qualifier("")
        if registry.functions.get(view, unqualified.account, unqualified.region, unqualified.name) is None:
            raise names.gone(f"No policy found for: {unqualified.arn}")
    edit = Edit(params["StatementId"], None, params.get("RevisionId"))
    await workings.store.commit(_edit, (reference, edit, randomness.new_uuid()))
    return {}


async def get_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        policy = resource_policy(view, reference)
        if policy is None:
            raise names.gone(_GONE)
        return {"Policy": statements.text(policy), "RevisionId": revised(view, reference)["revision"]}


def resource_policy(view: View, reference: Reference) -> dict[str, Any] | None:
    """The policy document of what the reference names, or None where it has none. Raises ResourceNotFoundException."""
    registry.version_of(view, reference)
    policy = registry.function_of(view, reference)["policies"].get(reference.qualifier)
    return statements.document(policy) if policy else None


def _edit(view: View, request: tuple[Reference, Edit, str], now: float) -> tuple[None, Batch]:
    reference, edit, revision = request
    registry.version_of(view, reference)
    function = registry.function_of(view, reference)
    record = revised(view, reference)
    if edit.statement is not None:
        statements.check_revision(edit.expected_revision, record["revision"], "GetPolicy")
    policy = statements.edited(function["policies"].get(reference.qualifier, []), edit, _NO_POLICY)
    if edit.statement is None:
        statements.check_revision(edit.expected_revision, record["revision"], "GetFunction/GetAlias")
    policies = {**function["policies"], reference.qualifier: policy}
    if not policy:
        del policies[reference.qualifier]
    batch = Batch()
    revise(batch, reference, record, revision)
    registry.functions.put(
        batch, {**function, "policies": policies}, reference.account, reference.region, reference.name
    )
    return None, batch


def revised(view: View, reference: Reference) -> dict[str, Any]:
    """The record whose revision a policy's is, and changes with it: the alias's, or the version's (observed)."""
    if names.is_version(reference.version):
        return registry.version_of(view, reference)
    return registry.alias_of(view, reference)


def revise(batch: Batch, reference: Reference, record: dict[str, Any], revision: str) -> None:
    """Give what ``revised`` found another revision."""
    if names.is_version(reference.version):
        registry.revise(batch, record, revision)
    else:
        path = (reference.account, reference.region, reference.name, reference.qualifier)
        registry.aliases.put(batch, {**record, "revision": revision}, *path)


def _statement(reference: Reference, params: dict[str, Any]) -> dict[str, Any]:
    conditions: dict[str, dict[str, str]] = {}
    given = (
        ("ArnLike", "AWS:SourceArn", "SourceArn"),
        ("StringEquals", "AWS:SourceAccount", "SourceAccount"),
        ("StringEquals", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
        ("StringEquals", "lambda:EventSourceToken", "EventSourceToken"),
        ("StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"),
    )
    for operator, key, parameter in given:
        if params.get(parameter):
            conditions.setdefault(operator, {})[key] = params[parameter]
    if params.get("InvokedViaFunctionUrl") is not None:
        conditions.setdefault("Bool", {})["lambda:InvokedViaFunctionUrl"] = str(params["InvokedViaFunctionUrl"]).lower()
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": reference.arn,
    }
    if conditions:
        statement["Condition"] = conditions
    return statement


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if text.isascii() and text.isdigit() and len(text) == 12:
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    if "." in text:
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")
