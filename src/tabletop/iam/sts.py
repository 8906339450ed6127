"""STS: GetCallerIdentity, AssumeRole, GetAccessKeyInfo; and the credentials that Lambda's workers run with.

A role's trust policy is a resource policy that a caller needs. Where it names the caller itself (its ARN, its role's
ARN, or everyone) that is enough; where it names the account, the account's identity policies must allow it as well.
Whether the role does not exist or does not trust the caller: the answer is the same refusal, as on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabletop.base.access import KeyFacts
from tabletop.base.call import ROOT_ACCOUNT, Call, Principal
from tabletop.base.errors import ApiError
from tabletop.iam.authorization import Authorizer, caller_names, default_document
from tabletop.iam.aws_managed import managed_document
from tabletop.iam.conditions import Context, ContextValue
from tabletop.iam.context import Caller, RequestContext
from tabletop.iam.credentials import DrawnCredentials
from tabletop.iam.evaluation import CallerNames, NamedPolicy, PolicySet, evaluate
from tabletop.iam.holders import policy_exists
from tabletop.iam.operation import Answer, Change, Params, Read, Write, merge_tags, seconds, validation_error
from tabletop.iam.policies import compile_policy
from tabletop.iam.policy_grammar import check_identity_policy
from tabletop.iam.records import (
    ACCESS_KEYS,
    POLICIES,
    ROLES,
    SESSION_EXPIRIES,
    Document,
    session_arn,
    split_arn,
)
from tabletop.storage.store import Batch, View

SESSION_DEFAULT_S = 3600
CHAINED_MAX_S = 3600
SWEPT_AFTER_S = 3600
"""How long an expired session's record is kept, before it is swept."""
SWEEP_STEP_MAX = 100
_SWEPT_PER_SESSION = 2
_LAMBDA = "lambda.amazonaws.com"
_LAMBDA_SESSION = "awslambda"
_CANNOT_ASSUME = "The role defined for the function cannot be assumed by Lambda."


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    """Temporary credentials of a role. ``expiration`` in seconds since the epoch."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: float


@dataclass(frozen=True, slots=True)
class LambdaSession:
    """The request of ``plan_lambda_session``; ``credentials`` are drawn beforehand."""

    role_arn: str
    session_name: str
    duration_s: int
    credentials: DrawnCredentials


def plan_lambda_session(view: View, request: LambdaSession, now: float) -> tuple[RoleCredentials, Batch]:
    """Temporary credentials of a role that trusts Lambda; otherwise ApiError, as CreateFunction answers it."""
    role = check_lambda_role(view, request.role_arn)
    expires = seconds(now) + request.duration_s
    drawn = request.credentials
    batch = Batch()
    _record_session(view, batch, role, request.session_name, drawn, now, expires, {})
    return RoleCredentials(drawn.access_key_id, drawn.secret, drawn.token, expires), batch


def check_lambda_role(view: View, role_arn: str) -> Document:
    """The role's record, if the role exists and Lambda may assume it; otherwise CreateFunction's error for that."""
    role = _find_role(view, role_arn)
    if role is not None:
        context: Context = {"aws:sourceaccount": role_arn.split(":")[4], "aws:principalisawsservice": "true"}
        trust = (NamedPolicy("trust policy", compile_policy(role["trust"])),)
        caller = CallerNames("Service", (_LAMBDA,))
        if evaluate(PolicySet(), "sts:AssumeRole", role_arn, context, resource_policies=trust, caller=caller).allowed:
            return role
    raise ApiError("InvalidParameterValueException", _CANNOT_ASSUME, status=400)


def lambda_principal(role: Document) -> Principal:
    """The role's session in which the Lambda service itself acts (it reads streams, reports failures)."""
    account, name = split_account(role), role["name"]
    return Principal(
        kind="assumed-role",
        account=account,
        arn=session_arn(account, name, _LAMBDA_SESSION),
        unique_id=f"{role['id']}:{_LAMBDA_SESSION}",
        name=name,
        session_name=_LAMBDA_SESSION,
    )


def plan_sweep(view: View, steps: int, now: float) -> tuple[int, Batch | None]:
    """Forget up to ``steps`` sessions that expired long ago; answers how many. Run again while it answers ``steps``."""
    batch = Batch()
    swept = _sweep(view, batch, min(steps, SWEEP_STEP_MAX), now)
    return swept, batch if swept else None


