"""The operations that read queries: their results, their list, one event of a result, the fields of a group."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs import keys
from tabletop.logs.insights import runs
from tabletop.logs.insights.discovery import row_of
from tabletop.logs.insights.values import Row, text_of
from tabletop.logs.keys import Position
from tabletop.logs.read import event_form, event_time
from tabletop.logs.records import (
    Record,
    get_group,
    group_arn,
    group_name_of,
    invalid,
    page_token,
    streams_named,
    token_parts,
)
from tabletop.logs.search import Search, merged_events, streams_searched
from tabletop.storage.store import View

Answer = dict[str, Any]

ROWS_PER_ANSWER = 10_000
QUERIES_PER_PAGE = 1_000
FIELDS_EVENTS_MAX = 1_000
FIELDS_SPAN_MS = 15 * 60 * 1000


def get_results(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """GetQueryResults. Rows are answered once the query is complete."""
    path = (call.account, call.region, params["queryId"])
    record = runs.find(view, path)
    at = token_parts(params["nextToken"], int)[0] if params.get("nextToken") else 0
    count = params.get("maxItems") or ROWS_PER_ANSWER
    rows: list[list[Answer]] = []
    total = record["rows"]
    for number in range(max(at, 0) // runs.ROWS_PER_PAGE, -(-total // runs.ROWS_PER_PAGE)):
        page = runs.ROWS.get(view, *path, f"{number:06d}") or {"rows": []}
        first = max(at - number * runs.ROWS_PER_PAGE, 0)
        found = page["rows"][first : first + count - len(rows)]
        rows += [[{"field": name, "value": value} for name, value in row] for row in found]
        if len(rows) == count:
            break
    answer: Answer = {
        "queryLanguage": "CWLI",
        "results": rows,
        "statistics": {
            "recordsMatched": float(record["matched"]),
            "recordsScanned": float(record["scanned"]),
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": float(record["bytes"]),
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(record["groups"])),
        },
        "status": record["status"],
    }
    if max(at, 0) + len(rows) < total:
        answer["nextToken"] = page_token(max(at, 0) + len(rows))
    return answer


def describe_queries(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """Newest first."""
    if params.get("queryLanguage") not in (None, "CWLI"):
        return {"queries": []}
    after = tuple(token_parts(params["nextToken"], int, str)) if params.get("nextToken") else None
    found = [
        ((-record["created"], record["id"]), record)
        for _, record in runs.QUERIES.below(view, call.account, call.region)
        if params.get("logGroupName") in (None, *record["groups"]) and params.get("status") in (None, record["status"])
    ]
    rest = sorted((each for each in found if after is None or each[0] > after), key=lambda each: each[0])
    limit = params.get("maxResults") or QUERIES_PER_PAGE
    answer: Answer = {"queries": [_summary(record) for _, record in rest[:limit]]}
    if len(rest) > limit:
        answer["nextToken"] = page_token(*rest[limit - 1][0])
    return answer


def _summary(record: Record) -> Answer:
    return {
        "queryLanguage": "CWLI",
        "queryId": record["id"],
        "queryString": record["text"],
        "status": record["status"],
        "createTime": record["created"],
        "logGroupName": record["groups"][0],
        "queryDuration": record["duration"],
        "bytesScanned": float(record["bytes"]),
        "userIdentity": record["user"],
    }


def list_groups_of_query(view: View, call: Call, params: dict[str, Any]) -> Answer:
    record = runs.find(view, (call.account, call.region, params["queryId"]))
    return {"logGroupIdentifiers": [group_arn(call.account, call.region, name) for name in record["groups"]]}


def get_record(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """GetLogRecord: all fields of the event that a row's ``@ptr`` names."""
    try:
        name, stream_number, timestamp, sequence = token_parts(params["logRecordPointer"], str, int, int, int)
    except ApiError:
        raise invalid("The specified logRecordPointer is invalid.") from None
    group = get_group(view, call.account, call.region, name)
    stream = next((one for one in streams_named(view, group) if one["number"] == stream_number), None)
    raw = None
    key = b""
    if stream is not None and 0 <= timestamp <= keys.TIMESTAMP_MAX and 0 <= sequence < 2**63:
        key = keys.event_key(group["number"], stream_number, Position(timestamp, sequence))
        raw = view.get(key)
    if raw is None or stream is None:
        # Inferred words.
        raise ApiError("ResourceNotFoundException", "The specified log record does not exist.")
    event = event_form(key, raw) | {"logStreamName": stream["name"]}
    row = row_of(event, call.account, name, (name, stream_number, timestamp, sequence))
    for field in ("@timestamp", "@ingestionTime"):
        row[field] = int(row[field])
    return {"logRecord": {field: text_of(value) for field, value in row.items()}}


def get_group_fields(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """GetLogGroupFields: the fields of up to ``FIELDS_EVENTS_MAX`` events around a time, and how many of those have them.

    As AWS documents it: of the 15 minutes before now, or the 8 before and after ``time`` (seconds).
    """
    group = get_group(view, call.account, call.region, group_name_of(params, call.account, call.region))
    now_ms = int(call.now * 1000)
    first, last = now_ms - FIELDS_SPAN_MS, now_ms
    if params.get("time"):
        first, last = params["time"] * 1000 - 480_000, params["time"] * 1000 + 480_000
    start, stop = Position(event_time(first, 0), 0), Position(event_time(last, 0) + 1, 0)
    search = Search(group["name"], None, "", start, stop, None, True, bool, 0)
    streams = list(streams_searched(view, group, search, start, stop))
    counts: dict[str, int] = {}
    total = 0
    for position, name, key, raw in merged_events(view, group, streams, start, stop, True):
        if total == FIELDS_EVENTS_MAX:
            break
        total += 1
        event = event_form(key, raw) | {"logStreamName": name}
        row: Row = row_of(event, call.account, group["name"], (group["name"], keys.stream_of(key), *position))
        for field in row:
            counts[field] = counts.get(field, 0) + 1
    counts.pop("@ptr", None)
    return {"logGroupFields": [{"name": name, "percent": 100 * count // total} for name, count in counts.items()]}
