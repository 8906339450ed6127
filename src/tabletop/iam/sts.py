"""STS: GetCallerIdentity, AssumeRole, GetAccessKeyInfo (further ones: ``session_tokens``).

Also the credentials that Lambda's workers run with.

A role's trust policy is a resource policy that a caller needs. Where it names the caller itself (its ARN, its role's
ARN, or everyone) that is enough within its account; where it names the account, or the caller is of another one, the
caller's identity policies must allow it as well.
Whether the role does not exist or does not trust the caller: the answer is the same refusal, as on AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tabletop.base.access import KeyFacts
from tabletop.base.call import ROOT_ACCOUNT, Call, Principal
from tabletop.base.errors import ApiError
from tabletop.iam import session_tokens, unverifiable
from tabletop.iam.authorization import Authorizer, caller_names, is_foreign
from tabletop.iam.conditions import Context, ContextValue
from tabletop.iam.context import Caller, RequestContext
from tabletop.iam.credentials import DrawnCredentials, Keyring
from tabletop.iam.evaluation import CallerNames, NamedPolicy, PolicySet, evaluate, evaluate_across
from tabletop.iam.mfa_devices import verified
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds, validation_error
from tabletop.iam.policies import compile_policy
from tabletop.iam.records import (
    ACCESS_KEYS,
    ROLES,
    Document,
    session_arn,
    split_arn,
)
from tabletop.iam.resource_tags import resource_tags
from tabletop.iam.sessions import Owner, credentials_shape, packed_size, record_session, session_policies, session_tags
from tabletop.storage.store import Batch, View

SESSION_DEFAULT_S = 3600
CHAINED_MAX_S = 3600
_LAMBDA = "lambda.amazonaws.com"
_LAMBDA_SESSION = "awslambda"
_ROLE_ARN = re.compile(r"arn:[^:]+:iam::[0-9]{12}:role/.+").fullmatch
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
    record_session(view, batch, role_owner(role), drawn, now, expires, {"session_name": request.session_name})
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


def operations(keyring: Keyring, authorizer: Authorizer) -> tuple[dict[str, Write], dict[str, Read]]:
    """STS's operations: those that write and those that read."""

    def assume_role(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
        params, call = change.params, change.call
        if call.principal.kind == "federated-user":
            # Inferred words.
            raise ApiError("AccessDenied", "Cannot call AssumeRole with federation credentials", status=403)
        if not _ROLE_ARN(params["RoleArn"]):
            # Recalled words.
            raise validation_error(f"{params['RoleArn']} is invalid")
        role = _find_role(view, params["RoleArn"])
        source = _source(view, call)
        session = _session_facts(params, source)
        batch = Batch()
        mfa_at = verified(keyring, view, batch, call, call.principal.unique_id, params, now)
        if mfa_at is None and source.get("kind") == "user":
            mfa_at = source.get("mfa_at")
        _check_trusted(authorizer, view, call, role, params, session, mfa_at)
        assert role is not None
        duration_s = params.get("DurationSeconds", SESSION_DEFAULT_S)
        if call.principal.kind == "assumed-role" and duration_s > CHAINED_MAX_S:
            raise validation_error(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if duration_s > role["max_session"]:
            raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        policies = session_policies(view, split_account(role), params)
        packed = packed_size(params, session.tags)
        drawn = change.credentials
        assert drawn is not None
        expires = seconds(now) + duration_s
        name = params["RoleSessionName"]
        more: Document = {
            "session_name": name,
            "policies": policies,
            "tags": session.tags,
            "transitive": session.transitive,
            "source": call.principal.arn,
        }
        if session.source_identity:
            more["source_identity"] = session.source_identity
        if mfa_at is not None:
            more["mfa_at"] = mfa_at
        record_session(view, batch, role_owner(role), drawn, now, expires, more)
        answer: Answer = {
            "Credentials": credentials_shape(drawn, expires),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role['id']}:{name}",
                "Arn": session_arn(split_account(role), role["name"], name),
            },
            **packed,
        }
        if session.source_identity:
            answer["SourceIdentity"] = session.source_identity
        return answer, batch

    return {"AssumeRole": assume_role, **session_tokens.operations(keyring)}, {
        "GetCallerIdentity": get_caller_identity,
        "GetAccessKeyInfo": get_access_key_info,
        **unverifiable.READS,
    }


