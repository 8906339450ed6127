"""The tags of IAM's own resources as condition keys: of what a request is about, and of a role that is passed or assumed."""

from __future__ import annotations

from functools import cached_property

from tabletop.base.access import ConditionValue, Facts
from tabletop.iam.records import ROLES, Document, split_arn
from tabletop.storage.store import View

_PREFIXES = ("aws:resourcetag/", "iam:resourcetag/")


def resource_tags(record: Document | None) -> dict[str, ConditionValue]:
    """A record's tags, under both names that policies have for them."""
    tags = (record or {}).get("tags", {})
    return {f"{prefix}{name.lower()}": value for name, value in tags.items() for prefix in _PREFIXES}


class PassedRole:
    """The facts of a request about its target iam:PassRole, whose resource is the role, not the service's own."""

    def __init__(self, view: View, facts: Facts, role_arn: str) -> None:
        self._view = view
        self._facts = facts
        self._role_arn = role_arn

    @cached_property
    def _tags(self) -> dict[str, ConditionValue]:
        parts = split_arn(self._role_arn)
        return {} if parts is None else resource_tags(ROLES.get(self._view, parts[0], parts[2].lower()))

    def value(self, number: int, key: str) -> ConditionValue | None:
        return self._tags.get(key) if key.startswith(_PREFIXES) else self._facts.value(number, key)

    def resource_policy(self, number: int) -> str | None:
        return self._facts.resource_policy(number)

    def proposed_policy(self, number: int) -> str | None:
        return self._facts.proposed_policy(number)
