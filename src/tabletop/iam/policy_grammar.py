"""Is this policy document valid? AWS's checks in AWS's words; nothing invalid is ever stored.

Sources: the grammar in the IAM user guide, and the texts of MalformedPolicyDocument as IAM answers them. The order of
the checks is inferred: the form of the whole first, then statement by statement.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.iam.conditions import read_operator
from tabletop.iam.policies import Policy, as_list, compile_policy

VERSIONS = ("2012-10-17", "2008-10-17")
SYNTAX = "Syntax errors in policy."
INVALID_JSON = "This policy contains invalid Json"
_TOP = frozenset({"Version", "Id", "Statement"})
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPAL_KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_PARTITIONS = frozenset({"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "*"})
_SID = re.compile(r"\A[A-Za-z0-9]*\Z")
_ACTION = re.compile(r"\A[A-Za-z0-9-]+:[A-Za-z0-9*?]+\Z")
_RESOURCE_SID = re.compile(r"\A[A-Za-z0-9_-]*\Z")
"""Lambda's AddPermission takes these as StatementId, and they become the Sid."""
_SERVICE_PRINCIPAL = re.compile(r"\A[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)\Z")
_AWS_PRINCIPAL = re.compile(
    r"\A(\*|[0-9]{12}|arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user)/[A-Za-z0-9_+=,.@/-]+)"
    r"|A(ROA|IDA)[A-Z0-9]{12,})\Z"
)


# Words and order of what follows about resources are recalled; accounts that are none fail "legacy parsing" (observed).
_ACCOUNT = re.compile(r"[0-9]{12}|aws|.*[*?$].*|").fullmatch
_IAM_KINDS = (
    "user", "federated-user", "role", "group", "instance-profile", "mfa", "server-certificate", "policy", "sms-mfa",
    "saml-provider", "oidc-provider", "report", "access-report",
)  # fmt: skip
_IAM_NAME = re.compile(rf"root|(?:{'|'.join(_IAM_KINDS)})/.*|[^/]*[*?$].*|", re.S).fullmatch


def malformed(message: str) -> ApiError:
    return ApiError("MalformedPolicyDocument", message, status=400)


def check_identity_policy(document: str) -> None:
    """For policies of roles, users and groups, and managed ones."""
    for statement in _statements(document):
        if "Principal" in statement or "NotPrincipal" in statement:
            raise malformed("Policy document should not specify a principal.")
        _check_actions(statement)
        resources = _one_of(statement, "Resource", "NotResource")
        if not resources:
            raise malformed("Policy statement must contain resources.")
        for resource in resources:
            check_resource(resource)
        _check_conditions(statement)


def counted_size(document: str) -> int:
    """A policy's size as AWS's quotas count it: characters, without white space."""
    return len("".join(document.split()))


def check_trust_policy(document: str) -> None:
    """For AssumeRolePolicyDocument: who may assume the role, and no resource."""
    for statement in _statements(document):
        if "Resource" in statement or "NotResource" in statement:
            raise malformed("Has prohibited field Resource")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise malformed("Missing required field Principal")
        _check_principals(statement)
        _check_actions(statement)
        for action in _one_of(statement, "Action", "NotAction"):
            if action != "*" and not action.lower().startswith("sts:"):
                raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        _check_conditions(statement)


def check_resource_policy(document: str) -> None:
    """For policies of tables, streams and functions: both a principal and a resource."""
    for statement in _statements(document, _RESOURCE_SID):
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise malformed("Missing required field Principal")
        _check_principals(statement)
        _check_actions(statement)
        resources = _one_of(statement, "Resource", "NotResource")
        if not resources:
            raise malformed("Policy statement must contain resources.")
        for resource in resources:
            check_resource(resource)
        _check_conditions(statement)


@lru_cache(maxsize=1024)
def compile_resource_policy(document: str) -> Policy:
    """Services keep these, and some took them unchecked once: one that is no policy says nothing."""
    try:
        check_resource_policy(document)
    except ApiError:
        return Policy(())
    return compile_policy(document)


def check_managed_policy(document: str) -> None:
    """For managed policies, which must say that they are of today's language; inline ones are of 2008's unless they do."""
    check_identity_policy(document)
    if orjson.loads(document).get("Version") != VERSIONS[0]:
        raise malformed("Policy document must be version 2012-10-17 or greater.")


