"""The Extensions API of one sandbox (``/2020-01-01/extension/...``): programs and threads that live beside the runtime.

An *external* extension is an executable file in ``/opt/extensions``, started before the runtime; an *internal* one is part
of the runtime's process. Each registers, then asks for the next event: that it asks tells that it is done with the last one.

    registering    until the initialisation ends; it ends when the runtime and every extension have asked for an event
    INVOKE         told with each event; the sandbox is free again when all who were told have asked once more
    SHUTDOWN       told to external ones when the sandbox ends, with the reason; they have two seconds

Paths, headers and members are AWS's; the names of errors are recalled from AWS's runtime interface emulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from tabletop.base.randomness import new_uuid
from tabletop.functions import limits
from tabletop.wire.http import HttpRequest, HttpResponse

PREFIX = "/2020-01-01/extension/"
_JSON = [("Content-Type", "application/json")]
_EVENTS = frozenset({"INVOKE", "SHUTDOWN"})
_DONE = b'{"status":"OK"}'

Reason = Literal["spindown", "timeout", "failure"]


@dataclass(slots=True)
class Extension:
    name: str
    external: bool
    events: frozenset[str]
    identifier: str = field(default_factory=new_uuid)
    waiter: asyncio.Future[HttpResponse] | None = None
    """Its request for the next event, while it waits."""
    queued: list[bytes] = field(default_factory=list)
    asked: bool = False

    @property
    def done(self) -> bool:
        """It has asked for an event since it was told of the last one."""
        return self.asked and not self.queued and self.waiter is not None


class ExtensionsApi:
    """``expected``: names of the external extensions. ``on_change`` is called when one has asked for its next event,
    ``on_failure`` with (error type, reported payload) when one gives up.
    """

    def __init__(
        self,
        function: dict[str, str],
        expected: Iterable[str],
        on_change: Callable[[], None],
        on_failure: Callable[[str, bytes], None],
    ) -> None:
        self.registered: dict[str, Extension] = {}
        self._function = function
        self._expected = frozenset(expected)
        self._on_change = on_change
        self._on_failure = on_failure
        self._open = True

    @property
    def ready(self) -> bool:
        """Every external extension is registered, and every registered one has asked for its first event."""
        names = {extension.name for extension in self.registered.values()}
        return self._expected <= names and all(extension.asked for extension in self.registered.values())

    @property
    def settled(self) -> bool:
        return all(extension.done for extension in self.registered.values() if "INVOKE" in extension.events)

    @property
    def wait_for_shutdown(self) -> list[str]:
        """Names of those that are told of the end."""
        return [extension.name for extension in self.registered.values() if "SHUTDOWN" in extension.events]

    def close_registration(self) -> None:
        self._open = False

    def invoke(self, request_id: str, function_arn: str, trace_id: str, deadline_s: float) -> None:
        if self.registered:
            event = {
                "eventType": "INVOKE",
                "deadlineMs": int(deadline_s * 1000),
                "requestId": request_id,
                "invokedFunctionArn": function_arn,
                "tracing": {"type": "X-Amzn-Trace-Id", "value": trace_id},
            }
            self._tell("INVOKE", event)

    def shutdown(self, reason: Reason, deadline_s: float) -> None:
        self._tell(
            "SHUTDOWN", {"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": int(deadline_s * 1000)}
        )

    def close(self) -> None:
        """Let go of those that wait."""
        for extension in self.registered.values():
            if extension.waiter is not None and not extension.waiter.done():
                extension.waiter.set_result(_problem(410, "Extension.SandboxEnded", "This sandbox has ended"))

    def handle(self, request: HttpRequest) -> HttpResponse | asyncio.Future[HttpResponse]:
        resource = (request.method, request.path.removeprefix(PREFIX))
        if resource == ("POST", "register"):
            return self._register(request)
        if resource not in (("GET", "event/next"), ("POST", "init/error"), ("POST", "exit/error")):
            return _problem(404, "NotFound", "No such resource")
        identifier = request.headers.get("lambda-extension-identifier", "")
        extension = self.registered.get(identifier)
        if extension is None:
            error_type = "Extension.UnknownExtensionIdentifier" if identifier else "Extension.MissingHeader"
            return _problem(403, error_type, "Unknown extension: " + identifier)
        if resource[1] == "event/next":
            return self._next(extension)
        default = "Extension.InitError" if resource[1] == "init/error" else "Extension.ExitError"
        error_type = request.headers.get("lambda-extension-function-error-type") or default
        self._on_failure(error_type, request.body[: limits.EXTENSION_ERROR_BYTES_MAX])
        return HttpResponse(202, _JSON, _DONE)

    def _register(self, request: HttpRequest) -> HttpResponse:
        name = request.headers.get("lambda-extension-name", "")
        if not name:
            return _problem(400, "Extension.MissingHeader", "Missing header Lambda-Extension-Name")
        if not self._open:
            return _problem(403, "Extension.RegistrationClosed", "Extension registration closed already")
        if any(extension.name == name for extension in self.registered.values()):
            return _problem(403, "Extension.AlreadyRegistered", f"The extension {name} is registered already")
        if len(self.registered) >= limits.EXTENSIONS_MAX:
            return _problem(403, "Extension.TooManyExtensions", f"At most {limits.EXTENSIONS_MAX} extensions")
        try:
            wanted = orjson.loads(request.body or b"{}").get("events") or []
            events = frozenset(wanted)
        except (ValueError, AttributeError, TypeError):
            return _problem(400, "InvalidRequestFormat", "The body must be JSON with a list of events")
        external = name in self._expected
        if events - _EVENTS:
            return _problem(400, "Extension.InvalidEventType", "Events are INVOKE and SHUTDOWN")
        if "SHUTDOWN" in events and not external:
            return _problem(
                400, "ShutdownEventNotSupportedForInternalExtension", "Internal extensions can register for INVOKE only"
            )
        extension = Extension(name, external, events)
        self.registered[extension.identifier] = extension
        shown = dict(self._function)
        if "accountId" not in request.headers.get("lambda-extension-accept-feature", ""):
            shown.pop("accountId", None)
        return HttpResponse(200, [*_JSON, ("Lambda-Extension-Identifier", extension.identifier)], orjson.dumps(shown))

    def _next(self, extension: Extension) -> HttpResponse | asyncio.Future[HttpResponse]:
        extension.asked = True
        if extension.queued:
            return _event(extension.queued.pop(0))
        if extension.waiter is not None and not extension.waiter.done():
            extension.waiter.set_result(
                _problem(403, "Extension.InvalidExtensionState", "Another request waits already")
            )
        extension.waiter = asyncio.get_running_loop().create_future()
        self._on_change()
        return extension.waiter

    def _tell(self, kind: str, event: dict[str, Any]) -> None:
        body = orjson.dumps(event)
        for extension in self.registered.values():
            if kind not in extension.events:
                continue
            waiter, extension.waiter = extension.waiter, None
            if waiter is not None and not waiter.done():
                waiter.set_result(_event(body))
            else:
                extension.queued.append(body)


def _event(body: bytes) -> HttpResponse:
    return HttpResponse(200, [*_JSON, ("Lambda-Extension-Event-Identifier", new_uuid())], body)


def _problem(status: int, error_type: str, message: str) -> HttpResponse:
    return HttpResponse(status, _JSON, orjson.dumps({"errorMessage": message, "errorType": error_type}))
