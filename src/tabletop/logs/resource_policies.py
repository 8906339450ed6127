"""Resource policies of CloudWatch Logs: kept and described.

They let other AWS services write to log groups; none of those services is here, so nothing asks a policy of the account.
"""

from __future__ import annotations

from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.records import invalid, page_token, token_parts
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

POLICIES = Documents(prefixes.LOGS, "resource_policy")

POLICIES_MAX = 10
POLICY_BYTES_MAX = 5120
POLICIES_PER_PAGE = 50
_BY_RESOURCE = ("resourceArn", "expectedRevisionId")


def put_policy(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    name, document = _name(params), params.get("policyDocument")
    if document is None:
        raise invalid("policyDocument must be specified.")  # inferred words
    if len(document.encode()) > POLICY_BYTES_MAX:
        raise invalid(f"Resource policy document must be at most {POLICY_BYTES_MAX} bytes.")  # inferred words
    _check_document(document)
    present = POLICIES.get(view, call.account, call.region, name)
    if present is None and POLICIES.count(view, call.account, call.region) >= POLICIES_MAX:
        raise ApiError("LimitExceededException", "Resource limit exceeded.")
    policy = {"policyName": name, "policyDocument": document, "lastUpdatedTime": int(now * 1000)}
    batch = Batch()
    POLICIES.put(batch, policy, call.account, call.region, name)
    return {"resourcePolicy": policy | {"policyScope": "ACCOUNT"}}, batch


def delete_policy(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    name = _name(params)
    if POLICIES.get(view, call.account, call.region, name) is None:
        # Recalled words.
        raise ApiError("ResourceNotFoundException", f"Policy with name [{name}] does not exist")
    batch = Batch()
    POLICIES.delete(batch, call.account, call.region, name)
    return {}, batch


def describe_policies(view: View, call: Call, params: dict[str, Any]) -> Answer:
    if params.get("resourceArn") or params.get("policyScope") == "RESOURCE":
        # Policies of single log groups cannot be put here, so there is none.
        return {"resourcePolicies": []}
    after = token_parts(params["nextToken"], str)[0] if params.get("nextToken") else None
    limit = params.get("limit") or POLICIES_PER_PAGE
    page: list[Answer] = []
    for _, policy in POLICIES.below(view, call.account, call.region, after=after):
        if len(page) == limit:
            return {"resourcePolicies": page, "nextToken": page_token(page[-1]["policyName"])}
        page.append(policy | {"policyScope": "ACCOUNT"})
    return {"resourcePolicies": page}


def _name(params: dict[str, Any]) -> str:
    for member in _BY_RESOURCE:
        if params.get(member):
            raise invalid(f"Policies of single log groups are not available here: {member} must not be given.")
    name = params.get("policyName")
    if not name or "\0" in name or len(name.encode()) > 512:
        raise invalid("policyName must be specified.")  # inferred words
    return str(name)


def _check_document(document: str) -> None:
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list | dict):
        # Recalled words.
        raise invalid("The resource policy document is not valid JSON or does not follow the policy grammar.")
