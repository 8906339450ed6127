"""May this call do this? The caller's policies as the store has them now, evaluated; a refusal in AWS's words.

Compiled policies are kept beside the stored bytes that they were made from. The bytes are compared on every call (a
few hundred nanoseconds), so that a change, also one made by another process, counts from the next request on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from tabletop.base.access import NO_FACTS, Facts, Target
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import managed_document
from tabletop.iam.context import Caller, RequestContext
from tabletop.iam.credentials import Keyring
from tabletop.iam.evaluation import CallerNames, Decision, NamedPolicy, PolicySet, evaluate, is_free_of_context
from tabletop.iam.explanation import near_misses
from tabletop.iam.journal import Journal
from tabletop.iam.policies import compile_policy
from tabletop.iam.policy_grammar import compile_resource_policy
from tabletop.iam.records import AWS_ACCOUNT, GROUPS, POLICIES, ROLES, USERS, Document, split_arn
from tabletop.iam.resource_tags import PassedRole
from tabletop.storage.store import View

# service -> (error name, HTTP status) of a refusal; a service that is not named is of the JSON kind.
_REFUSALS: dict[str, tuple[str, int]] = {
    "iam": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "cloudwatch": ("AccessDenied", 403),
    "s3": ("AccessDenied", 403),
    "lambda": ("AccessDeniedException", 403),
}
LOCKS_OUT = "The new resource policy will not allow you to update the resource policy in the future."
"""Inferred: the words are those of AWS KMS for the same rule."""
_JSON_REFUSAL = ("AccessDeniedException", 400)
_EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"
_CACHE_ENTRIES_MAX = 4096
_GRANTS_MAX = 20_000
_AWS_POLICIES = f"arn:aws:iam::{AWS_ACCOUNT}:"


_Grant = tuple[str, tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None, str, str]
"""Unique id of the caller, its identity policies and boundary, action, resource."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A role's, user's or group's record, compiled: inline policies, ARNs of attached ones, names of a user's groups."""

    record_id: str
    inline: tuple[NamedPolicy, ...]
    attached: tuple[str, ...]
    groups: tuple[str, ...]
    boundary: str | None
    caller: Caller


