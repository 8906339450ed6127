"""What an IAM or STS call must be allowed to do: its action, and the ARN that it is about.

AssumeRole is not here: ``sts`` decides it, because the role's trust policy may be enough.
"""

from __future__ import annotations

from tabletop.base.access import ConditionValue, KeyFacts, Target
from tabletop.base.call import Call
from tabletop.iam.operation import Params
from tabletop.iam.records import (
    ACCESS_KEYS,
    GROUPS,
    INSTANCE_PROFILES,
    MFA_DEVICES,
    POLICIES,
    ROLES,
    SERVER_CERTIFICATES,
    USERS,
    Document,
    arn,
    mfa_tail,
    split_arn,
)
from tabletop.iam.resource_tags import resource_tags
from tabletop.iam.service_linked_roles import role_name, role_path
from tabletop.storage.store import View

_FREE = frozenset({"GetCallerIdentity", "AssumeRole", "GetSessionToken"})
_LISTED_KINDS = {
    "ListRoles": "role",
    "ListUsers": "user",
    "ListGroups": "group",
    "ListPolicies": "policy",
    "ListInstanceProfiles": "instance-profile",
    "ListVirtualMFADevices": "mfa",
    "ListServerCertificates": "server-certificate",
}
"""What these list is named in refusals by the ARN of all of its kind."""
_OF_ONESELF = frozenset(
    {
        "ChangePassword", "CreateAccessKey", "CreateLoginProfile", "DeactivateMFADevice", "DeleteAccessKey",
        "DeleteLoginProfile", "GetLoginProfile", "GetUser", "ListAccessKeys",
        "ListMFADevices", "ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates",
        "UpdateAccessKey", "UploadSigningCertificate", "UpdateSigningCertificate", "DeleteSigningCertificate",
        "ResetServiceSpecificCredential", "UpdateServiceSpecificCredential", "DeleteServiceSpecificCredential",
    }
)  # fmt: skip
"""Where they name no user they are about the one who asks. Everything else that names nothing is about ``*``."""
_RENAMES = {"UpdateUser": ("user", "UserName", "NewUserName"), "UpdateGroup": ("group", "GroupName", "NewGroupName")}
"""AWS's reference of these: permission is needed on both the source and the target."""
_PASSES_ROLE = "AddRoleToInstanceProfile"
_BOUNDARY_OF_ENTITY = frozenset(
    f"{verb}{kind}{what}"
    for kind in ("Role", "User")
    for verb, what in (
        ("Attach", "Policy"), ("Detach", "Policy"), ("Put", "Policy"), ("Delete", "Policy"),
        ("Delete", "PermissionsBoundary"),
    )
)  # fmt: skip
"""Where iam:PermissionsBoundary is the boundary that the user or role has, since the request gives none."""


def targets(view: View, service: str, action: str, call: Call, params: Params) -> list[Target]:
    if action in _FREE:
        return []
    found = [(f"{service}:{action}", _resource(view, action, call, params))]
    if action in _RENAMES:
        after = _renamed(view, action, call, params)
        if after != found[0][1]:
            found.append((found[0][0], after))
    if action == _PASSES_ROLE:
        role = ROLES.get(view, call.principal.account, params["RoleName"].lower())
        found.append(
            ("iam:PassRole", role["arn"] if role else arn(call.principal.account, "role", "/", params["RoleName"]))
        )
    return found


def _renamed(view: View, action: str, call: Call, params: Params) -> str:
    kind, name, new_name = _RENAMES[action]
    record = _record(view, call, params) or {}
    path = params.get("NewPath", record.get("path", "/"))
    return arn(call.principal.account, kind, path, params.get(new_name, record.get("name", params[name])))


def _resource(view: View, action: str, call: Call, params: Params) -> str:
    account = call.principal.account
    if action in _LISTED_KINDS:
        return f"arn:aws:iam::{account}:{_LISTED_KINDS[action]}/"
    if action == "CreateServiceLinkedRole":
        service = params["AWSServiceName"]
        return arn(account, "role", role_path(service), role_name(service, params.get("CustomSuffix")))
    if action == "CreateSAMLProvider":
        return f"arn:aws:iam::{account}:saml-provider/{params['Name']}"
    if action == "CreateOpenIDConnectProvider":
        return f"arn:aws:iam::{account}:oidc-provider/{params['Url'].partition('://')[2]}"
    if "PolicySourceArn" in params:
        return str(params["PolicySourceArn"])
    for member, kind, _ in _NAMED:
        if member in params:
            record = _record(view, call, params)
            return str(record["arn"]) if record else arn(account, kind, params.get("Path", "/"), params[member])
    for member in _ARNS:
        if member in params:
            return str(params[member])
    if "PolicyName" in params:
        return arn(account, "policy", params.get("Path", "/"), params["PolicyName"])
    if action == "GetAccessKeyLastUsed":
        key = ACCESS_KEYS.get(view, params["AccessKeyId"])
        return str(key["owner_arn"]) if key else "*"
    return call.principal.arn if action in _OF_ONESELF and call.principal.kind == "user" else "*"


_ARNS = ("PolicyArn", "SerialNumber", "OpenIDConnectProviderArn", "SAMLProviderArn")
_NAMED = (
    ("InstanceProfileName", "instance-profile", INSTANCE_PROFILES),
    ("GroupName", "group", GROUPS),
    ("RoleName", "role", ROLES),
    ("UserName", "user", USERS),
    ("ServerCertificateName", "server-certificate", SERVER_CERTIFICATES),
    ("VirtualMFADeviceName", "mfa", MFA_DEVICES),
)
"""The first that a request names is what it is about: a group, when a user is added to it."""


def _record(view: View, call: Call, params: Params) -> Document | None:
    """What the request is about, if it is there."""
    account = call.principal.account
    for member, _, documents in _NAMED:
        if member in params:
            return documents.get(view, account, params[member].lower())
    if "SerialNumber" in params:
        tail = mfa_tail(account, params["SerialNumber"])
        return None if tail is None else MFA_DEVICES.get(view, account, tail)
    if "PolicyArn" in params:
        parts = split_arn(params["PolicyArn"])
        return POLICIES.get(view, parts[0], parts[2].lower()) if parts is not None else None
    return None


_KEYS = (
    ("PolicyArn", "iam:policyarn"),
    ("PermissionsBoundary", "iam:permissionsboundary"),
    ("AWSServiceName", "iam:awsservicename"),
)


def request_facts(view: View, action: str, call: Call, params: Params) -> KeyFacts:
    """The keys of IAM's own that a request has, and its tags and those of what it is about."""
    keys: dict[str, ConditionValue] = {key: str(params[member]) for member, key in _KEYS if params.get(member)}
    added = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    tag_keys = [*added, *(params.get("TagKeys") or ())]
    if tag_keys:
        keys["aws:tagkeys"] = tag_keys
    keys |= {f"aws:requesttag/{name.lower()}": value for name, value in added.items()}
    record = _record(view, call, params)
    if action in _OF_ONESELF and record is None and "UserName" not in params and call.principal.kind == "user":
        record = USERS.get(view, call.principal.account, call.principal.name.lower())
    if action in _BOUNDARY_OF_ENTITY and record is not None and record.get("boundary"):
        keys["iam:permissionsboundary"] = record["boundary"]
    return KeyFacts(keys | resource_tags(record))
