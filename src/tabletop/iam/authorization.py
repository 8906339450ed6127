"""May this call do this? The caller's policies as the store has them now, evaluated; a refusal in AWS's words.

Who holds which policies: ``holdings``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from tabletop.base.access import NO_FACTS, Facts, Target
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.context import Caller, RequestContext
from tabletop.iam.credentials import Keyring
from tabletop.iam.evaluation import (
    CallerNames,
    Decision,
    NamedPolicy,
    PolicySet,
    evaluate,
    evaluate_across,
    is_free_of_context,
)
from tabletop.iam.explanation import near_misses
from tabletop.iam.holdings import Holdings, holder_key
from tabletop.iam.journal import Journal
from tabletop.iam.policies import compile_policy
from tabletop.iam.policy_grammar import compile_resource_policy
from tabletop.iam.records import USERS
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
_GRANTS_MAX = 20_000
_PICTURED_S = 1.0
_PROPOSING = frozenset({"dynamodb:PutResourcePolicy"})
"""What the request proposes is looked at each time."""

_Grant = tuple[str, tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None, str, str]
"""Unique id of the caller, its identity policies and boundary, action, resource."""


class _Pictured:
    """What was found granted in the newest picture of the store: who asks for it again in the same picture may do it.

    Between two writes this spares reading the caller's records, his policies' and the resource's.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._since = 0.0
        self._grants: set[tuple[str, str, str, str]] = set()
        """(unique id of the caller, access key id, action, resource)"""

    def allow(self, view: View, call: Call, targets: Sequence[Target]) -> bool:
        version = view.version
        if version != self._version or not 0.0 <= call.now - self._since < _PICTURED_S:
            self._version, self._since = version, call.now
            self._grants.clear()
            return False
        who, key = call.principal.unique_id, call.access_key_id
        return self._grants.issuperset([(who, key, action, resource) for action, resource in targets])

    def note(self, call: Call, action: str, resource: str) -> None:
        if self._version is not None and len(self._grants) < _GRANTS_MAX:
            self._grants.add((call.principal.unique_id, call.access_key_id, action, resource))


class Authorizer:
    def __init__(self, keyring: Keyring, journal: Journal) -> None:
        self._keyring = keyring
        self._journal = journal
        self.holdings = Holdings()
        self._granted: set[_Grant] = set()
        """What policies without conditions and variables have allowed: it need not be asked again while they are the same."""
        self._pictured = _Pictured()

    def authorize(
        self,
        view: View,
        call: Call,
        targets: Sequence[Target],
        facts: Facts = NO_FACTS,
    ) -> None:
        """Return if the caller may do every one of ``targets``; otherwise raise the service's access denied error."""
        account = call.principal.account
        if call.principal.kind != "root":
            if self._pictured.allow(view, call, targets):
                return
            policies, caller = self.policies_of(view, call)
        elif any(is_foreign(resource, account) for _, resource in targets):
            policies, caller = PolicySet(self._everything()), Caller()
        else:
            return
        for number, (action, resource) in enumerate(targets):
            document = facts.resource_policy(number)
            grant = (call.principal.unique_id, policies.identity, policies.boundary, action, resource)
            if document is None and policies.session is None and grant in self._granted:
                self._pictured.note(call, action, resource)
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
                if noted and document is None and action not in _PROPOSING and is_free_of_context(policies, action):
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
        foreign = is_foreign(target[1], call.principal.account)
        if resource_policy is None and not foreign:
            return evaluate(policies, *target, context)
        decide = evaluate_across if foreign else evaluate
        return decide(
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
        holder = self.holdings.holder(view, holder_key(principal.kind, principal.account, principal.name))
        # A role that was deleted and made again has another id: sessions of the old one are worth nothing.
        if holder is None or holder.record_id != principal.unique_id.partition(":")[0]:
            return PolicySet(), Caller()
        identity, boundary = self.holdings.policies_of(view, principal.account, holder)
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

    def _everything(self) -> tuple[NamedPolicy, ...]:
        """What the root may do: everything in its own account."""
        return tuple(filter(None, (self.holdings.aws_managed(_EVERYTHING),)))

    def _policies_of_federated(self, view: View, call: Call) -> tuple[PolicySet, Caller]:
        """Those of the user who asked for the session, or all rights where the root did; and the session's, or none."""
        principal = call.principal
        credentials = self._keyring.find(view, call.access_key_id)
        if credentials is None:
            return PolicySet(), Caller()
        identity: tuple[NamedPolicy, ...] = ()
        boundary = None
        if credentials.kind == "federated-root":
            identity = self._everything()
        else:
            holder = self.holdings.holder(view, USERS.key(principal.account, principal.name.lower()))
            if holder is not None and holder.record_id == credentials.owner_id:
                identity, boundary = self.holdings.policies_of(view, principal.account, holder)
        session = tuple(NamedPolicy("session policy", compile_policy(document)) for document in credentials.policies)
        return PolicySet(identity, boundary, session), Caller(credentials.tags, issued_at=credentials.created)


@lru_cache(maxsize=1024)
def attached(document: str | None) -> tuple[NamedPolicy, ...]:
    """A resource's policy, if it has one."""
    return () if document is None else (NamedPolicy("resource policy", compile_resource_policy(document)),)


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


def is_foreign(resource: str, account: str) -> bool:
    """Whether the ARN is of something in another account. AWS's own policies and what names no account are nobody's."""
    parts = resource.split(":", 5)
    return len(parts) == 6 and parts[4] != account and len(parts[4]) == 12 and parts[4].isdigit()


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