class Authorizer:
    def __init__(self, keyring: Keyring, journal: Journal) -> None:
        self._keyring = keyring
        self._journal = journal
        self._holders: dict[bytes, tuple[bytes, _Holder]] = {}
        self._managed: dict[str, tuple[bytes, NamedPolicy]] = {}
        self._aws_managed: dict[str, NamedPolicy | None] = {}
        self._granted: set[_Grant] = set()
        """What policies without conditions and variables have allowed: it need not be asked again while they are the same."""

    def authorize(
        self,
        view: View,
        call: Call,
        targets: Sequence[Target],
        facts: Facts = NO_FACTS,
    ) -> None:
        """Return if the caller may do every one of ``targets``; otherwise raise the service's access denied error."""
        if call.principal.kind == "root" or not targets:
            return
        policies, caller = self.policies_of(view, call)
        for number, (action, resource) in enumerate(targets):
            document = facts.resource_policy(number)
            grant = (call.principal.unique_id, policies.identity, policies.boundary, action, resource)
            if document is None and policies.session is None and grant in self._granted:
                continue
            told = PassedRole(view, facts, resource) if action == "iam:PassRole" else facts
            context = RequestContext(_in_region_of(call, resource), caller, told, number)
            decision = self._decide(policies, call, caller, (action, resource), context, document)
            if not decision.allowed:
                nearly = near_misses(policies, action, resource, context)
                refusal = self.refusal(call, action, resource, decision, nearly)
                self._journal.write()
                raise refusal
            noted = self._journal.allow(call, action, resource)
            proposed = facts.proposed_policy(number)
            if proposed is None:
                if noted and document is None and is_free_of_context(policies, action):
                    _bound_all(self._granted)
                    self._granted.add(grant)
            else:
                after = self._decide(policies, call, caller, (action, resource), context, proposed)
                if not after.allowed:
                    raise ApiError("ValidationException", LOCKS_OUT)

    def _decide(
        self,
        policies: PolicySet,
        call: Call,
        caller: Caller,
        target: Target,
        context: RequestContext,
        resource_policy: str | None,
    ) -> Decision:
        if resource_policy is None:
            return evaluate(policies, *target, context)
        return evaluate(
            policies,
            *target,
            context,
            resource_policies=attached(resource_policy),
            caller=caller_names(call, caller),
        )

    def authorize_anybody(self, call: Call, targets: Sequence[Target], facts: Facts) -> None:
        """For a caller without identity: return if the resource's policies allow everybody all of ``targets``."""
        for number, (action, resource) in enumerate(targets):
            context = RequestContext(call, Caller(), facts, number)
            policies = attached(facts.resource_policy(number))
            decision = evaluate(PolicySet(), action, resource, context, resource_policies=policies)
            if not decision.allowed:
                refusal = self.refusal(call, action, resource, decision)
                self._journal.write()
                raise refusal

    def refusal(
        self,
        call: Call,
        action: str,
        resource: str,
        decision: Decision,
        nearly: Sequence[str] = (),
        *,
        brief: bool = False,
    ) -> ApiError:
        """The refusal as the service of ``action`` words it; what decided goes to the log, and to what the journal will write.

        ``nearly``: what came close to allowing it. ``brief``: without the reason, as STS answers.
        """
        self._journal.deny(call, action, resource, decision, list(nearly))
        code, status = _REFUSALS.get(action.partition(":")[0], _JSON_REFUSAL)
        return ApiError(
            code,
            f"User: {call.principal.arn} is not authorized to perform: {action} on resource: {resource}"
            + ("" if brief else f" {decision.reason(action)}"),
            status=status,
        )

    def note_in_plan(self, call: Call, action: str, resource: str) -> None:
        """What a plan found allowed, for the journal, which is written when the plan is over."""
        if call.principal.kind != "root":
            self._journal.allow_in_plan(call, action, resource)

    def policies_of(self, view: View, call: Call) -> tuple[PolicySet, Caller]:
        """Everything that limits the caller. A principal whose record is gone has no policies: it may do nothing."""
        principal = call.principal
        if principal.kind == "federated-user":
            return self._policies_of_federated(view, call)
        holder = self._holder(view, _holder_key(principal.kind, principal.account, principal.name))
        # A role that was deleted and made again has another id: sessions of the old one are worth nothing.
        if holder is None or holder.record_id != principal.unique_id.partition(":")[0]:
            return PolicySet(), Caller()
        identity, boundary = self._policies_of_holder(view, principal.account, holder)
        session = None
        caller = holder.caller
        credentials = self._keyring.find(view, call.access_key_id) if call.access_key_id else None
        if credentials is not None:
            if credentials.policies:
                session = tuple(
                    NamedPolicy("session policy", compile_policy(document)) for document in credentials.policies
                )
            if credentials.expires is not None:
                tags = _with_session_tags(caller.tags, credentials.tags) if credentials.tags else caller.tags
                caller = Caller(
                    tags, caller.role_arn, credentials.source_identity, credentials.created, credentials.mfa_at
                )
        return PolicySet(identity, boundary, session), caller

    def policies_attached(
        self, view: View, kind: str, account: str, name: str
    ) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None] | None:
        """The identity policies and the boundary of a ``user`` (his groups' too), ``group`` or ``role``; None: there is none."""
        records = {"user": USERS, "group": GROUPS, "role": ROLES}[kind]
        holder = self._holder(view, records.key(account, name.lower()))
        return None if holder is None else self._policies_of_holder(view, account, holder)

    def _policies_of_federated(self, view: View, call: Call) -> tuple[PolicySet, Caller]:
        """Those of the user who asked for the session, or all rights where the root did; and the session's, or none."""
        principal = call.principal
        credentials = self._keyring.find(view, call.access_key_id)
        if credentials is None:
            return PolicySet(), Caller()
        identity: tuple[NamedPolicy, ...] = ()
        boundary = None
        if credentials.kind == "federated-root":
            identity = tuple(filter(None, (self._aws(_EVERYTHING),)))
        else:
            holder = self._holder(view, USERS.key(principal.account, principal.name.lower()))
            if holder is not None and holder.record_id == credentials.owner_id:
                identity, boundary = self._policies_of_holder(view, principal.account, holder)
        session = tuple(NamedPolicy("session policy", compile_policy(document)) for document in credentials.policies)
        return PolicySet(identity, boundary, session), Caller(credentials.tags, issued_at=credentials.created)

    def _policies_of_holder(
        self, view: View, account: str, holder: _Holder
    ) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None]:
        """(identity policies, those of its groups among them; boundary)"""
        identity = self._identity_policies(view, holder)
        for group in holder.groups:
            member_of = self._holder(view, GROUPS.key(account, group.lower()))
            assert member_of is not None, "a user in a group that does not exist"
            identity += self._identity_policies(view, member_of)
        if holder.boundary is None:
            return identity, None
        return identity, tuple(filter(None, (self._named(view, holder.boundary),)))

    def _identity_policies(self, view: View, holder: _Holder) -> tuple[NamedPolicy, ...]:
        if not holder.attached:
            return holder.inline
        return holder.inline + tuple(filter(None, (self._named(view, policy_arn) for policy_arn in holder.attached)))

    def _holder(self, view: View, key: bytes) -> _Holder | None:
        raw = view.get(key)
        if raw is None:
            return None
        known = self._holders.get(key)
        if known is not None and known[0] == raw:
            return known[1]
        document = orjson.loads(raw)
        owner = document["arn"]
        holder = _Holder(
            record_id=document["id"],
            inline=tuple(
                NamedPolicy(f"inline {name} of {owner}", compile_policy(text))
                for name, text in document["inline"].items()
            ),
            attached=tuple(document["attached"]),
            groups=tuple(document.get("groups", ())),
            boundary=document.get("boundary"),
            caller=Caller(document.get("tags", {}), document["arn"] if "trust" in document else ""),
        )
        _bound(self._holders)
        self._holders[key] = (bytes(raw), holder)
        return holder

    def _named(self, view: View, policy_arn: str) -> NamedPolicy | None:
        if policy_arn.startswith(_AWS_POLICIES):
            return self._aws(policy_arn)
        key = _policy_key(policy_arn)
        raw = None if key is None else view.get(key)
        if raw is None:
            return None
        known = self._managed.get(policy_arn)
        if known is not None and known[0] == raw:
            return known[1]
        named = NamedPolicy(policy_arn, compile_policy(default_document(orjson.loads(raw))))
        _bound(self._managed)
        self._managed[policy_arn] = (bytes(raw), named)
        return named

    def _aws(self, policy_arn: str) -> NamedPolicy | None:
        if policy_arn not in self._aws_managed:
            document = managed_document(policy_arn)
            _bound(self._aws_managed)
            self._aws_managed[policy_arn] = (
                None if document is None else NamedPolicy(policy_arn, compile_policy(document))
            )
        return self._aws_managed[policy_arn]


