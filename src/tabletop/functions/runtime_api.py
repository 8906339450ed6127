"""The Runtime API of one sandbox (``/2018-06-01/runtime/...``): one event at a time out, one answer for it in.

Each sandbox has its own on a port of its own, so that none can take or answer another's invocation. What it does not
know is answered 404. The states and answers follow AWS's description of the API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import orjson

from tabletop.functions import extensions_api, limits
from tabletop.functions.extensions_api import ExtensionsApi
from tabletop.functions.response_streams import MODE_HEADER, TOO_LARGE, ResponseStream, StreamedBody, too_large
from tabletop.wire.http import BodySink, HttpRequest, HttpResponse

_PREFIX = "/2018-06-01/runtime/"
_NOT_SUPPORTED = {
    "/2022-07-01/telemetry": ("Telemetry.NotSupported", "The Telemetry API is not available in Tabletop"),
    "/2020-08-15/logs": ("Logs.NotSupported", "The Logs API is not available in Tabletop"),
}
_JSON = [("Content-Type", "application/json")]


@dataclass(frozen=True, slots=True)
class Event:
    """One invocation as the runtime gets it. ``deadline_ms`` since the epoch."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    client_context: str = ""
    stream: ResponseStream | None = None
    """Who reads a streamed response as it is made; None: it is gathered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runtime said: the response, or an error (of an invocation, or of the initialisation)."""

    kind: Literal["response", "error", "init-error"]
    payload: bytes
    error_type: str = ""


class RuntimeApi:
    """``on_ready`` is called when the runtime asks for its first event, ``on_answer`` with each answer."""

    def __init__(
        self,
        clock: Callable[[], float],
        on_ready: Callable[[], None],
        on_answer: Callable[[Answer], None],
        extensions: ExtensionsApi | None = None,
    ) -> None:
        self._extensions = extensions
        self._clock = clock
        self._on_ready = on_ready
        self._on_answer = on_answer
        self._waiter: asyncio.Future[HttpResponse] | None = None
        self._queued: tuple[Event, float] | None = None
        self._event: Event | None = None
        """The one that is under way."""
        self._streamed_id: str | None = None
        """Whose response has just been taken as a stream."""
        self._asked = False
        self._ready = False
        self.delivered = False
        """Whether the runtime has got the event that was offered last."""

    def offer(self, event: Event, timeout_s: float) -> None:
        """Hand over an event, at once or when the runtime asks; its deadline counts from now."""
        self.delivered = False
        deadline = self._clock() + timeout_s
        self._queued = (event, deadline)
        if self._extensions is not None:
            self._extensions.invoke(event.request_id, event.function_arn, event.trace_id, deadline)
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(self._deliver())

    def close(self) -> None:
        """Let go of a runtime that waits."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(_problem(410, "SandboxEnded", "This sandbox has ended"))

    def handle(self, request: HttpRequest) -> HttpResponse | asyncio.Future[HttpResponse]:
        if not request.path.startswith(_PREFIX):
            return self._handle_other(request)
        steps = request.path[len(_PREFIX) :].split("/")
        if request.method == "GET" and steps == ["invocation", "next"]:
            return self._next()
        if request.method == "POST" and steps == ["init", "error"]:
            return self._take(request, "init-error")
        if (
            request.method == "POST"
            and len(steps) == 3
            and steps[0] == "invocation"
            and steps[2] in ("response", "error")
        ):
            if steps[1] == self._streamed_id:
                self._streamed_id = None
                return HttpResponse(202, _JSON, b'{"status":"OK"}')
            if not self._is_under_way(steps[1]):
                return _problem(400, "InvalidRequestID", "Invalid request ID")
            return self._take(request, "response" if steps[2] == "response" else "error")
        return _problem(404, "NotFound", "No such resource")

    def open_body(self, request: HttpRequest) -> BodySink | None:
        """A ``wire.http.Sinks``: the response of the event under way, where the runtime streams it."""
        if request.headers.get(MODE_HEADER, "").lower() != "streaming":
            return None
        steps = request.path.removeprefix(_PREFIX + "invocation/").split("/")
        event = self._event
        if event is None or request.method != "POST" or steps != [event.request_id, "response"]:
            return None
        self._event = None
        self._streamed_id = event.request_id

        def done(error_type: str, payload: bytes) -> None:
            self._on_answer(Answer("error" if error_type else "response", payload, error_type))

        return StreamedBody(event.stream, request.headers.get("content-type", ""), done)

    def _is_under_way(self, request_id: str) -> bool:
        return self._event is not None and self._event.request_id == request_id

    def look_whether_ready(self) -> None:
        """The initialisation is over when the runtime and every extension have asked for their first event."""
        if self._ready or not self._asked or not (self._extensions is None or self._extensions.ready):
            return
        self._ready = True
        if self._extensions is not None:
            self._extensions.close_registration()
        self._on_ready()

    def _handle_other(self, request: HttpRequest) -> HttpResponse | asyncio.Future[HttpResponse]:
        if self._extensions is not None and request.path.startswith(extensions_api.PREFIX):
            return self._extensions.handle(request)
        refusal = _NOT_SUPPORTED.get(request.path)
        return _problem(404, *(refusal or ("NotFound", "No such resource")))

    def _next(self) -> HttpResponse | asyncio.Future[HttpResponse]:
        self._asked = True
        self.look_whether_ready()
        if self._queued is not None:
            return self._deliver()
        if self._waiter is not None and not self._waiter.done():
            # A second thread that asks takes over; the first would otherwise wait for ever.
            self._waiter.set_result(_problem(400, "InvalidStateTransition", "Another request waits for the next event"))
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def _deliver(self) -> HttpResponse:
        assert self._queued is not None
        (event, deadline), self._queued = self._queued, None
        self._event = event
        self.delivered = True
        headers = [
            *_JSON,
            ("Lambda-Runtime-Aws-Request-Id", event.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", event.function_arn),
            ("Lambda-Runtime-Trace-Id", event.trace_id),
        ]
        if event.client_context:
            headers.append(("Lambda-Runtime-Client-Context", event.client_context))
        return HttpResponse(200, headers, event.payload)

    def _take(self, request: HttpRequest, kind: Literal["response", "error", "init-error"]) -> HttpResponse:
        self._event = None
        if kind == "response" and len(request.body) > limits.RESPONSE_BYTES_MAX:
            fault = too_large(limits.RESPONSE_BYTES_MAX)
            self._on_answer(Answer("error", fault, TOO_LARGE))
            return _problem(413, "RequestEntityTooLarge", orjson.loads(fault)["errorMessage"])
        error_type = request.headers.get("lambda-runtime-function-error-type", "")
        self._on_answer(Answer(kind, request.body[: limits.RESPONSE_BYTES_MAX], error_type))
        return HttpResponse(202, _JSON, b'{"status":"OK"}')


def _problem(status: int, error_type: str, message: str) -> HttpResponse:
    return HttpResponse(status, _JSON, orjson.dumps({"errorMessage": message, "errorType": error_type}))
