"""The fields of an event: those that every event has, those of its JSON, and those of Lambda's own lines."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tabletop.logs.insights.values import Moment, Row
from tabletop.logs.records import page_token

JSON_FIELDS_MAX = 200
"""Of one event, as on AWS."""

LAMBDA_GROUPS = "/aws/lambda/"
_KINDS = ("START", "END", "REPORT", "INIT_START")
_MEASURED = {
    "Duration": ("@duration", 1),
    "Billed Duration": ("@billedDuration", 1),
    "Init Duration": ("@initDuration", 1),
    "Memory Size": ("@memorySize", 1_000_000),
    "Max Memory Used": ("@maxMemoryUsed", 1_000_000),
}
"""In a REPORT line: the field, and what its unit counts for (AWS gives memory in bytes, a megabyte being a million)."""
_MEASURE = re.compile(r"([A-Za-z ]+): ([0-9.]+) (?:ms|MB)")
_REQUEST_ID = re.compile(r"RequestId: ([0-9a-f-]{36})|\t([0-9a-f-]{36})\t")


def row_of(event: dict[str, Any], account: str, group: str, pointer: tuple[str, int, int, int]) -> Row:
    """``event`` has logStreamName as well. ``pointer``: group, stream number and position, for ``@ptr``."""
    message = event["message"]
    row: Row = {
        "@timestamp": Moment(event["timestamp"]),
        "@ingestionTime": Moment(event["ingestionTime"]),
        "@message": message,
        "@logStream": event["logStreamName"],
        "@log": f"{account}:{group}",
        "@ptr": page_token(*pointer),
    }
    if group.startswith(LAMBDA_GROUPS):
        _add_lambda(row, message)
    if message.lstrip()[:1] == "{":
        try:
            document = orjson.loads(message)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return row
        if isinstance(document, dict):
            _add_json(row, document)
    return row


def _add_json(row: Row, document: dict[str, Any]) -> None:
    """``{"a": {"b": [1]}}`` is the field ``a.b.0``."""
    waiting: list[tuple[str, Any]] = [(name, value) for name, value in reversed(document.items())]
    left = JSON_FIELDS_MAX
    while waiting and left:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}.{member}", inner) for member, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(f"{name}.{at}", value[at]) for at in range(min(len(value), left) - 1, -1, -1)]
        elif value is not None:
            row.setdefault(name, value)
            left -= 1


def _add_lambda(row: Row, message: str) -> None:
    kind = message.split(" ", 1)[0].rstrip(":")
    if kind in _KINDS:
        row["@type"] = kind
    found = _REQUEST_ID.search(message, 0, 400)
    if found is not None:
        row["@requestId"] = found[1] or found[2]
    if kind == "REPORT":
        for name, amount in _MEASURE.findall(message[:2_000]):
            if name.strip() in _MEASURED:
                field, unit = _MEASURED[name.strip()]
                row[field] = float(amount) * unit
