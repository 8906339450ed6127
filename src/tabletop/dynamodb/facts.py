"""DynamoDB's facts for policies: condition keys of each target, and the policies of tables and streams.

Everything is looked up when a policy asks, and the request is prepared then at the latest: what it touches is taken from
its prepared form, which then also runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tabletop.base.access import ConditionValue, Target, tag_value
from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.operations.operation import Body, Operation
from tabletop.dynamodb.resource_policies import attached_policy
from tabletop.dynamodb.schema import Table
from tabletop.storage.store import View

_TAGGING = frozenset({"aws:tagkeys"})
_ABOUT_TAGS = ("aws:requesttag/", "aws:resourcetag/")
_PROPOSING = "dynamodb:PutResourcePolicy"


class RequestFacts:
    """Facts of one request over one view. ``prepared``: the request in its prepared form, once somebody needed it."""

    def __init__(
        self,
        operation: Operation,
        body: Body,
        call: Call,
        view: View,
        targets: Sequence[Target],
        prepare: Callable[[Operation, Body, Call], Any],
    ) -> None:
        self._operation = operation
        self._body = body
        self._call = call
        self._view = view
        self._targets = targets
        self._prepare = prepare
        self._keys: list[dict[str, ConditionValue]] | None = None
        self.prepared: Any = None

    def value(self, number: int, key: str) -> ConditionValue | None:
        """Raises ApiError where the request itself is wrong: it would be refused in any case."""
        if key.startswith("dynamodb:"):
            return self._touched()[number].get(key) if self._operation.touches is not None else None
        if key in _TAGGING or key.startswith(_ABOUT_TAGS):
            return self._tag(number, key)
        return None

    def resource_policy(self, number: int) -> str | None:
        return attached_policy(self._view, self._call, self._targets[number][1])

    def proposed_policy(self, number: int) -> str | None:
        if self._targets[number][0] != _PROPOSING or self._body.get("ConfirmRemoveSelfResourceAccess"):
            return None
        proposed = self._body.get("Policy")
        return proposed if isinstance(proposed, str) else None

    def _touched(self) -> list[dict[str, ConditionValue]]:
        if self._keys is None:
            self.prepared = self._prepare(self._operation, self._body, self._call)
            assert self._operation.touches is not None
            self._keys = [touch.keys() for touch in self._operation.touches(self._view, self.prepared)]
            assert len(self._keys) == len(self._targets)
        return self._keys

    def _tag(self, number: int, key: str) -> ConditionValue | None:
        listed = self._body.get("Tags") or ()
        request_tags = {tag["Key"]: tag["Value"] for tag in listed}
        table = self._table(number) if key.startswith("aws:resourcetag/") else None
        tags = {"aws:requesttag/": request_tags, "aws:resourcetag/": {} if table is None else table.record["tags"]}
        return tag_value(key, tags, [*request_tags, *(self._body.get("TagKeys") or ())])

    def _table(self, number: int) -> Table | None:
        """The table that the target is, or is part of."""
        parts = self._targets[number][1].split(":", 5)
        if len(parts) < 6 or not parts[5].startswith("table/"):
            return None
        return catalog.find(self._view, self._call.account, parts[3], parts[5].split("/")[1])
