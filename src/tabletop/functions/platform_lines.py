"""What the platform itself writes into a function's log: START, END, REPORT and failures; as text or as JSON.

A line is "" where the function's log format or level has none for the occasion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tabletop.functions.outcomes import Outcome, failure
from tabletop.functions.sandbox import Ending

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a REPORT line. ``init_s`` is None for a warm invocation."""

    duration_s: float
    init_s: float | None
    memory_mb: int
    used_bytes: int

    @property
    def billed_ms(self) -> int:
        """Since August 2025 AWS bills the initialisation too."""
        return math.ceil((self.duration_s + (self.init_s or 0.0)) * 1000)

    @property
    def used_mb(self) -> int:
        return min(self.memory_mb, math.ceil(self.used_bytes / _MEBIBYTE))


class TextLines:
    """The classic form. ``now`` is in seconds since the epoch."""

    def start(self, request_id: str, version: str, now: float) -> str:
        return f"START RequestId: {request_id} Version: {version}"

    def failure(self, ending: Ending, request_id: str, timeout_s: float, now: float) -> str:
        if ending.kind == "timeout":
            return f"{_moment(now)} {request_id} Task timed out after {timeout_s:.2f} seconds\n"
        if ending.kind == "exit":
            error_type, reason = failure(ending, timeout_s)
            return f"RequestId: {request_id} Error: {reason}\n{error_type}"
        return ""

    def end(self, request_id: str) -> str:
        return f"END RequestId: {request_id}"

    def report(self, request_id: str, report: Report, outcome: Outcome, now: float) -> str:
        line = (
            f"REPORT RequestId: {request_id}\tDuration: {report.duration_s * 1000:.2f} ms\t"
            f"Billed Duration: {report.billed_ms} ms\tMemory Size: {report.memory_mb} MB\t"
            f"Max Memory Used: {report.used_mb} MB\t"
        )
        if report.init_s is not None:
            line += f"Init Duration: {report.init_s * 1000:.2f} ms\t"
        status = _status(outcome)
        if status == "timeout":
            line += "Status: timeout"
        elif status == "error":
            line += f"Status: error\tError Type: {outcome.error_type}"
        return line


class JsonLines:
    """The form for the log format JSON; at the system log level WARN only failures are told."""

    def __init__(self, level: str) -> None:
        self._quiet = level == "WARN"

    def start(self, request_id: str, version: str, now: float) -> str:
        return "" if self._quiet else _entry(now, "platform.start", {"requestId": request_id, "version": version})

    def failure(self, ending: Ending, request_id: str, timeout_s: float, now: float) -> str:
        return ""

    def end(self, request_id: str) -> str:
        return ""

    def report(self, request_id: str, report: Report, outcome: Outcome, now: float) -> str:
        status = _status(outcome)
        if self._quiet and status == "success":
            return ""
        metrics: dict[str, Any] = {
            "durationMs": round(report.duration_s * 1000, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.used_mb,
        }
        if report.init_s is not None:
            metrics["initDurationMs"] = round(report.init_s * 1000, 3)
        record: dict[str, Any] = {"requestId": request_id, "metrics": metrics, "status": status}
        if status != "success":
            record["errorType"] = outcome.error_type
        return _entry(now, "platform.report", record)


def lines_for(logging: dict[str, Any]) -> TextLines | JsonLines:
    """``logging`` is the version's LoggingConfig."""
    return JsonLines(logging.get("SystemLogLevel", "INFO")) if logging["LogFormat"] == "JSON" else TextLines()


def _status(outcome: Outcome) -> str:
    if outcome.error_type == "Sandbox.Timedout":
        return "timeout"
    return "error" if outcome.error and outcome.error_type.startswith(("Runtime.", "Sandbox.")) else "success"


def _entry(now: float, kind: str, record: dict[str, Any]) -> str:
    return orjson.dumps({"time": _moment(now), "type": kind, "record": record}).decode()


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
