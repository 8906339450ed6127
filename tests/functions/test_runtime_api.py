"""The Runtime API of one sandbox, without a process: which requests it takes, and which it refuses."""

from __future__ import annotations

import asyncio

from tabletop.functions.runtime_api import Answer, Event, RuntimeApi
from tabletop.wire.http import HttpRequest, HttpResponse

PREFIX = "/2018-06-01/runtime/"


class Desk:
    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.ready = 0
        self.api = RuntimeApi(lambda: 1000.0, self._on_ready, self.answers.append)

    def _on_ready(self) -> None:
        self.ready += 1

    def send(self, method: str, path: str, body: bytes = b"") -> HttpResponse | asyncio.Future[HttpResponse]:
        return self.api.handle(HttpRequest(method=method, target=path, headers={}, body=body))

    def post(self, path: str, body: bytes = b"") -> int:
        answer = self.send("POST", PREFIX + path, body)
        assert isinstance(answer, HttpResponse)
        return answer.status


def _event(request_id: str) -> Event:
    return Event(request_id, b"{}", "arn:f", "Root=1", '{"a":1}')


# An event goes to the runtime that waits, with its headers; the deadline counts from the moment it was offered.
def test_waiting_runtime_gets_the_event() -> None:
    async def scene() -> None:
        desk = Desk()
        waiting = desk.send("GET", PREFIX + "invocation/next")
        assert isinstance(waiting, asyncio.Future)
        assert desk.ready == 1
        desk.api.offer(_event("id-1"), 3.0)
        response = await waiting
        assert dict(response.headers) == {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "id-1",
            "Lambda-Runtime-Deadline-Ms": "1003000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:f",
            "Lambda-Runtime-Trace-Id": "Root=1",
            "Lambda-Runtime-Client-Context": '{"a":1}',
        }

    asyncio.run(scene())


# An answer counts once, and only for the event that is under way: neither a second one nor another's id is taken.
def test_answers_count_once_and_for_their_own_event() -> None:
    async def scene() -> None:
        desk = Desk()
        desk.api.offer(_event("id-1"), 3.0)
        assert isinstance(desk.send("GET", PREFIX + "invocation/next"), HttpResponse)
        assert desk.post("invocation/id-2/response", b"1") == 400
        assert desk.post("invocation//response", b"1") == 400
        assert desk.answers == []
        assert desk.post("invocation/id-1/response", b"1") == 202
        assert desk.post("invocation/id-1/response", b"2") == 400
        assert desk.post("invocation/id-1/error", b"3") == 400
        assert [answer.payload for answer in desk.answers] == [b"1"]

    asyncio.run(scene())


# What the API does not have (other versions, the Logs and Telemetry APIs) is refused rather than half answered.
def test_unknown_paths() -> None:
    desk = Desk()
    for method, path in (
        ("GET", "/"),
        ("PUT", "/2022-07-01/telemetry"),
        ("PUT", "/2020-08-15/logs"),
        ("GET", PREFIX + "invocation/x/response"),
    ):
        answer = desk.send(method, path)
        assert isinstance(answer, HttpResponse)
        assert answer.status == 404
