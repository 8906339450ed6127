"""Responses that come bit by bit: from handlers in Node.js and from a runtime of its own, to readers quick and slow."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from functions_desk import Desk, Run

from tabletop.functions import limits
from tabletop.functions.response_streams import ResponseStream, StreamedBody
from tabletop.wire.eventstream import decode_message

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

RUNTIME = f"""\
    #!{os.path.realpath(sys.executable)}
    import base64, http.client, json, os, time
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation/"
    def chunk(data):
        connection.send(b"%x\\r\\n%s\\r\\n" % (len(data), data))
    while True:
        connection.request("GET", base + "next")
        event = connection.getresponse()
        body, request_id = json.loads(event.read()), event.headers["Lambda-Runtime-Aws-Request-Id"]
        connection.putrequest("POST", base + request_id + "/response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Content-Type", "text/plain")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type")
        connection.endheaders()
        for count in body["pieces"]:
            chunk(b"x" * count)
        if body.get("exit"):
            os._exit(1)
        time.sleep(body.get("sleep", 0))
        connection.send(b"0\\r\\n")
        if body.get("error"):
            fault = base64.b64encode(json.dumps({{"errorType": "Mine", "errorMessage": "no"}}).encode())
            connection.send(b"Lambda-Runtime-Function-Error-Type: Mine\\r\\n")
            connection.send(b"Lambda-Runtime-Function-Error-Body: " + fault + b"\\r\\n")
        connection.send(b"\\r\\n")
        connection.getresponse().read()
