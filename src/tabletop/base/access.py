"""What a service tells whoever authorises about one request: the targets, and facts that only policies ask for.

A *target* is one action on one resource; a request may have several, and all of them must be allowed. *Facts* are the
condition keys and the resource's own policy behind a target. They are looked up one by one, when a policy of the caller
asks: a request whose caller's policies have no conditions never computes any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Target = tuple[str, str]
"""(action, ARN of the resource): ``("dynamodb:GetItem", "arn:aws:dynamodb:...:table/Users")``."""

ConditionValue = str | Sequence[str]
"""A condition key's value, or values where it can have several."""


class _Unbounded(tuple[str, ...]):
    __slots__ = ()


UNBOUNDED: Sequence[str] = _Unbounded()
"""The value of a key when the request reaches for every value there is, such as the partition keys of a Scan.

Policies see a key without values. But what an Allow would grant because there are none (``ForAllValues``, ``...IfExists``,
negated operators), it does not grant here: a grant on one tenant's keys must not open the whole table.
"""


class Facts(Protocol):
    """``number`` is the place of a target in the request's list. Keys are in lower case."""

    def value(self, number: int, key: str) -> ConditionValue | None:
        """The value of one of the service's own keys, or of an aws: key about the resource or request. None: it has none."""
        ...

    def resource_policy(self, number: int) -> str | None:
        """The document attached to the target's resource."""
        ...

    def proposed_policy(self, number: int) -> str | None:
        """The document that the request would attach to the resource, where the caller must not lock himself out by it."""
        ...


class NoFacts:
    """Of a service without keys and resource policies of its own."""

    def value(self, number: int, key: str) -> ConditionValue | None:
        return None

    def resource_policy(self, number: int) -> str | None:
        return None

    def proposed_policy(self, number: int) -> str | None:
        return None


NO_FACTS = NoFacts()


class KeyFacts(NoFacts):
    """Condition keys and a resource policy that were found beforehand, the same for every target."""

    def __init__(self, keys: Mapping[str, ConditionValue], policy: str | None = None) -> None:
        self._keys = keys
        self._policy = policy

    def resource_policy(self, number: int) -> str | None:
        return self._policy

    def value(self, number: int, key: str) -> ConditionValue | None:
        return self._keys.get(key)


class TagFacts(NoFacts):
    """The tags of a request and of its resource, as aws:RequestTag, aws:TagKeys and aws:ResourceTag."""

    def __init__(
        self,
        *,
        request_tags: dict[str, str] | None = None,
        tag_keys: Sequence[str] = (),
        resource_tags: dict[str, str] | None = None,
    ) -> None:
        """``tag_keys``: of a request that names keys without values, to take tags off."""
        self._tags = {"aws:requesttag/": request_tags or {}, "aws:resourcetag/": resource_tags or {}}
        self._tag_keys = [*(request_tags or ()), *tag_keys]

    def value(self, number: int, key: str) -> ConditionValue | None:
        return tag_value(key, self._tags, self._tag_keys)


def tag_value(key: str, tags: dict[str, dict[str, str]], tag_keys: Sequence[str]) -> ConditionValue | None:
    """``tags``: by the prefix of their condition keys. The names of tags are compared without regard to case."""
    if key == "aws:tagkeys":
        return tag_keys or None
    prefix, slash, name = key.partition("/")
    found = tags.get(prefix + slash)
    return None if not found else next((value for tag, value in found.items() if tag.lower() == name), None)
