"""What policies may ask about a request: its tags, and those of the groups that it is about."""

from __future__ import annotations

from typing import Any

from tabletop.base.access import ConditionValue, NoFacts, tag_value
from tabletop.base.call import Call
from tabletop.logs.records import GROUPS, group_arn
from tabletop.logs.targets import targets
from tabletop.storage.store import View


class LogsFacts(NoFacts):
    """Of one request, over one view: a group's tags are looked up when a policy asks for them."""

    def __init__(self, view: View, action: str, call: Call, params: dict[str, Any]) -> None:
        self._view = view
        self._call = call
        self._targets = targets(action, call, params)
        tags, keys = params.get("tags"), params.get("tagKeys")
        if isinstance(tags, list):
            # UntagLogGroup names the keys to take off there.
            tags, keys = None, tags
        self._added = tags if isinstance(tags, dict) else {}
        self._keys = [*self._added, *(keys if isinstance(keys, list) else ())]

    def value(self, number: int, key: str) -> ConditionValue | None:
        tags = {"aws:requesttag/": self._added}
        if key.startswith("aws:resourcetag/"):
            tags["aws:resourcetag/"] = self._group_tags(number)
        return tag_value(key, tags, self._keys)

    def _group_tags(self, number: int) -> dict[str, str]:
        call = self._call
        arn, prefix = self._targets[number][1], group_arn(self._call.account, self._call.region, "")
        # A group's name has no colon: what follows one is ":*" or the stream.
        name = arn.removeprefix(prefix).split(":", 1)[0] if arn.startswith(prefix) else ""
        group = GROUPS.get(self._view, call.account, call.region, name) if name and "\0" not in name else None
        return {} if group is None else group["tags"]
