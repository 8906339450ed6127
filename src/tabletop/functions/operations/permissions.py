"""The resource policy of a function (one for each qualifier): who else may invoke it.

Kept and given back here; to be evaluated by whoever authorises (``resource_policy`` gives the document).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import limits, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import LATEST, Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View

_NO_POLICY = "The resource you requested does not exist."


@dataclass(frozen=True, slots=True)
class _Edit:
    reference: Reference
    statement_id: str
    statement: dict[str, Any] | None
    """None removes the statement."""
    expected_revision: str | None


async def add_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if reference.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    statement = _statement(reference, params)
    await workings.store.commit(_edit, _Edit(reference, params["StatementId"], statement, params.get("RevisionId")))
    return {"Statement": orjson.dumps(statement).decode()}


async def remove_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    await workings.store.commit(_edit, _Edit(reference, params["StatementId"], None, params.get("RevisionId")))
    return {}


async def get_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        policy = resource_policy(view, reference)
    if policy is None:
        raise ApiError("ResourceNotFoundException", _NO_POLICY, status=404)
    return {"Policy": orjson.dumps(policy).decode(), "RevisionId": _revision(policy["Statement"])}


def resource_policy(view: View, reference: Reference) -> dict[str, Any] | None:
    """The policy document of what the reference names, or None where it has none. Raises ResourceNotFoundException."""
    registry.version_of(view, reference)
    statements = registry.function_of(view, reference)["policies"].get(reference.qualifier)
    if not statements:
        return None
    return {"Version": "2012-10-17", "Id": "default", "Statement": statements}


def _edit(view: View, edit: _Edit, now: float) -> tuple[None, Batch]:
    reference = edit.reference
    registry.version_of(view, reference)
    function = registry.function_of(view, reference)
    statements = list(function["policies"].get(reference.qualifier, ()))
    if edit.expected_revision is not None and edit.expected_revision != _revision(statements):
        raise ApiError(
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the "
            "latest Revision Id",
            status=412,
        )
    others = [statement for statement in statements if statement["Sid"] != edit.statement_id]
    if edit.statement is None and len(others) == len(statements):
        message = f"Statement {edit.statement_id} is not found in resource policy." if statements else _NO_POLICY
        raise ApiError("ResourceNotFoundException", message, status=404)
    if edit.statement is not None:
        if len(others) != len(statements):
            raise ApiError(
                "ResourceConflictException",
                f"The statement id ({edit.statement_id}) provided already exists. Please provide a new statement id, "
                "or remove the existing statement.",
                status=409,
            )
        others.append(edit.statement)
        size = len(orjson.dumps(others))
        if size > limits.POLICY_BYTES_MAX:
            raise ApiError(
                "PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit (20480)."
            )
    policies = {**function["policies"], reference.qualifier: others}
    if not others:
        del policies[reference.qualifier]
    batch = Batch()
    registry.functions.put(
        batch, {**function, "policies": policies}, reference.account, reference.region, reference.name
    )
    return None, batch


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


def _revision(statements: list[dict[str, Any]]) -> str:
    """In the form of a UUID, from the content: it changes exactly when the policy does."""
    digest = hashlib.sha256(orjson.dumps(statements)).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