@dataclass(frozen=True, slots=True)
class _SessionFacts:
    """What a new session is told, by the request and by the session that asks (role chaining).

    ``given``: the tags of the request alone; ``tags``: those of the session, the inherited ones among them.
    """

    given: dict[str, str]
    tags: dict[str, str]
    transitive: list[str]
    source_identity: str


def _source(view: View, call: Call) -> Document:
    """The document of the role's or user's session that asks; empty for a caller that is none."""
    record = ACCESS_KEYS.get(view, call.access_key_id) if call.access_key_id else None
    return record if record is not None and "token" in record else {}


def _session_facts(params: Params, source: Document) -> _SessionFacts:
    """Transitive tags and the source identity stay through a chain of roles: they cannot be given anew."""
    given = session_tags(params)
    inherited = {name: source["tags"][name] for name in source.get("transitive", ())}
    folded = {name.lower() for name in inherited}
    if any(name.lower() in folded for name in given):
        # Recalled words.
        raise ApiError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
            "calling session.",
            status=400,
        )
    wanted = {name.lower() for name in params.get("TransitiveTagKeys", ())}
    names = {name.lower(): name for name in given}
    if not wanted <= names.keys():
        # Recalled words.
        raise ApiError(
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
            status=400,
        )
    transitive = [*inherited, *(name for folded_name, name in names.items() if folded_name in wanted)]
    return _SessionFacts(
        given, {**inherited, **given}, transitive, params.get("SourceIdentity") or source.get("source_identity", "")
    )


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


def role_owner(role: Document) -> Owner:
    return Owner(split_account(role), "role", role["name"], role["id"], role["arn"])


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
    session: _SessionFacts,
    mfa_at: float | None,
) -> None:
    """For tags and a source identity the caller needs two further permissions; an inherited identity is not new."""
    role_arn = params["RoleArn"]
    root = call.principal.kind == "root"
    policies, caller = (PolicySet(), Caller()) if root else authorizer.policies_of(view, call)
    if mfa_at is not None:
        caller = replace(caller, mfa_at=mfa_at)
    context = RequestContext(call, caller, KeyFacts(_context_keys(params, session) | resource_tags(role)))
    trust = () if role is None else (NamedPolicy("trust policy", compile_policy(role["trust"])),)
    names = caller_names(call, caller)
    if role is not None and role.get("trusted"):
        names = _as_meant(names, role["trusted"])
    actions = ["sts:AssumeRole"]
    if session.given:
        actions.append("sts:TagSession")
    if "SourceIdentity" in params:
        actions.append("sts:SetSourceIdentity")
    # The root is not limited by policies of its own account, and needs to be trusted nevertheless.
    decide = evaluate_across if is_foreign(role_arn, call.account) and not root else evaluate
    for action in actions:
        decision = decide(policies, action, role_arn, context, resource_policies=trust, caller=names)
        trusted = evaluate(
            PolicySet(), action, role_arn, context, resource_policies=trust, caller=names.trusting_the_account()
        )
        for verdict in (decision, trusted):
            if not verdict.allowed:
                raise authorizer.refusal(call, action, role_arn, verdict, brief=not verdict.explicit)
    for action in actions:
        authorizer.note_in_plan(call, action, role_arn)


def _as_meant(names: CallerNames, trusted: dict[str, str]) -> CallerNames:
    """The caller's names as a trust policy meant them when it was put: a namesake made later is another, who was renamed
    is the same.
    """
    meant = [name for name in names.own if trusted.get(name, name) in names.own]
    return replace(names, own=(*meant, *(arn for arn, unique_id in trusted.items() if unique_id in names.own)))


def _context_keys(params: Params, session: _SessionFacts) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {"sts:rolesessionname": params["RoleSessionName"]}
    if "ExternalId" in params:
        keys["sts:externalid"] = params["ExternalId"]
    if session.source_identity:
        keys["sts:sourceidentity"] = session.source_identity
    if session.given:
        keys["aws:tagkeys"] = list(session.given)
        keys["sts:transitivetagkeys"] = list(params.get("TransitiveTagKeys", ()))
    for name, value in session.tags.items():
        keys[f"aws:requesttag/{name.lower()}"] = value
    return keys
