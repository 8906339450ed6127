"""Tables that somebody looks for in the wrong region or account: said in the log, and kept for `tabletop status`.

A table belongs to the region and account of the request that made it, as on AWS. A client with another region (an SDK's
default, a forgotten profile) is told ResourceNotFoundException, and its user believes the table lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.log import Log
from tabletop.dynamodb import keys
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, Store, View, after_prefix

SHOWN_S = 3600.0
"""How long a search stays of interest."""
NAMES_MAX = 100
"""Searches that a process notes; a program that invents names must not fill the store."""

_searches = Documents(prefixes.META, "dynamodb.misplaced")
_log = Log("dynamodb")


@dataclass(frozen=True, slots=True)
class Search:
    """A table that was looked for where it is not. ``found``: "REGION (account ACCOUNT)" of each place where it is."""

    name: str
    region: str
    account: str
    found: tuple[str, ...]
    at: float


class Misplaced:
    """What this process has noted; each search once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: set[tuple[str, str, str]] = set()

    def note(self, call: Call, body: dict[str, Any]) -> None:
        """A table of the request was not found. Costs a walk over the catalog, the first time for each name and place."""
        for name in _names(body):
            place = (call.account, call.region, name)
            if place in self._noted or len(self._noted) >= NAMES_MAX:
                continue
            self._noted.add(place)
            with self._store.view() as view:
                found = _places(view, name)
            if found:
                search = Search(name, call.region, call.account, found, call.now)
                _log.warning(
                    "a table was looked for where it is not",
                    table=name,
                    region=call.region,
                    account=call.account,
                    found=", ".join(found),
                )
                self._store.submit(_keep, search, _nothing)


def recent(view: View, now: float) -> Iterator[Search]:
    """Searches of the last hour."""
    for _, document in _searches.below(view):
        if now - document["at"] <= SHOWN_S:
            yield Search(**{**document, "found": tuple(document["found"])})


def _keep(view: View, search: Search, now: float) -> tuple[None, Batch]:
    batch = Batch()
    document = {
        "name": search.name,
        "region": search.region,
        "account": search.account,
        "found": search.found,
        "at": search.at,
    }
    _searches.put(batch, document, search.account, search.region, search.name)
    return None, batch


def _nothing(answer: object) -> None:
    """Nobody waits for a note; one that could not be kept is in the log all the same."""


def _names(body: dict[str, Any]) -> Iterator[str]:
    for member in ("TableName", "SourceTableName"):
        if isinstance(body.get(member), str):
            yield body[member].rsplit("/", 1)[-1]
    requests = body.get("RequestItems")
    if isinstance(requests, dict):
        yield from (name.rsplit("/", 1)[-1] for name in requests)


def _places(view: View, wanted: str) -> tuple[str, ...]:
    prefix = keys.catalog_prefix()
    places = (keys.catalog_parts(key) for key, _ in view.range(prefix, after_prefix(prefix)))
    return tuple(f"{region} (account {account})" for account, region, name in places if name == wanted)
