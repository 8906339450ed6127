"""What policies may ask about a mapping, or about the request that makes one: its function, and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletop.base.access import ConditionValue, NoFacts, tag_value
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import names
from tabletop.functions.event_sources import mappings
from tabletop.storage.store import View


class MappingFacts(NoFacts):
    """Of one request for event source mappings, over one view."""

    def __init__(self, view: View, call: Call, params: Mapping[str, Any]) -> None:
        self._view = view
        self._call = call
        self._params = params

    def value(self, number: int, key: str) -> ConditionValue | None:
        mapping = self._mapping()
        if key == "lambda:functionarn":
            return self._function_arn(mapping)
        added = self._params.get("Tags") or {}
        tags = {"aws:requesttag/": added, "aws:resourcetag/": mapping.get("tags", {})}
        return tag_value(key, tags, list(added))

    def _mapping(self) -> Mapping[str, Any]:
        if "UUID" not in self._params:
            return {}
        call = self._call
        return mappings.mappings.get(self._view, call.account, call.region, self._params["UUID"]) or {}

    def _function_arn(self, mapping: Mapping[str, Any]) -> str | None:
        """Of the function that the request names, or else of the mapping's own."""
        if self._params.get("FunctionName"):
            try:
                return names.parse(self._call, self._params["FunctionName"]).arn
            except ApiError:
                return None
        if not mapping:
            return None
        return names.function_arn(mapping["account"], mapping["region"], mapping["function"], mapping["qualifier"])
