"""Compiled policies and one question -> a verdict, by AWS's documented order. Pure.

An explicit deny anywhere decides. Then the session policies (if there are any) and the permissions boundary (if there
is one) must allow, and either an identity policy or, within one account, the resource's own policy. Nothing that
speaks for it: denied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tabletop.iam.conditions import Context
from tabletop.iam.policies import Policy, Statement


class Layer(Enum):
    """Where a policy comes from; the value is how AWS's messages call it."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """``name``: an ARN, or ``inline NAME``; it appears in explanations only."""

    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Everything that limits a caller. ``boundary`` and ``session`` None: there is none, so it limits nothing."""

    identity: tuple[NamedPolicy, ...] = ()
    boundary: tuple[NamedPolicy, ...] | None = None
    session: tuple[NamedPolicy, ...] | None = None


@dataclass(frozen=True, slots=True)
class CallerNames:
    """How a Principal element may name the caller. ``kind``: ``AWS`` or ``Service``.

    A statement that allows must name one of ``own``: to name the account only hands the decision to the account's
    identity policies. A statement that denies may name either.
    """

    kind: str = "AWS"
    own: tuple[str, ...] = ()
    account: tuple[str, ...] = ()

    def trusting_the_account(self) -> CallerNames:
        """The same caller, for the question whether a policy trusts at least its account."""
        return CallerNames(self.kind, self.own + self.account)


NOBODY = CallerNames()


@dataclass(frozen=True, slots=True)
class Decision:
    """``explicit``: a Deny statement decided. ``layer`` decided, or is the one that would have to allow."""

    allowed: bool
    explicit: bool
    layer: Layer
    policy: str = ""
    statement: Statement | None = None

    def reason(self, action: str) -> str:
        """The end of AWS's message for a refusal."""
        if self.explicit:
            return f"with an explicit deny in {_article(self.layer)} {self.layer.value}"
        return f"because no {self.layer.value} allows the {action} action"


def evaluate(
    policies: PolicySet,
    action: str,
    resource: str,
    context: Context,
    *,
    resource_policies: Sequence[NamedPolicy] = (),
    caller: CallerNames = NOBODY,
) -> Decision:
    """The verdict on ``action`` (``dynamodb:GetItem``) on one resource.

    ``resource_policies`` count where their Principal element names the ``caller``.
    """
    wanted = action.lower()
    identity = _walk(policies.identity, Layer.IDENTITY, wanted, resource, context)
    if identity is not None and identity.explicit:
        return identity
    granted = identity
    if resource_policies:
        spoken = _walk(resource_policies, Layer.RESOURCE, wanted, resource, context, caller)
        if spoken is not None and spoken.explicit:
            return spoken
        granted = granted or spoken
    refusal = None if granted else Decision(False, False, Layer.IDENTITY)
    for layer, limiting in ((Layer.BOUNDARY, policies.boundary), (Layer.SESSION, policies.session)):
        if limiting is None:
            continue
        limit = _walk(limiting, layer, wanted, resource, context)
        if limit is not None and limit.explicit:
            return limit
        if limit is None and refusal is None:
            refusal = Decision(False, False, layer)
    if refusal is not None:
        return refusal
    assert granted is not None
    return granted


def _walk(
    policies: Sequence[NamedPolicy],
    layer: Layer,
    action: str,
    resource: str,
    context: Context,
    caller: CallerNames | None = None,
) -> Decision | None:
    """The first statement that denies, else the first that allows, else None."""
    allowed: Decision | None = None
    for named in policies:
        for statement in named.policy.statements:
            if allowed is not None and statement.allows:
                continue
            if caller is not None and not _names(statement, caller):
                continue
            if statement.applies(action, resource, context):
                decision = Decision(statement.allows, not statement.allows, layer, named.name, statement)
                if not statement.allows:
                    return decision
                allowed = decision
    return allowed


def _names(statement: Statement, caller: CallerNames) -> bool:
    # NotPrincipal and Deny: whoever is listed by any of its names is spared.
    names = caller.own if statement.allows and not statement.not_principal else caller.own + caller.account
    return statement.speaks_of(caller.kind, names)


def _article(layer: Layer) -> str:
    return "an" if layer is Layer.IDENTITY else "a"
