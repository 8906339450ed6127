"""Queries as they are kept, and every plan that changes them.

    query        account, region, id            the query's record
    query_open   account, region, id            {} while the query has not ended
    query_rows   account, region, id, number    {"rows": [...]}: results, ``ROWS_PER_PAGE`` a page

A query's record: id, text, groups (names), start, stop (milliseconds, both inclusive), limit (or null), status, created
(milliseconds), duration (milliseconds), rows (their number), matched, scanned, bytes, user (the caller's ARN). A row is
a list of [field, text].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.insights.query import compile_query
from tabletop.logs.records import Record, get_group, invalid, name_in_arn
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View, after_prefix

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]
Path = tuple[str, str, str]
"""(account, region, id)"""

QUERIES = Documents(prefixes.LOGS, "query")
OPEN = Documents(prefixes.LOGS, "query_open")
ROWS = Documents(prefixes.LOGS, "query_rows")

ROWS_PER_PAGE = 1_000
OPEN_MAX = 100
"""AWS allows 100 queries at once, those of its console included."""
GROUPS_MAX = 50
KEPT_MS = 7 * 24 * 3600 * 1000
EXPIRED_PER_STEP = 20
_MILLISECONDS_FROM = 100_000_000_000
"""Times from here on are milliseconds: as seconds they would be after the year 5138 (observed by users, not documented)."""

_BEGUN = ("Scheduled", "Running")


def start(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """StartQuery. ``params`` have the new ``queryId`` as well."""
    call, params = request
    if params.get("queryLanguage") not in (None, "CWLI"):
        raise invalid(f"The query language {params['queryLanguage']} is not available here: only CWLI is.")
    names = _group_names(call, params)
    for name in names:
        get_group(view, call.account, call.region, name)
    compile_query(params["queryString"], params.get("limit"))
    begin, end = _milliseconds(params["startTime"]), _milliseconds(params["endTime"], last=True)
    if end < begin:
        # Inferred words.
        raise invalid("End time should not be less than start time.")
    if OPEN.count(view, call.account, call.region) >= OPEN_MAX:
        raise ApiError("LimitExceededException", "Account maximum query concurrency limit reached.")  # recalled words
    record = {
        "id": params["queryId"],
        "text": params["queryString"],
        "groups": names,
        "start": begin,
        "stop": end,
        "limit": params.get("limit"),
        "status": "Scheduled",
        "created": int(now * 1000),
        "duration": 0,
        "rows": 0,
        "matched": 0,
        "scanned": 0,
        "bytes": 0,
        "user": call.principal.arn,
    }
    batch = Batch()
    path = (call.account, call.region, record["id"])
    QUERIES.put(batch, record, *path)
    OPEN.put(batch, {}, *path)
    return {"queryId": record["id"]}, batch


def _group_names(call: Call, params: dict[str, Any]) -> list[str]:
    given = [member for member in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if params.get(member)]
    if len(given) != 1:
        raise invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
    named = params[given[0]]
    names = [named] if isinstance(named, str) else [name_in_arn(each, call.account, call.region) for each in named]
    if len(names) > GROUPS_MAX:
        raise invalid(f"A query can have no more than {GROUPS_MAX} log groups.")
    return list(dict.fromkeys(names))


def _milliseconds(given: int, *, last: bool = False) -> int:
    """A time of StartQuery; ``last``: the end of its second."""
    if given >= _MILLISECONDS_FROM:
        return given
    return given * 1000 + (999 if last else 0)


def stop(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    path = (call.account, call.region, params["queryId"])
    record = find(view, path)
    if record["status"] not in _BEGUN:
        # Inferred words.
        raise invalid("The specified query is not in a state that can be stopped: it has ended.")
    batch = Batch()
    _end(batch, path, record | {"status": "Cancelled"}, now)
    return {"success": True}, batch


class Progress(NamedTuple):
    """What a run found so far, or in the end. ``status``: the one that the query gets."""

    path: Path
    status: str
    rows: int = 0
    matched: int = 0
    scanned: int = 0
    bytes: int = 0


def progress(view: View, request: Progress, now: float) -> tuple[bool, Batch | None]:
    """Note how far a query has come. False when it was stopped meanwhile, or is gone."""
    record = QUERIES.get(view, *request.path)
    if record is None or record["status"] not in _BEGUN:
        return False, None
    batch = Batch()
    changed = record | dict(zip(Progress._fields[1:], request[1:], strict=True))
    if request.status in _BEGUN:
        QUERIES.put(batch, changed, *request.path)
    else:
        _end(batch, request.path, changed, now)
    return True, batch


def _end(batch: Batch, path: Path, record: Record, now: float) -> None:
    record["duration"] = max(int(now * 1000) - record["created"], 0)
    QUERIES.put(batch, record, *path)
    OPEN.delete(batch, *path)


class Page(NamedTuple):
    path: Path
    number: int
    rows: list[list[tuple[str, str]]]


def put_page(view: View, request: Page, now: float) -> tuple[None, Batch]:
    batch = Batch()
    ROWS.put(batch, {"rows": request.rows}, *request.path, f"{request.number:06d}")
    return None, batch


def expire_step(view: View, request: None, now: float) -> tuple[bool, Batch | None]:
    """Delete some queries that are a week old, with their results. True while more may be left."""
    batch = Batch()
    base = QUERIES.key()
    expired = 0
    for key, raw in view.range(base, after_prefix(base)):
        record = orjson.loads(raw)
        if record["created"] > now * 1000 - KEPT_MS or record["status"] in _BEGUN:
            continue
        account, region, identifier = (part.decode() for part in key[len(base) : -1].split(b"\0"))
        for number in range(-(-record["rows"] // ROWS_PER_PAGE)):
            ROWS.delete(batch, account, region, identifier, f"{number:06d}")
        QUERIES.delete(batch, account, region, identifier)
        expired += 1
        if expired == EXPIRED_PER_STEP:
            return True, batch
    return False, batch or None


def find(view: View, path: Path) -> Record:
    record = QUERIES.get(view, *path)
    if record is None:
        # Inferred words.
        raise ApiError("ResourceNotFoundException", "The specified query does not exist.")
    return record


def unfinished(view: View) -> Iterator[Path]:
    """The queries of all accounts and regions that have not ended."""
    base = OPEN.key()
    for key, _ in view.range(base, after_prefix(base)):
        account, region, identifier = (part.decode() for part in key[len(base) : -1].split(b"\0"))
        yield account, region, identifier