def check_resource(resource: str) -> None:
    """An ARN may be incomplete: ``arn:aws:sqs`` goes on with wildcards, as AWS documents it."""
    if resource == "*" or (resource.startswith("${") and resource.endswith("}")):
        return
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 2:
        raise malformed(f'Resource {resource} must be in ARN format or "*".')
    if parts[1] not in _PARTITIONS:
        whole = ":".join([*parts, "*", "*", "*", "*"][:6])
        raise malformed(f'Partition "{parts[1]}" is not valid for resource "{whole}".')
    if "::" in resource and len(parts) < 6:
        raise malformed("The policy failed legacy parsing")
    vendor = parts[2] if len(parts) > 2 else ""
    if not vendor and len(parts) > 2:
        raise malformed("Vendor is not valid")
    if not vendor or "*" in vendor or "?" in vendor:
        raise malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    region, account, name = [*parts[3:], "", "", ""][:3]
    if vendor == "iam" and region not in ("", "*"):
        raise malformed(f"IAM resource {resource} cannot contain region information.")
    if vendor == "s3" and region not in ("", "*"):
        raise malformed(f"Resource {resource} can not contain region information.")
    if vendor == "iam" and len(parts) > 4 and not _ACCOUNT(account):
        raise malformed("The policy failed legacy parsing")
    if vendor == "iam" and len(parts) == 6 and not _IAM_NAME(name):
        raise malformed(
            'IAM resource path must either be "*" or start with ' + ", ".join(f"{kind}/" for kind in _IAM_KINDS) + "."
        )
    if len(parts) == 6 and not name:
        raise malformed(f"Resource {resource} must name a resource.")


def _statements(document: str, sid_form: re.Pattern[str] = _SID) -> list[dict[str, Any]]:
    try:
        content = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise malformed(INVALID_JSON) from None
    if not isinstance(content, dict):
        raise malformed(SYNTAX)
    if not _TOP.issuperset(content) or "Statement" not in content or not isinstance(content.get("Id", ""), str):
        raise malformed(SYNTAX)
    if content.get("Version", VERSIONS[1]) not in VERSIONS:
        raise malformed("The policy must contain a valid version string")
    statements = as_list(content["Statement"])
    if not statements:
        raise malformed(SYNTAX)
    sids: set[str] = set()
    for statement in statements:
        _check_form(statement)
        sid = statement.get("Sid", "")
        if not sid_form.match(sid):
            raise malformed(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
                "regular expression [0-9A-Za-z]*"
            )
        if sid and sid in sids:
            raise malformed("Statement IDs (SID) in a single policy must be unique.")
        sids.add(sid)
    return statements


def _check_form(statement: Any) -> None:
    """The types of everything, so that what reads the statement later need not ask."""
    if not isinstance(statement, dict) or not _ELEMENTS.issuperset(statement):
        raise malformed(SYNTAX)
    if statement.get("Effect") not in ("Allow", "Deny") or not isinstance(statement.get("Sid", ""), str):
        raise malformed(SYNTAX)
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        if element in statement and not all(isinstance(one, str) for one in as_list(statement[element])):
            raise malformed(SYNTAX)
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in statement and other in statement:
            raise malformed(SYNTAX)


def _one_of(statement: dict[str, Any], element: str, negated: str) -> list[str]:
    return as_list(statement.get(element, statement.get(negated, [])))


def _check_actions(statement: dict[str, Any]) -> None:
    actions = _one_of(statement, "Action", "NotAction")
    if not actions:
        raise malformed("Policy statement must contain actions.")
    for action in actions:
        if action == "*":
            continue
        if ":" not in action:
            raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        if action.count(":") > 1:
            raise malformed("Actions/Condition can contain only one colon.")
        vendor = action.partition(":")[0]
        if not re.match(r"\A[A-Za-z0-9-]+\Z", vendor):
            raise malformed(f"Vendor {vendor} is not valid")
        if not _ACTION.match(action):
            raise malformed("The policy contains an invalid action.")


def _check_conditions(statement: dict[str, Any]) -> None:
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict):
        raise malformed(SYNTAX)
    for operator, keys in conditions.items():
        if read_operator(operator) is None or not isinstance(keys, dict):
            raise malformed(SYNTAX)
        for key, values in keys.items():
            if not all(isinstance(value, str | bool | int | float) for value in as_list(values)):
                raise malformed(SYNTAX)
            if ":" not in key:
                raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


def _check_principals(statement: dict[str, Any]) -> None:
    principals = statement.get("Principal", statement.get("NotPrincipal"))
    if principals == "*":
        return
    if not isinstance(principals, dict) or not principals or not _PRINCIPAL_KINDS.issuperset(principals):
        raise malformed(SYNTAX)
    for kind, listed in principals.items():
        for name in as_list(listed):
            if not isinstance(name, str):
                raise malformed(SYNTAX)
            if kind == "Service" and not _SERVICE_PRINCIPAL.match(name):
                raise malformed(f'Invalid principal in policy: "SERVICE":"{name}"')
            if kind == "AWS" and not _AWS_PRINCIPAL.match(name):
                raise malformed(f'Invalid principal in policy: "AWS":"{name}"')