"""


async def events(body: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    async for data in body:
        decoded = decode_message(data)
        assert decoded is not None
        message, length = decoded
        assert length == len(data)
        yield str(message.headers[":event-type"]), message.payload


async def stream(desk: Desk, payload: Any, **params: Any) -> tuple[bytes, dict[str, Any]]:
    """The whole response and what InvokeComplete says."""
    answer = await desk.ask("InvokeWithResponseStream", FunctionName="f", Payload=orjson.dumps(payload), **params)
    pieces = [pair async for pair in events(answer["EventStream"])]
    assert [kind for kind, _ in pieces[:-1]] == ["PayloadChunk"] * (len(pieces) - 1)
    assert pieces[-1][0] == "InvokeComplete"
    return b"".join(piece for _, piece in pieces[:-1]), orjson.loads(pieces[-1][1])


async def create_own(desk: Desk, **params: Any) -> None:
    await desk.create({"bootstrap": RUNTIME}, Runtime="provided.al2023", Handler="x", **params)


# Pieces reach the caller while the function still works, and plain Invoke gets them as one.
def test_pieces_arrive_as_they_are_made(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await create_own(desk, Timeout=5)
        payload = orjson.dumps({"pieces": [3, 4], "sleep": 0.3})
        answer = await desk.ask("InvokeWithResponseStream", FunctionName="f", Payload=payload)
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        reader = events(answer["EventStream"])
        kind, piece = await anext(reader)
        assert (kind, piece[:3]) == ("PayloadChunk", b"xxx")
        assert desk.service._workings.pool._busy
        rest = [pair async for pair in reader]
        assert rest[-1] == ("InvokeComplete", b"{}")
        answer = await desk.ask("Invoke", FunctionName="f", Payload=orjson.dumps({"pieces": [3, 4]}))
        assert answer["Payload"] == b"xxxxxxx"

    at_desk(scene)


# An error in the middle ends the stream with its type and payload, after what was said before; so do a crash and the time limit.
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"pieces": [3], "error": True}, '"errorType": "Mine"'),
        ({"pieces": [3], "exit": True}, "Runtime exited with error: exit status 1"),
        ({"pieces": [3], "sleep": 30}, "Task timed out after 1.00 seconds"),
    ],
)
def test_errors_in_the_middle(at_desk: Run, payload: dict[str, Any], expected: str) -> None:
    async def scene(desk: Desk) -> None:
        await create_own(desk, Timeout=1)
        said, complete = await stream(desk, payload)
        assert said == b"xxx"
        assert complete["ErrorCode"] == "Unhandled"
        if "exit" not in payload:
            assert expected in complete["ErrorDetails"]
        else:
            # What is told is whichever is noticed first: the process's end, or that of its connection.
            assert expected in complete["ErrorDetails"] or "Runtime.TruncatedResponse" in complete["ErrorDetails"]
        answer = await desk.ask("Invoke", FunctionName="f", Payload=b'{"pieces":[1]}')
        assert answer["Payload"] == b"x"

    at_desk(scene)


# A function that does not stream is answered in one chunk; one that fails has no chunk; the log tail comes last.
def test_functions_that_do_not_stream(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create("def handler(event, context):\n    return 1 / event\n")
        said, complete = await stream(desk, 2, LogType="Tail")
        assert said == b"0.5"
        assert set(complete) == {"LogResult"}
        said, complete = await stream(desk, 0)
        assert said == b""
        assert "ZeroDivisionError" in complete["ErrorDetails"]
        error = await desk.refused("InvokeWithResponseStream", FunctionName="nobody")
        assert error.code == "ResourceNotFoundException"

    at_desk(scene)


# A response without end is cut for plain Invoke at 6 MB, as any response is.
def test_gathered_streams_are_bounded(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await create_own(desk, Timeout=20)
        payload = {"pieces": [1024 * 1024] * 7}
        answer = await desk.invoke(payload)
        assert answer["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"
        said, complete = await stream(desk, payload)
        assert (len(said), complete) == (7 * 1024 * 1024, {})

    at_desk(scene)


# Who does not read makes the function wait, and holds no more than a bound; when he is gone the function runs on.
def test_slow_and_lost_readers(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await create_own(desk, Timeout=20)
        payload = orjson.dumps({"pieces": [1024 * 1024] * 30})
        answer = await desk.ask("InvokeWithResponseStream", FunctionName="f", Payload=payload)
        reader = answer["EventStream"]
        await anext(reader)
        await asyncio.sleep(0.2)
        assert desk.service._workings.pool._busy
        await reader.aclose()
        for _ in range(500):
            if not desk.service._workings.pool._busy:
                break
            await asyncio.sleep(0.01)
        assert not desk.service._workings.pool._busy

    at_desk(scene)


# The stream's own bounds, at and beyond: a full one says so, and asks for more once there is room.
def test_stream_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_PENDING_BYTES_MAX", 4)
    monkeypatch.setattr(limits, "STREAMED_RESPONSE_BYTES_MAX", 6)
    answers: list[tuple[str, bytes]] = []
    resumed: list[bool] = []

    async def scene() -> None:
        reading = ResponseStream()
        body = StreamedBody(reading, "text/plain", lambda *answer: answers.append(answer))
        assert reading.begun.done()
        assert body.feed(b"123")
        assert not body.feed(b"4")
        body.when_room(lambda: resumed.append(True))
        pieces = reading.pieces()
        assert await anext(pieces) == b"123"
        assert resumed == [True]
        body.feed(b"56")
        body.end({})
        body.feed(b"7")
        body.end({})
        reading.end()
        assert [piece async for piece in pieces] == [b"4", b"56"]

    asyncio.run(scene())
    assert [kind for kind, _ in answers] == ["", "Function.ResponseSizeTooLarge"]


# AWS's decorator for Node.js handlers: pieces, a content type with HTTP metadata, errors before and after the first piece.
@needs_node
def test_node_streaming(at_desk: Run) -> None:
    source = """\
        export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
          if (event.early) throw new TypeError("early");
          if (event.http) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
          stream.write("one ");
          if (event.late) throw new TypeError("late");
          await new Promise((resolve) => setTimeout(resolve, 20));
          stream.write(context.functionName);
          stream.end();
        });
    """

    async def scene(desk: Desk) -> None:
        await desk.create({"main.mjs": source}, Runtime="nodejs20.x", Timeout=10)
        assert await stream(desk, {}) == (b"one f", {})
        assert await stream(desk, {"http": True}) == (b'{"statusCode":201}' + bytes(8) + b"one f", {})
        said, complete = await stream(desk, {"late": True})
        assert said == b"one "
        assert orjson.loads(complete["ErrorDetails"])["errorType"] == "TypeError"
        said, complete = await stream(desk, {"early": True})
        assert said == b""
        assert orjson.loads(complete["ErrorDetails"])["errorMessage"] == "early"
        assert await stream(desk, {}) == (b"one f", {})

    at_desk(scene)


# On the wire the answer is an event stream by its content type, with the version in its header.
def test_answer_is_an_event_stream() -> None:
    from tabletop.wire.models import service_model
    from tabletop.wire.rest_json import encode_response

    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    output = {"StatusCode": 200, "ExecutedVersion": "1", "EventStream": body()}
    response = encode_response(service_model("lambda"), "InvokeWithResponseStream", output, "id")
    headers = dict(response.headers)
    assert headers["Content-Type"] == "application/vnd.amazon.eventstream"
    assert headers["X-Amz-Executed-Version"] == "1"
    assert not isinstance(response.body, bytes)
