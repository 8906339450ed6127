"""Extensions: programs in /opt/extensions and threads of the runtime that are told of events and of the end."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import orjson
import pytest
from functions_desk import ACCOUNT, Desk, Run, zip_of

from tabletop.functions.extensions_api import PREFIX, ExtensionsApi
from tabletop.wire.http import HttpRequest, HttpResponse

EXTENSION = f"""\
    #!{os.path.realpath(sys.executable)}
    import http.client, json, os, sys, time
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    def ask(method, path, body=None, **headers):
        connection.request(method, "/2020-01-01/extension/" + path, body, headers)
        answer = connection.getresponse()
        return answer.headers, json.loads(answer.read())
    headers, shown = ask("POST", "register", json.dumps({{"events": ["INVOKE", "SHUTDOWN"]}}),
        **{{"Lambda-Extension-Name": os.path.basename(__file__)}})
    identity = {{"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}}
    print("registered", json.dumps(shown), flush=True)
    while True:
        _, event = ask("GET", "event/next", **identity)
        print("told", event["eventType"], event.get("shutdownReason", event.get("requestId")), flush=True)
        if event["eventType"] == "SHUTDOWN":
            sys.exit(0)
        behaviour = os.environ.get("BEHAVIOUR")
        if behaviour == "slow":
            time.sleep(0.4)
        elif behaviour == "exit":
            sys.exit(1)
        elif behaviour == "give up":
            ask("POST", "exit/error", '{{"errorType": "Mine", "errorMessage": "no"}}', **identity,
                **{{"Lambda-Extension-Function-Error-Type": "Extension.Mine"}})
"""
HANDLER = """\
    import time
    def handler(event, context):
        time.sleep(event.get("sleep", 0))
        return context.aws_request_id
"""


async def create(desk: Desk, **params: Any) -> None:
    layer = await desk.ask(
        "PublishLayerVersion", LayerName="tools", Content={"ZipFile": zip_of({"extensions/watcher": EXTENSION})}
    )
    await desk.create(HANDLER, Layers=[layer["LayerVersionArn"]], **params)


async def idle(desk: Desk) -> None:
    """Return when no sandbox is at work, its extensions included."""
    for _ in range(300):
        if not desk.service._workings.pool._busy:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("still busy")


# An external extension registers before the first event, is told of each, and of the end with its reason.
@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_external_extension(at_desk: Run, isolation: str) -> None:
    async def scene(desk: Desk) -> None:
        await create(desk)
        first = (await desk.invoke({}))["Payload"]
        await idle(desk)
        second = (await desk.invoke({}))["Payload"]
        await idle(desk)
        await desk.ask("UpdateFunctionConfiguration", FunctionName="f", Description="other")
        await desk.service.settle()
        said = [line.strip() for line in desk.logs.messages if line.startswith(("registered", "told"))]
        shown = '{"functionName": "f", "functionVersion": "$LATEST", "handler": "main.handler"}'
        assert said == [
            f"registered {shown}",
            f"told INVOKE {first}",
            f"told INVOKE {second}",
            "told SHUTDOWN spindown",
        ]

    at_desk(scene, isolation=isolation)


# The caller does not wait for an extension; the next event does, and has the same sandbox.
def test_answers_do_not_wait_for_extensions(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await create(desk, Environment={"Variables": {"BEHAVIOUR": "slow"}})
        await desk.invoke({})
        pool = desk.service._workings.pool
        assert len(pool._busy) == 1
        await idle(desk)
        assert (len(pool._busy), pool.count) == (0, 1)

    at_desk(scene)


# The end for its time limit has its own reason.
def test_shutdown_after_the_time_limit(at_desk: Run) -> None:
    async def scene(desk: Desk) -> None:
        await create(desk, Timeout=1)
        assert (await desk.invoke({"sleep": 30}))["Payload"]["errorType"] == "Sandbox.Timedout"
        await desk.service.settle()
        assert "told SHUTDOWN timeout\n" in desk.logs.messages

    at_desk(scene)


# An extension that ends, or reports that it cannot go on, ends the invocation with its error.
@pytest.mark.parametrize(("behaviour", "error_type"), [("exit", "Extension.Crash"), ("give up", "Mine")])
def test_extension_failures(at_desk: Run, behaviour: str, error_type: str) -> None:
    async def scene(desk: Desk) -> None:
        await create(desk, Environment={"Variables": {"BEHAVIOUR": behaviour}}, Timeout=5)
        answer = await desk.invoke({"sleep": 3})
        assert answer["FunctionError"] == "Unhandled"
        assert answer["Payload"]["errorType"] == error_type

    at_desk(scene)


class Api:
    def __init__(self, *expected: str) -> None:
        self.changes = 0
        self.failures: list[tuple[str, bytes]] = []
        function = {"functionName": "f", "accountId": ACCOUNT}
        self.api = ExtensionsApi(function, expected, self._changed, lambda *failure: self.failures.append(failure))

    def _changed(self) -> None:
        self.changes += 1

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = b"" if body is None else orjson.dumps(body)
        return self.api.handle(HttpRequest(method=method, target=PREFIX + path, headers=named, body=raw))

    def register(self, name: str, *events: str, **headers: str) -> tuple[int, dict[str, Any], str]:
        answer: HttpResponse = self.send(
            "POST", "register", {"events": list(events)}, lambda_extension_name=name, **headers
        )
        assert isinstance(answer.body, bytes)
        return answer.status, orjson.loads(answer.body), dict(answer.headers).get("Lambda-Extension-Identifier", "")


# What may register: once, in time, with events that there are; the end is for external extensions only.
def test_registration() -> None:
    api = Api("outer")
    status, shown, identifier = api.register("outer", "INVOKE", "SHUTDOWN", lambda_extension_accept_feature="accountId")
    assert (status, shown, len(identifier)) == (200, {"functionName": "f", "accountId": ACCOUNT}, 36)
    assert api.register("outer", "INVOKE")[1]["errorType"] == "Extension.AlreadyRegistered"
    assert api.register("", "INVOKE")[1]["errorType"] == "Extension.MissingHeader"
    assert api.register("inner", "SHUTDOWN")[1]["errorType"] == "ShutdownEventNotSupportedForInternalExtension"
    assert api.register("inner", "OTHER")[1]["errorType"] == "Extension.InvalidEventType"
    assert api.register("inner", "INVOKE")[:2] == (200, {"functionName": "f"})
    for number in range(8):
        assert api.register(f"more-{number}")[0] == 200
    assert api.register("eleventh")[1]["errorType"] == "Extension.TooManyExtensions"
    api.api.close_registration()
    assert api.register("late")[1]["errorType"] == "Extension.RegistrationClosed"
    stranger = api.send("GET", "event/next", lambda_extension_identifier="x")
    assert (stranger.status, orjson.loads(stranger.body)["errorType"]) == (403, "Extension.UnknownExtensionIdentifier")
    assert api.send("GET", "elsewhere").status == 404


# Events reach those who registered for them, at once or when they ask; who has asked again is done.
def test_events() -> None:
    async def scene() -> None:
        api = Api("outer")
        assert not api.api.ready
        _, _, identifier = api.register("outer", "INVOKE", "SHUTDOWN")
        assert not api.api.ready
        waiting = api.send("GET", "event/next", lambda_extension_identifier=identifier)
        assert api.api.ready
        assert api.api.settled
        api.api.invoke("id-1", "arn", "Root=1", 2.0)
        told = orjson.loads((await waiting).body)
        assert told == {
            "eventType": "INVOKE",
            "deadlineMs": 2000,
            "requestId": "id-1",
            "invokedFunctionArn": "arn",
            "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1"},
        }
        assert not api.api.settled
        api.api.shutdown("failure", 3.0)
        answer = api.send("GET", "event/next", lambda_extension_identifier=identifier)
        assert orjson.loads(answer.body) == {"eventType": "SHUTDOWN", "shutdownReason": "failure", "deadlineMs": 3000}
        answer = api.send("POST", "init/error", {"a": 1}, lambda_extension_identifier=identifier)
        assert (answer.status, api.failures) == (202, [("Extension.InitError", b'{"a":1}')])

    asyncio.run(scene())