def operations(authorizer: Authorizer) -> tuple[dict[str, Write], dict[str, Read]]:
    """STS's operations: those that write and those that read."""

    def assume_role(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
        params, call = change.params, change.call
        role = _find_role(view, params["RoleArn"])
        session_tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        merge_tags({}, params.get("Tags", ()))
        _check_trusted(authorizer, view, call, role, params, session_tags)
        assert role is not None
        duration_s = params.get("DurationSeconds", SESSION_DEFAULT_S)
        if call.principal.kind == "assumed-role" and duration_s > CHAINED_MAX_S:
            raise validation_error(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if duration_s > role["max_session"]:
            raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        policies = _session_policies(view, params)
        drawn = change.credentials
        assert drawn is not None
        expires = seconds(now) + duration_s
        name = params["RoleSessionName"]
        more: Document = {"policies": policies, "tags": session_tags, "source": call.principal.arn}
        if "SourceIdentity" in params:
            more["source_identity"] = params["SourceIdentity"]
        batch = Batch()
        _record_session(view, batch, role, name, drawn, now, expires, more)
        answer: Answer = {
            "Credentials": {
                "AccessKeyId": drawn.access_key_id,
                "SecretAccessKey": drawn.secret,
                "SessionToken": drawn.token,
                "Expiration": expires,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role['id']}:{name}",
                "Arn": session_arn(split_account(role), role["name"], name),
            },
        }
        if policies or session_tags:
            answer["PackedPolicySize"] = min(100, 1 + sum(map(len, policies)) * 100 // 4096)
        if "SourceIdentity" in params:
            answer["SourceIdentity"] = params["SourceIdentity"]
        return answer, batch

    return {"AssumeRole": assume_role}, {
        "GetCallerIdentity": get_caller_identity,
        "GetAccessKeyInfo": get_access_key_info,
    }


def get_caller_identity(view: View, call: Call, params: Params) -> Answer:
    principal = call.principal
    return {"UserId": principal.unique_id, "Account": principal.account, "Arn": principal.arn}


def get_access_key_info(view: View, call: Call, params: Params) -> Answer:
    """The account of a key, also of one of another account; a key that nobody knows acts for the root account."""
    access_key_id = params["AccessKeyId"]
    record = ACCESS_KEYS.get(view, access_key_id)
    if record is not None:
        return {"Account": record["account"]}
    if len(access_key_id) == 12 and access_key_id.isdigit():
        return {"Account": access_key_id}
    return {"Account": ROOT_ACCOUNT}


def split_account(role: Document) -> str:
    account: str = role["arn"].split(":")[4]
    return account


def _find_role(view: View, role_arn: str) -> Document | None:
    parts = split_arn(role_arn)
    if parts is None or parts[1] != "role":
        return None
    role = ROLES.get(view, parts[0], parts[2].lower())
    return role if role is not None and role["arn"] == role_arn else None


def _check_trusted(
    authorizer: Authorizer,
    view: View,
    call: Call,
    role: Document | None,
    params: Params,
    session_tags: Mapping[str, str],
) -> None:
    role_arn = params["RoleArn"]
    root = call.principal.kind == "root"
    policies, caller = (PolicySet(), Caller()) if root else authorizer.policies_of(view, call)
    context = RequestContext(call, caller, KeyFacts(_context_keys(params, session_tags)))
    trust = () if role is None else (NamedPolicy("trust policy", compile_policy(role["trust"])),)
    names = caller_names(call, caller)
    for action in ("sts:AssumeRole", "sts:TagSession") if session_tags else ("sts:AssumeRole",):
        decision = evaluate(policies, action, role_arn, context, resource_policies=trust, caller=names)
        trusted = evaluate(
            PolicySet(), action, role_arn, context, resource_policies=trust, caller=names.trusting_the_account()
        )
        for verdict in (decision, trusted):
            if not verdict.allowed:
                raise authorizer.refusal(call, action, role_arn, verdict, brief=not verdict.explicit)


def _context_keys(params: Params, session_tags: Mapping[str, str]) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {"sts:rolesessionname": params["RoleSessionName"]}
    if "ExternalId" in params:
        keys["sts:externalid"] = params["ExternalId"]
    if "SourceIdentity" in params:
        keys["sts:sourceidentity"] = params["SourceIdentity"]
    if session_tags:
        keys["aws:tagkeys"] = list(session_tags)
        keys["sts:transitivetagkeys"] = list(params.get("TransitiveTagKeys", ()))
    for name, value in session_tags.items():
        keys[f"aws:requesttag/{name.lower()}"] = value
    return keys


def _session_policies(view: View, params: Params) -> list[str]:
    """The documents that limit the session: the one in the request, and the managed ones it names as they are now."""
    documents: list[str] = []
    if params.get("Policy"):
        check_identity_policy(params["Policy"])
        documents.append(params["Policy"])
    for entry in params.get("PolicyArns", ()):
        policy_arn = entry["arn"]
        if not policy_exists(view, policy_arn):
            raise validation_error(f"Policy {policy_arn} does not exist or is not attachable.")
        documents.append(managed_document(policy_arn) or _customer_document(view, policy_arn))
    return documents


def _customer_document(view: View, policy_arn: str) -> str:
    parts = split_arn(policy_arn)
    assert parts is not None
    record = POLICIES.get(view, parts[0], parts[2].lower())
    assert record is not None
    return default_document(record)


def _record_session(
    view: View,
    batch: Batch,
    role: Document,
    session_name: str,
    drawn: DrawnCredentials,
    now: float,
    expires: float,
    more: Mapping[str, Any],
) -> None:
    record: Document = {
        "account": split_account(role),
        "kind": "role",
        "owner": role["name"],
        "owner_id": role["id"],
        "owner_arn": role["arn"],
        "secret": drawn.sealed_secret,
        "active": True,
        "created": seconds(now),
        "expires": expires,
        "token": drawn.token_digest,
        "session_name": session_name,
        **more,
    }
    ACCESS_KEYS.put(batch, record, drawn.access_key_id)
    SESSION_EXPIRIES.put(batch, {}, f"{int(expires):012d}", drawn.access_key_id)
    _sweep(view, batch, _SWEPT_PER_SESSION, now)


def _sweep(view: View, batch: Batch, steps: int, now: float) -> int:
    stop = SESSION_EXPIRIES.key(f"{int(now - SWEPT_AFTER_S):012d}")
    swept = 0
    for key, _ in view.range(SESSION_EXPIRIES.key(), stop):
        if swept == steps:
            break
        batch.delete(key)
        ACCESS_KEYS.delete(batch, key[:-1].rsplit(b"\0", 1)[-1].decode())
        swept += 1
    return swept
