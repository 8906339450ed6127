"""The judge of the torture finds what it is there to find: a verdict of no problems must mean something."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.torture_streams import Replay


def record(sequence: int, before: str | None, after: str | None) -> dict[str, Any]:
    images = {"OldImage": before, "NewImage": after}
    members = {name: {"id": {"S": "a"}, "value": {"S": value}} for name, value in images.items() if value is not None}
    event = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    return {"eventName": event, "dynamodb": {"Keys": {"id": {"S": "a"}}, "SequenceNumber": str(sequence)} | members}


HISTORY = [record(1, None, "x"), record(2, "x", "y"), record(3, "y", None), record(4, None, "z")]


# A stream without fault has none, and a record that is missing, doubled, out of order or of the wrong kind is found.
@pytest.mark.parametrize(
    ("records", "found"),
    [
        (HISTORY, False),
        (HISTORY[:1] + HISTORY[2:], True),
        ([HISTORY[0], HISTORY[0], *HISTORY[1:]], True),
        ([HISTORY[0], HISTORY[2], HISTORY[1], HISTORY[3]], True),
        ([HISTORY[0] | {"eventName": "MODIFY"}], True),
        ([record(1, None, "x"), record(2, "x", "x")], True),
    ],
)
def test_replay(records: list[dict[str, Any]], found: bool) -> None:
    replay = Replay("table", ("id",))
    problems: list[str] = []
    for each in records:
        replay.apply(each, problems)
    assert bool(problems) == found
