"""Lambda's facts for policies: a function's own policy and tags, and the keys about passing a role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tabletop.base.access import ConditionValue, NoFacts, tag_value
from tabletop.functions import registry
from tabletop.functions.names import Reference
from tabletop.storage.store import View

_FROM_PARAMETERS = {
    "lambda:layer": ("Layers",),
    "lambda:principal": ("Principal",),
    "lambda:functionurlauthtype": ("AuthType", "FunctionUrlAuthType"),
}
"""Condition keys whose value stands in the request."""


class FunctionFacts(NoFacts):
    """Of one request, over one view. ``reference``: the function that it is about, if there is one."""

    def __init__(self, view: View, reference: Reference | None, params: Mapping[str, Any]) -> None:
        self._view = view
        self._reference = reference
        self._params = params

    def value(self, number: int, key: str) -> ConditionValue | None:
        if key == "iam:passedtoservice":
            return "lambda.amazonaws.com" if number else None
        if key == "lambda:functionarn":
            return None if self._reference is None else self._reference.arn
        if key in _FROM_PARAMETERS:
            return next((self._params[name] for name in _FROM_PARAMETERS[key] if self._params.get(name)), None)
        added = self._params.get("Tags") or {}
        # Those of a role that is passed are known to whoever authorises.
        resource = {} if number else self._function().get("tags", {})
        tags = {"aws:requesttag/": added, "aws:resourcetag/": resource}
        return tag_value(key, tags, [*added, *(self._params.get("TagKeys") or ())])

    def resource_policy(self, number: int) -> str | None:
        if number or self._reference is None:
            return None
        statements = self._function().get("policies", {}).get(self._reference.qualifier)
        return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode() if statements else None

    def _function(self) -> Mapping[str, Any]:
        if self._reference is None:
            return {}
        reference = self._reference
        return registry.functions.get(self._view, reference.account, reference.region, reference.name) or {}
