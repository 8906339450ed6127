"""What a function's answer says of its batch: which record failed first, and the state of its tumbling window.

AWS documents for ReportBatchItemFailures: an empty or null list, an empty or null answer are a full success; an empty
or null itemIdentifier and a wrong member name are a full failure; otherwise the lowest sequence number that is reported
is where the batch is taken up again. An answer that is no object, and an identifier that is not of the batch, are
full failures here (inferred).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Verdict:
    """``first_failed``: an index into the batch, None when all of it is done. ``fault``: why the answer is a failure."""

    first_failed: int | None
    state: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


def judge(payload: bytes, sequence_numbers: list[str], *, report_failures: bool, windowed: bool) -> Verdict:
    """The verdict of a call that ended without function error."""
    if not report_failures and not windowed:
        return Verdict(None)
    try:
        answer = orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        return Verdict(0, fault="the answer is not JSON")
    if answer is None:
        answer = {}
    if not isinstance(answer, dict):
        return Verdict(0, fault="the answer is not an object")
    state: dict[str, Any] = {}
    if windowed:
        given = answer.get("state")
        if given is not None and not isinstance(given, dict):
            return Verdict(0, fault="the state is not an object")
        state = given or {}
    if not report_failures:
        return Verdict(None, state)
    reported = answer.get("batchItemFailures")
    if not reported:
        return Verdict(None, state)
    places = {number: place for place, number in enumerate(sequence_numbers)}
    if not isinstance(reported, list):
        return Verdict(0, fault="batchItemFailures is not a list")
    failed = []
    for entry in reported:
        identifier = entry.get("itemIdentifier") if isinstance(entry, dict) else None
        if not isinstance(identifier, str) or identifier not in places:
            return Verdict(0, fault="an itemIdentifier is missing or not of this batch")
        failed.append(places[identifier])
    return Verdict(min(failed), state)
