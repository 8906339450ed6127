"""Lists in pages of bounded length, with the name of the last entry as the marker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from tabletop.functions import limits

Entry = TypeVar("Entry")


def page(
    entries: Iterable[tuple[str, Entry]], params: dict[str, Any], items_max: int = limits.LIST_ITEMS_MAX
) -> tuple[list[Entry], dict[str, str]]:
    """(the page, {"NextMarker": ...} where more follow) of (name, entry) pairs that begin behind the request's Marker."""
    bound = min(params.get("MaxItems") or items_max, items_max)
    listed: list[Entry] = []
    last = ""
    for name, entry in entries:
        if len(listed) == bound:
            return listed, {"NextMarker": last}
        listed.append(entry)
        last = name
    return listed, {}