@lru_cache(maxsize=_CACHE_ENTRIES_MAX)
def _policy_key(policy_arn: str) -> bytes | None:
    parts = split_arn(policy_arn)
    return None if parts is None else POLICIES.key(parts[0], parts[2].lower())


@lru_cache(maxsize=_CACHE_ENTRIES_MAX)
def _holder_key(kind: str, account: str, name: str) -> bytes:
    return (ROLES if kind == "assumed-role" else USERS).key(account, name.lower())


@lru_cache(maxsize=1024)
def attached(document: str | None) -> tuple[NamedPolicy, ...]:
    """A resource's policy, if it has one."""
    return () if document is None else (NamedPolicy("resource policy", compile_resource_policy(document)),)


def default_document(policy: Document) -> str:
    """The text of a managed policy's default version."""
    document: str = policy["versions"][policy["default"]]["document"]
    return document


def caller_names(call: Call, caller: Caller) -> CallerNames:
    """How a Principal element may name the caller: itself and its role, or its account."""
    account = call.principal.account
    through_account = (account, f"arn:aws:iam::{account}:root")
    if call.principal.kind == "root":
        return CallerNames("AWS", through_account)
    direct = (call.principal.arn, call.principal.unique_id)
    # A role's unique id stands before the session's name.
    role = (caller.role_arn, call.principal.unique_id.partition(":")[0]) if caller.role_arn else ()
    return CallerNames("AWS", direct + role, through_account, direct)


def _with_session_tags(own: Mapping[str, str], session: Mapping[str, str]) -> dict[str, str]:
    """A session's tag takes the place of the role's of the same name, in whatever case each is written."""
    given = {name.lower() for name in session}
    return {name: value for name, value in own.items() if name.lower() not in given} | dict(session)


def _in_region_of(call: Call, resource: str) -> Call:
    """The call as it is made to the resource's region: a request about replicas of a table asks in several."""
    parts = resource.split(":", 4)
    if len(parts) < 5 or parts[3] in ("", "*", call.region):
        return call
    return replace(call, region=parts[3])


def _bound_all(grants: set[_Grant]) -> None:
    if len(grants) >= _GRANTS_MAX:
        grants.clear()


def _bound(cache: dict[Any, Any]) -> None:
    if len(cache) >= _CACHE_ENTRIES_MAX:
        cache.pop(next(iter(cache)))
