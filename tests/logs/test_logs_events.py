"""Reading events: GetLogEvents both ways, FilterLogEvents over many streams, and ``append``."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.logs import search


def messages(page: dict[str, Any]) -> list[str]:
    return [event["message"] for event in page["events"]]


def every_page(client: Any, **params: Any) -> list[dict[str, Any]]:
    """All events of a FilterLogEvents, page by page."""
    events: list[dict[str, Any]] = []
    for _ in range(1000):
        page = client("FilterLogEvents", **params)
        events += page["events"]
        if "nextToken" not in page:
            return events
        params["nextToken"] = page["nextToken"]
    raise AssertionError("pages without end")


# From the head forwards, page by page, until the same token comes back; an event put then is found with that token.
def test_forwards(client: Any) -> None:
    t = client.now_ms
    client.append("g", "s", *[(t + at, str(at)) for at in range(5)])
    names = {"logGroupName": "g", "logStreamName": "s", "limit": 2}
    page = client("GetLogEvents", **names, startFromHead=True)
    assert page["events"][0] == {"timestamp": t, "message": "0", "ingestionTime": t}
    assert re.fullmatch(r"f/\d{56}/s", page["nextForwardToken"])
    assert re.fullmatch(r"b/\d{56}/s", page["nextBackwardToken"])
    found = messages(page)
    for _ in range(3):
        token = page["nextForwardToken"]
        page = client("GetLogEvents", **names, startFromHead=True, nextToken=token)
        found += messages(page)
    assert found == ["0", "1", "2", "3", "4"]
    assert page["nextForwardToken"] == token
    assert messages(client("GetLogEvents", **names, nextToken=page["nextBackwardToken"])) == ["3", "4"]
    client.append("g", "s", (t + 4, "late"))
    assert messages(client("GetLogEvents", **names, nextToken=token)) == ["late"]


# From the end backwards: each page is in order of time; the forward token of the first page goes on behind its end.
def test_backwards(client: Any) -> None:
    client.append("g", "s", *[(client.now_ms + at, str(at)) for at in range(5)])
    names = {"logGroupName": "g", "logStreamName": "s", "limit": 2}
    first = page = client("GetLogEvents", **names)
    pages = [messages(page)]
    for _ in range(3):
        token = page["nextBackwardToken"]
        page = client("GetLogEvents", **names, nextToken=token)
        pages.append(messages(page))
    assert pages == [["3", "4"], ["1", "2"], ["0"], []]
    assert page["nextBackwardToken"] == token
    assert messages(client("GetLogEvents", **names, nextToken=first["nextForwardToken"])) == []
    assert messages(client("GetLogEvents", **names, nextToken=page["nextForwardToken"])) == ["0", "1"]


# GetLogEvents ends before its end time, FilterLogEvents with it, as their pages say.
def test_time_ranges(client: Any) -> None:
    t = client.now_ms
    client.append("g", "s", *[(t + at, str(at)) for at in range(5)])
    times = {"startTime": t + 1, "endTime": t + 3}
    assert messages(client("GetLogEvents", logGroupName="g", logStreamName="s", **times)) == ["1", "2"]
    assert messages(client("FilterLogEvents", logGroupName="g", **times)) == ["1", "2", "3"]
    far = {"startTime": 2**63 - 1, "endTime": 0}
    assert messages(client("GetLogEvents", logGroupName="g", logStreamName="s", **far)) == []
    assert messages(client("FilterLogEvents", logGroupName="g", **far)) == []


# An empty stream has tokens too, and the forward one finds the first event when it comes.
def test_empty_stream(client: Any) -> None:
    names = client.stream()
    page = client("GetLogEvents", **names)
    assert page["events"] == []
    client.append("g", "s", (client.now_ms, "first"))
    assert messages(client("GetLogEvents", **names, nextToken=page["nextForwardToken"])) == ["first"]


# Any other text is no token.
@pytest.mark.parametrize("token", ["", "x", "f/1/s", "f/" + "9" * 64 + "/s", "f/" + "1" * 56 + "/s", "bnVsbA=="])
def test_false_tokens(client: Any, token: str) -> None:
    names = client.stream()
    for action in ("GetLogEvents", "FilterLogEvents"):
        params = names if action == "GetLogEvents" else {"logGroupName": "g"}
        if token:
            with pytest.raises(ApiError) as caught:
                client(action, **params, nextToken=token)
            assert caught.value.code == "InvalidParameterException"
        else:
            client(action, **params, nextToken=token)


# A page holds a megabyte at the most, and at least one event.
def test_page_bytes(client: Any) -> None:
    client.append("g", "s", *[(client.now_ms + at, "x" * 400_000) for at in range(5)])
    page = client("GetLogEvents", logGroupName="g", logStreamName="s", startFromHead=True)
    assert len(page["events"]) == 2
    assert len(client("FilterLogEvents", logGroupName="g")["events"]) == 2
    assert len(every_page(client, logGroupName="g")) == 5


# Events of several streams come in one order of time, those of one time in order of arrival, whatever the page size.
def test_search_interleaves(client: Any) -> None:
    rng = random.Random(7)
    t = client.now_ms
    expected = []
    for at in range(60):
        timestamp, stream = t + rng.randrange(20), rng.choice("abc")
        client.append("g", stream, (timestamp, str(at)))
        expected.append((timestamp, at, stream))
    expected.sort()
    for limit in (1, 7, 100):
        found = every_page(client, logGroupName="g", limit=limit, interleaved=True)
        assert [(e["timestamp"], int(e["message"]), e["logStreamName"]) for e in found] == expected
    descending = every_page(client, logGroupName="g", limit=7, startFromHead=False, startTime=t)
    assert [int(event["message"]) for event in descending] == [at for _, at, _ in reversed(expected)]
    assert len({event["eventId"] for event in found}) == 60
    chosen = every_page(client, logGroupName="g", logStreamNames=["a", "b", "a"], limit=9)
    assert [e["message"] for e in chosen] == [str(at) for _, at, stream in expected if stream in "ab"]
    assert every_page(client, logGroupName="g", logStreamNamePrefix="c") == [
        e for e in found if e["logStreamName"] == "c"
    ]


# A search looks at a bounded number of events a page; a page may then be empty, and its token goes on.
def test_search_is_bounded(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE_SCANNED_MAX", 20)
    monkeypatch.setattr(search, "CHUNK_EVENTS", 10)
    t = client.now_ms
    client.append("g", "s", *[(t + at, "noise") for at in range(95)], (t + 95, "the needle"))
    page = client("FilterLogEvents", logGroupName="g", filterPattern="needle")
    assert page["events"] == []
    assert page["searchedLogStreams"] == []
    assert "nextToken" in page
    assert [e["message"] for e in every_page(client, logGroupName="g", filterPattern="needle")] == ["the needle"]


# `aws logs tail --follow` asks again from its newest timestamp and leaves out the ids that it has shown: none twice.
def test_follow(client: Any) -> None:
    t = client.now_ms
    client.append("g", "s", (t, "a"), (t + 1, "b"))
    tail = {"logGroupName": "g", "interleaved": True, "startTime": t - 600_000}
    shown = {event["eventId"] for event in client("FilterLogEvents", **tail)["events"]}
    client.append("g", "t", (t + 1, "c"))
    again = client("FilterLogEvents", **(tail | {"startTime": t + 1}))["events"]
    assert [event["message"] for event in again if event["eventId"] not in shown] == ["c"]


# Names and prefix exclude each other; a stream that is not there, and a pattern that is none, are refused.
@pytest.mark.parametrize(
    "params",
    [
        {"logStreamNames": ["s"], "logStreamNamePrefix": "s"},
        {"logStreamNames": ["no"]},
        {"filterPattern": "{ $.a"},
        {"startFromHead": False},
    ],
)
def test_search_refusals(client: Any, params: dict[str, Any]) -> None:
    client.stream()
    with pytest.raises(ApiError) as caught:
        client("FilterLogEvents", logGroupName="g", **params)
    assert caught.value.code in ("InvalidParameterException", "ResourceNotFoundException")


# The functions' own logs: group and stream come into being, order is by time, and many events take several commits.
def test_append(client: Any) -> None:
    client.append("/aws/lambda/f", "2026/11/24/[$LATEST]x")
    t = client.now_ms
    client.append("/aws/lambda/f", "2026/11/24/[$LATEST]x", (t + 1, "b"), (t, "a"), (t + 1, "c"))
    client.append("/aws/lambda/f", "2026/11/24/[$LATEST]x", *[(t + 2, "d")] * 2500)
    found = every_page(client, logGroupName="/aws/lambda/f")
    assert [event["message"] for event in found] == ["a", "b", "c", *["d"] * 2500]
    assert client.store.writes_max < 1100
