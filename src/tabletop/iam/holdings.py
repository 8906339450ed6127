"""The policies of users, groups and roles, compiled, as the store has them now.

Compiled policies are kept beside the stored bytes that they were made from. The bytes are compared on every call (a
few hundred nanoseconds), so that a change, also one made by another process, counts from the next request on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tabletop.iam.aws_managed import managed_document
from tabletop.iam.context import Caller
from tabletop.iam.evaluation import NamedPolicy
from tabletop.iam.policies import compile_policy
from tabletop.iam.records import AWS_ACCOUNT, GROUPS, POLICIES, ROLES, USERS, Document, split_arn
from tabletop.storage.store import View

_CACHE_ENTRIES_MAX = 4096
_AWS_POLICIES = f"arn:aws:iam::{AWS_ACCOUNT}:"


@dataclass(frozen=True, slots=True)
class Holder:
    """A role's, user's or group's record, compiled: inline policies, ARNs of attached ones, names of a user's groups."""

    record_id: str
    inline: tuple[NamedPolicy, ...]
    attached: tuple[str, ...]
    groups: tuple[str, ...]
    boundary: str | None
    caller: Caller


class Holdings:
    def __init__(self) -> None:
        self._holders: dict[bytes, tuple[bytes, Holder]] = {}
        self._managed: dict[str, tuple[bytes, NamedPolicy]] = {}
        self._aws_managed: dict[str, NamedPolicy | None] = {}

    def policies_held_by(
        self, view: View, kind: str, account: str, name: str
    ) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None] | None:
        """The identity policies and the boundary of a ``user`` (his groups' too), ``group`` or ``role``; None: there is none."""
        records = {"user": USERS, "group": GROUPS, "role": ROLES}[kind]
        holder = self.holder(view, records.key(account, name.lower()))
        return None if holder is None else self.policies_of(view, account, holder)

    def policies_of(
        self, view: View, account: str, holder: Holder
    ) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None]:
        """(identity policies, those of its groups among them; boundary)"""
        identity = self._identity_policies(view, holder)
        for group in holder.groups:
            member_of = self.holder(view, GROUPS.key(account, group.lower()))
            assert member_of is not None, "a user in a group that does not exist"
            identity += self._identity_policies(view, member_of)
        if holder.boundary is None:
            return identity, None
        return identity, tuple(filter(None, (self._named(view, holder.boundary),)))

    def _identity_policies(self, view: View, holder: Holder) -> tuple[NamedPolicy, ...]:
        if not holder.attached:
            return holder.inline
        return holder.inline + tuple(filter(None, (self._named(view, policy_arn) for policy_arn in holder.attached)))

    def holder(self, view: View, key: bytes) -> Holder | None:
        raw = view.get(key)
        if raw is None:
            return None
        known = self._holders.get(key)
        if known is not None and known[0] == raw:
            return known[1]
        document = orjson.loads(raw)
        owner = document["arn"]
        holder = Holder(
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
            return self.aws_managed(policy_arn)
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

    def aws_managed(self, policy_arn: str) -> NamedPolicy | None:
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
def holder_key(kind: str, account: str, name: str) -> bytes:
    return (ROLES if kind == "assumed-role" else USERS).key(account, name.lower())


def default_document(policy: Document) -> str:
    """The text of a managed policy's default version."""
    document: str = policy["versions"][policy["default"]]["document"]
    return document


def _bound(cache: dict[Any, Any]) -> None:
    if len(cache) >= _CACHE_ENTRIES_MAX:
        cache.pop(next(iter(cache)))
