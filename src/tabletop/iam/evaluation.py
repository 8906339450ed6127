"""Compiled policies and one question -> a verdict, by AWS's documented order. Pure.

An explicit deny anywhere decides. Then the session policies (if there are any) and the permissions boundary (if there
is one) must allow, and either an identity policy or, within one account, the resource's own policy; across accounts
both (``evaluate_across``). Nothing that
speaks for it: denied. A resource's policy that allows a user or a role's session by its very ARN needs no other: neither
boundary nor session policies limit it by their silence, as they limit what is allowed to a role or to everyone (IAM user
guide, "Policy evaluation logic"; that everyone's grant to a user is limited by his boundary is inferred).
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


@dataclass(frozen=True, slots=True, eq=False)
class NamedPolicy:
    """``name``: an ARN, or ``inline NAME``; it appears in explanations only.

    Equal to itself alone: a policy that changed is another.
    """

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
    identity policies. A statement that denies may name either. ``direct``: those of ``own`` that name the user or the
    role's session itself.
    """

    kind: str = "AWS"
    own: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    direct: tuple[str, ...] = ()

    def trusting_the_account(self) -> CallerNames:
        """The same caller, for the question whether a policy trusts at least its account."""
        return CallerNames(self.kind, self.own + self.account, (), self.direct)


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
    granted = _find(policies.identity, wanted, resource, context)
    if granted is not None and not granted[1].allows:
        return _decision(granted, Layer.IDENTITY)
    layer = Layer.IDENTITY
    unlimited = False
    if resource_policies:
        spoken = _find(resource_policies, wanted, resource, context, caller)
        if spoken is not None:
            if not spoken[1].allows:
                return _decision(spoken, Layer.RESOURCE)
            direct = None
            # Only limits make a difference between those who are named and those who are meant.
            if caller.direct and (policies.boundary is not None or policies.session is not None):
                listed = spoken[1].lists(caller.kind, caller.direct)
                direct = spoken if listed else _find(resource_policies, wanted, resource, context, caller, direct=True)
            unlimited = direct is not None
            if granted is None or unlimited:
                granted, layer = direct or spoken, Layer.RESOURCE
    lacking = Layer.IDENTITY if granted is None else None
    for limit, limiting in ((Layer.BOUNDARY, policies.boundary), (Layer.SESSION, policies.session)):
        if limiting is None:
            continue
        found = _find(limiting, wanted, resource, context)
        if found is None:
            if lacking is None and not unlimited:
                lacking = limit
        elif not found[1].allows:
            return _decision(found, limit)
    if lacking is not None:
        return _REFUSALS[lacking]
    assert granted is not None
    return _decision(granted, layer)


def evaluate_across(
    policies: PolicySet,
    action: str,
    resource: str,
    context: Context,
    *,
    resource_policies: Sequence[NamedPolicy],
    caller: CallerNames,
) -> Decision:
    """The same where the resource is another account's: the caller's own account must allow, and the resource's policy too.

    That policy may name the caller's whole account.
    """
    own = evaluate(policies, action, resource, context)
    if own.explicit:
        return own
    theirs = evaluate(
        PolicySet(),
        action,
        resource,
        context,
        resource_policies=resource_policies,
        caller=caller.trusting_the_account(),
    )
    if theirs.explicit:
        return theirs
    if not own.allowed:
        return own
    return theirs if theirs.allowed else _REFUSALS[Layer.RESOURCE]


def is_free_of_context(policies: PolicySet, action: str) -> bool:
    """Whether the verdict on the action rests on the resource alone, and is the same in every request."""
    return policies.session is None and all(
        statement.is_free_of_context
        for named in (*policies.identity, *(policies.boundary or ()))
        for statement in named.policy.about(action.lower())
    )


_Found = tuple[NamedPolicy, Statement]
_REFUSALS = {layer: Decision(False, False, layer) for layer in Layer}


def _decision(found: _Found, layer: Layer) -> Decision:
    named, statement = found
    return Decision(statement.allows, not statement.allows, layer, named.name, statement)


def _find(
    policies: Sequence[NamedPolicy],
    action: str,
    resource: str,
    context: Context,
    caller: CallerNames | None = None,
    *,
    direct: bool = False,
) -> _Found | None:
    """The first statement that denies, else the first that allows, else None. ``direct``: those that allow a listed name."""
    allowed: _Found | None = None
    for named in policies:
        for statement in named.policy.about(action):
            if allowed is not None and statement.allows:
                continue
            if caller is not None and not _names(statement, caller):
                continue
            if direct and not (caller and statement.lists(caller.kind, caller.direct)):
                continue
            if statement.applies(resource, context):
                if not statement.allows:
                    return named, statement
                allowed = named, statement
    return allowed


def _names(statement: Statement, caller: CallerNames) -> bool:
    # NotPrincipal and Deny: whoever is listed by any of its names is spared.
    names = caller.own if statement.allows and not statement.not_principal else caller.own + caller.account
    return statement.speaks_of(caller.kind, names)


def _article(layer: Layer) -> str:
    return "an" if layer is Layer.IDENTITY else "a"
