"""Structured log lines on stderr: a static text, and fields as key=value or as one JSON object a line.

    log = Log("server")
    log.info("listening", port=4566)

gives ``2026-01-31T12:00:00.000Z info server listening port=4566``. A level that is off costs one comparison.
"""

from __future__ import annotations

import json
import sys
import traceback
from datetime import UTC, datetime
from typing import Final, TextIO

from tabletop.base.clock import Clock, system_clock

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 99}


class _Sink:
    """Where lines go: one per process, set once at start by ``configure``."""

    threshold = LEVELS["warning"]
    as_json = False
    clock: Clock = staticmethod(system_clock)
    stream: TextIO | None = None
    """None means whatever ``sys.stderr`` is when a line is written."""


def configure(
    level: str = "warning", *, as_json: bool = False, clock: Clock = system_clock, stream: TextIO | None = None
) -> None:
    """Set the process's log. ``level`` is one of ``LEVELS``."""
    _Sink.threshold = LEVELS[level]
    _Sink.as_json = as_json
    _Sink.clock = staticmethod(clock)
    _Sink.stream = stream


class Log:
    """The log of one part of the program, named once at the head of its file."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, text: str, **fields: object) -> None:
        if _Sink.threshold <= 10:
            _write("debug", self.name, text, fields, None)

    def info(self, text: str, **fields: object) -> None:
        if _Sink.threshold <= 20:
            _write("info", self.name, text, fields, None)

    def warning(self, text: str, *, error: BaseException | None = None, **fields: object) -> None:
        if _Sink.threshold <= 30:
            _write("warning", self.name, text, fields, error)

    def error(self, text: str, *, error: BaseException | None = None, **fields: object) -> None:
        """``error`` adds the exception's traceback as a field."""
        if _Sink.threshold <= 40:
            _write("error", self.name, text, fields, error)


def _write(level: str, name: str, text: str, fields: dict[str, object], error: BaseException | None) -> None:
    if error is not None:
        fields["traceback"] = "".join(traceback.format_exception(error)).rstrip()
    moment = datetime.fromtimestamp(_Sink.clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if _Sink.as_json:
        row = {"time": moment, "level": level, "part": name, "text": text, **fields}
        line = json.dumps(row, default=str)
    else:
        line = " ".join((moment, level, name, text, *(f"{key}={_plain(value)}" for key, value in fields.items())))
    stream = _Sink.stream or sys.stderr
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):
        # A log that cannot be written (full disk, closed terminal) must not end the request that logs.
        pass


def _plain(value: object) -> str:
    """The value as one word, or quoted: a line break in a field must not look like a line of its own."""
    text = str(value)
    if text and text.isprintable() and " " not in text and '"' not in text:
        return text
    return json.dumps(text, ensure_ascii=False)
