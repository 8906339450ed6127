"""What an IAM or STS call must be allowed to do: its action, and the ARN that it is about.

AssumeRole is not here: ``sts`` decides it, because the role's trust policy may be enough.
"""

from __future__ import annotations

from tabletop.base.access import ConditionValue, KeyFacts, Target
from tabletop.base.call import Call
from tabletop.iam.operation import Params
from tabletop.iam.records import GROUPS, INSTANCE_PROFILES, ROLES, USERS, arn
from tabletop.storage.store import View

_FREE = frozenset({"GetCallerIdentity", "AssumeRole", "GetSessionToken"})
_LISTED_KINDS = {
    "ListRoles": "role",
    "ListUsers": "user",
    "ListGroups": "group",
    "ListPolicies": "policy",
    "ListInstanceProfiles": "instance-profile",
}
"""What these list is named in refusals by the ARN of all of its kind."""
_ON_NOTHING = frozenset({"SimulateCustomPolicy", "GetContextKeysForCustomPolicy"})


def targets(view: View, service: str, action: str, call: Call, params: Params) -> list[Target]:
    if action in _FREE:
        return []
    return [(f"{service}:{action}", _resource(view, action, call, params))]


def _resource(view: View, action: str, call: Call, params: Params) -> str:
    account = call.principal.account
    if action in _LISTED_KINDS:
        return f"arn:aws:iam::{account}:{_LISTED_KINDS[action]}/"
    if "PolicySourceArn" in params:
        return str(params["PolicySourceArn"])
    if action in _ON_NOTHING:
        return "*"
    if "InstanceProfileName" in params:
        name = params["InstanceProfileName"]
        record = INSTANCE_PROFILES.get(view, account, name.lower())
        return record["arn"] if record else arn(account, "instance-profile", params.get("Path", "/"), name)
    if "GroupName" in params:
        record = GROUPS.get(view, account, params["GroupName"].lower())
        return record["arn"] if record else arn(account, "group", params.get("Path", "/"), params["GroupName"])
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


def request_facts(view: View, call: Call, params: Params) -> KeyFacts:
    """The keys of IAM's own that a request has, and its tags and those of the role or user that it is about."""
    keys: dict[str, ConditionValue] = {
        key: str(params[member])
        for member, key in (("PolicyArn", "iam:policyarn"), ("PermissionsBoundary", "iam:permissionsboundary"))
        if params.get(member)
    }
    added = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    tag_keys = [*added, *(params.get("TagKeys") or ())]
    if tag_keys:
        keys["aws:tagkeys"] = tag_keys
    keys |= {f"aws:requesttag/{name.lower()}": value for name, value in added.items()}
    for member, documents in (("RoleName", ROLES), ("UserName", USERS)):
        record = documents.get(view, call.account, params[member].lower()) if params.get(member) else None
        for name, value in (record or {}).get("tags", {}).items():
            keys[f"aws:resourcetag/{name.lower()}"] = keys[f"iam:resourcetag/{name.lower()}"] = value
    return KeyFacts(keys)
