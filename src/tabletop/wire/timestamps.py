"""Timestamps on the wire: epoch seconds, ISO 8601 and the HTTP date, to and from seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

Timestamp = float | int | datetime

EARLIEST_S = -62_135_596_800.0
LATEST_S = 253_402_300_799.999
"""Years 1 to 9999: what a date can be written for."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*([Zz]|[+-]\d\d:?\d\d)?")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?")


def epoch_seconds(value: Timestamp) -> float | int:
    """A datetime without a zone is taken as UTC."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.timestamp()
    return value


def unix_number(value: Timestamp) -> float | int:
    """The JSON number of a timestamp: milliseconds at most, and an integer where there are none."""
    seconds = round(epoch_seconds(value), 3)
    whole = int(seconds)
    return whole if whole == seconds else seconds


def iso8601(value: Timestamp) -> str:
    """``2024-01-31T12:00:00Z``, with milliseconds only where there are some."""
    millis = round(epoch_seconds(value) * 1000)
    seconds, millis = divmod(millis, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    text = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}"
    return f"{text}.{millis:03}Z" if millis else f"{text}Z"


def http_date(value: Timestamp) -> str:
    return formatdate(int(epoch_seconds(value)), usegmt=True)


def parse_number(value: object) -> float:
    """ValueError for what is no number or lies outside the years 1 to 9999."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    if not EARLIEST_S <= value <= LATEST_S:
        raise ValueError("out of range")
    return float(value)


def parse_text(text: str, expected: str) -> float:
    """Seconds since the epoch of a text in the form ``expected`` (iso8601, rfc822, unixTimestamp), or in another of
    them: AWS's own parsers are as lenient. ValueError for everything else."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return parse_number(float(text))
    if _ISO.fullmatch(text):
        return parse_number(epoch_seconds(datetime.fromisoformat(text.upper().replace(" ", ""))))
    if expected == "rfc822" and len(text) < 64 and text.isascii():
        try:
            return parse_number(epoch_seconds(parsedate_to_datetime(text)))
        except (TypeError, OverflowError, IndexError) as error:
            raise ValueError("not a date") from error
    raise ValueError("not a timestamp")


def render(value: Timestamp, form: str) -> str:
    """A timestamp as the text of an XML element, header or query value."""
    if form == "iso8601":
        return iso8601(value)
    if form == "rfc822":
        return http_date(value)
    return str(unix_number(value))
