"""What an IAM or STS call must be allowed to do: its action, and the ARN that it is about.

AssumeRole is not here: ``sts`` decides it, because the role's trust policy may be enough.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.iam.authorization import Target
from tabletop.iam.operation import Params
from tabletop.iam.records import ROLES, USERS, arn
from tabletop.storage.store import View

_FREE = frozenset({"GetCallerIdentity", "AssumeRole", "GetSessionToken"})
_ON_EVERYTHING = frozenset({"ListRoles", "ListUsers", "ListPolicies", "GetAccessKeyInfo"})


def targets(view: View, service: str, action: str, call: Call, params: Params) -> list[Target]:
    if action in _FREE:
        return []
    return [(f"{service}:{action}", "*" if action in _ON_EVERYTHING else _resource(view, action, call, params))]


def _resource(view: View, action: str, call: Call, params: Params) -> str:
    account = call.principal.account
    if "RoleName" in params:
        record = ROLES.get(view, account, params["RoleName"].lower())
        return record["arn"] if record else arn(account, "role", params.get("Path", "/"), params["RoleName"])
    if "UserName" in params:
        record = USERS.get(view, account, params["UserName"].lower())
        return record["arn"] if record else arn(account, "user", params.get("Path", "/"), params["UserName"])
    if "PolicyArn" in params:
        return str(params["PolicyArn"])
    if "PolicyName" in params:
        return arn(account, "policy", params.get("Path", "/"), params["PolicyName"])
    return call.principal.arn if call.principal.kind == "user" else "*"
