"""StartLiveTail: what a session shows, how it is bounded, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.logs import Logs
from tabletop.logs.live_tail import SESSION_S, SESSIONS_MAX, UPDATE_EVENTS_MAX, LiveTail
from tabletop.wire.eventstream import decode_message

ACCOUNT, REGION = "000000000000", "us-east-1"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
Second = Callable[[Any], Any]


def content(message: bytes) -> tuple[str, dict[str, Any]]:
    decoded = decode_message(message)
    assert decoded is not None
    headers, payload = decoded[0].headers, decoded[0].payload
    return str(headers.get(":event-type", headers.get(":exception-type"))), json.loads(payload)


def follow(client: Any, seconds: list[Second], **params: Any) -> list[tuple[str, dict[str, Any]]]:
    """All messages of a session, which ends after these seconds; what each does is awaited while the session sleeps."""
    now = [0.0]
    left = iter(seconds)

    async def sleep(_: float) -> None:
        done = next(left, None)
        if done is None:
            now[0] = SESSION_S
        else:
            await done(client)

    client.logs = Logs(client.store, LiveTail(lambda: now[0], sleep))

    async def session() -> list[tuple[str, dict[str, Any]]]:
        answer = await client.logs.handle("logs", client.call, "StartLiveTail", params)
        return [content(message) async for message in answer["responseStream"]]

    return asyncio.run(session())


def put(*messages: str, stream: str = "s") -> Second:
    async def second(client: Any) -> None:
        events = [{"timestamp": client.now_ms + at, "message": text} for at, text in enumerate(messages)]
        params = {"logGroupName": "g", "logStreamName": stream, "logEvents": events}
        await client.logs.handle("logs", client.call, "PutLogEvents", params)

    return second


def shown(messages: list[tuple[str, dict[str, Any]]]) -> list[list[str]]:
    return [[one["message"] for one in body["sessionResults"]] for kind, body in messages if kind == "sessionUpdate"]


# A session begins with what was asked, has an update each second, and ends with an exception at its time limit.
def test_a_session(client: Any) -> None:
    client.stream()
    messages = follow(client, [put("one", "no", "oneself"), put("x")], logGroupIdentifiers=[ARN + "g"],
                      logEventFilterPattern="one")  # fmt: skip
    assert [kind for kind, _ in messages] == [
        "initial-response", "sessionStart", "sessionUpdate", "sessionUpdate", "sessionUpdate", "SessionTimeoutException",
    ]  # fmt: skip
    assert messages[1][1]["logEventFilterPattern"] == "one"
    assert shown(messages) == [["one", "oneself"], [], []]
    assert messages[2][1]["sessionResults"][0] == {
        "logStreamName": "s",
        "logGroupIdentifier": ARN + "g",
        "message": "one",
        "timestamp": client.now_ms,
        "ingestionTime": client.now_ms,
    }


# Streams are chosen by name or prefix; what functions write is shown as well; events that were rejected are not.
def test_what_is_shown(client: Any) -> None:
    client.stream()
    client("CreateLogStream", logGroupName="g", logStreamName="other")

    async def appended(client: Any) -> None:
        await client.logs.append(ACCOUNT, REGION, "g", "s", [(5, "old, from a function")])

    async def partly_rejected(client: Any) -> None:
        events = [
            {"timestamp": client.now_ms, "message": "good"},
            {"timestamp": client.now_ms + 10**7, "message": "far"},
        ]
        params = {"logGroupName": "g", "logStreamName": "s", "logEvents": events}
        await client.logs.handle("logs", client.call, "PutLogEvents", params)

    seconds = [put("a"), put("b", stream="other"), appended, partly_rejected]
    for chosen in ({"logStreamNames": ["s"]}, {"logStreamNamePrefixes": ["s"]}):
        messages = follow(client, seconds, logGroupIdentifiers=["g"], **chosen)
        assert shown(messages) == [["a"], [], ["old, from a function"], ["good"], []]


# More than a session can show in a second is sampled, and it says so.
def test_sampling(client: Any) -> None:
    client.stream()
    many = put(*map(str, range(UPDATE_EVENTS_MAX + 1)))
    messages = follow(client, [many, put("x")], logGroupIdentifiers=["g"])
    updates = [body for kind, body in messages if kind == "sessionUpdate"]
    assert [len(body["sessionResults"]) for body in updates] == [UPDATE_EVENTS_MAX, 1, 0]
    assert [body["sessionMetadata"]["sampled"] for body in updates] == [True, False, False]


# What does not fit together is refused; so is one session too many, until another has gone.
def test_refusals(client: Any) -> None:
    client.stream()
    client.stream("h")
    for params, code in (
        ({"logGroupIdentifiers": ["no"]}, "ResourceNotFoundException"),
        ({"logGroupIdentifiers": [ARN + "g:*"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["g", "h"], "logStreamNames": ["s"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["g"], "logStreamNames": ["s"], "logStreamNamePrefixes": ["s"]},
         "InvalidParameterException"),
        ({"logGroupIdentifiers": ["g"], "logEventFilterPattern": "{"}, "InvalidParameterException"),
    ):  # fmt: skip
        with pytest.raises(ApiError) as caught:
            client("StartLiveTail", **params)
        assert caught.value.code == code

    async def scenario() -> None:
        async def start() -> Any:
            return (await client.logs.handle("logs", client.call, "StartLiveTail", {"logGroupIdentifiers": ["g"]}))[
                "responseStream"
            ]

        open_ones = [await start() for _ in range(SESSIONS_MAX)]
        for each in open_ones:
            await anext(each)
        with pytest.raises(ApiError, match="Resource limit exceeded"):
            await start()
        await open_ones[0].aclose()
        await anext(await start())
        for each in open_ones:
            await each.aclose()

    asyncio.run(scenario())
