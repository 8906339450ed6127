"""Running one event on a function version: a sandbox, START to REPORT in its log, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.clock import Clock, Stopwatch
from tabletop.functions import limits
from tabletop.functions.launcher import Launcher
from tabletop.functions.outcomes import Outcome, outcome_of
from tabletop.functions.platform_lines import Report, lines_for
from tabletop.functions.pool import Pool, edition_of
from tabletop.functions.response_streams import ResponseStream
from tabletop.functions.runtime_api import Event
from tabletop.functions.sandbox import Ending, Sandbox
from tabletop.functions.throttle import Throttle

_UNDELIVERED_RETRIES_MAX = 2
_CREDENTIALS_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """``function_arn`` as the caller wrote it: it is what the context's invoked_function_arn shows."""

    request_id: str
    payload: bytes
    function_arn: str
    client_context: str = ""
    stream: ResponseStream | None = None
    """Who reads the response while it is made."""


class Invoker:
    def __init__(self, launcher: Launcher, pool: Pool, throttle: Throttle, clock: Clock, stopwatch: Stopwatch) -> None:
        self._launcher = launcher
        self._throttle = throttle
        self._pool = pool
        self._clock = clock
        self._stopwatch = stopwatch

    async def run(self, record: dict[str, Any], invocation: Invocation) -> Outcome:
        """The outcome of one invocation. Raises ApiError where it could not even begin."""
        with self._throttle.running(record):
            return await self._run(record, invocation)

    async def warm(self, record: dict[str, Any]) -> bool:
        """Start one more sandbox, initialise it and leave it idle; False where its initialisation fails.

        Raises ApiError as ``run`` does.
        """
        sandbox = await self._pool.start(
            edition_of(record), lambda: self._launcher.make(record, initialization="provisioned-concurrency")
        )
        try:
            ending = await self._open(sandbox, Invocation(randomness.new_uuid(), b"", ""), limits.INIT_TIMEOUT_S)
            sandbox.retired = ending.kind != "ready"
            return ending.kind == "ready"
        finally:
            sandbox.journal.flush()
            self._pool.give_back(sandbox)

    async def _run(self, record: dict[str, Any], invocation: Invocation) -> Outcome:
        edition = edition_of(record)
        init_timeout_s, timeout_s = self._launcher.watches.time_limits(record)
        if timeout_s != record["timeout"]:
            record = {**record, "timeout": timeout_s}
        for _ in range(_UNDELIVERED_RETRIES_MAX):
            sandbox = self._pool.take_warm(edition, record["timeout"] + _CREDENTIALS_MARGIN_S)
            if sandbox is None:
                break
            try:
                sandbox.journal.begin()
                outcome = await self._run_in(sandbox, record, invocation, None)
            finally:
                self._pool.give_back(sandbox)
            # A warm process may die between two events; the event never reached it, so another may have it.
            if outcome is not None:
                return outcome
        sandbox = await self._pool.start(edition, lambda: self._launcher.make(record))
        try:
            began = self._stopwatch()
            ending = await self._open(sandbox, invocation, init_timeout_s)
            if ending.kind == "timeout":
                # As on AWS: an initialisation over ten seconds begins again, within the function's own time limit.
                fresh = await self._launcher.make(record)
                self._pool.replace(sandbox, fresh)
                sandbox = fresh
                ending = await self._open(sandbox, invocation, record["timeout"])
            return await self._run_cold(sandbox, record, invocation, ending, self._stopwatch() - began)
        finally:
            self._pool.give_back(sandbox)

    async def _run_cold(
        self, sandbox: Sandbox, record: dict[str, Any], invocation: Invocation, ending: Ending, init_s: float
    ) -> Outcome:
        if ending.kind != "ready":
            return self._failed_init(sandbox, record, invocation, ending, init_s)
        outcome = await self._run_in(sandbox, record, invocation, init_s)
        if outcome is None:
            gone = Ending("exit", exit_status=0)
            return self._finish(sandbox, record, invocation, gone, 0.0, init_s)
        return outcome

    async def _open(self, sandbox: Sandbox, invocation: Invocation, timeout_s: float) -> Ending:
        try:
            return await sandbox.open(timeout_s)
        except FileNotFoundError:
            reason = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
        except OSError as error:
            # A bootstrap without execute permission, or for another kind of processor.
            reason = f"fork/exec /var/task/bootstrap: {(error.strerror or str(error)).lower()}"
        message = f"RequestId: {invocation.request_id} Error: {reason}"
        payload = orjson.dumps({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message})
        sandbox.journal.line(message)
        return Ending("init-error", payload, "Runtime.InvalidEntrypoint")

    async def _run_in(
        self, sandbox: Sandbox, record: dict[str, Any], invocation: Invocation, init_s: float | None
    ) -> Outcome | None:
        """None when the sandbox was gone before it got the event."""
        self._write_start(sandbox, record, invocation)
        event = Event(
            invocation.request_id,
            invocation.payload,
            invocation.function_arn,
            self._trace_id(),
            invocation.client_context,
            invocation.stream,
        )
        began = self._stopwatch()
        ending = await sandbox.invoke(event, record["timeout"])
        duration_s = self._stopwatch() - began
        if ending.kind == "undelivered":
            return None
        return self._finish(sandbox, record, invocation, ending, duration_s, init_s)

    def _failed_init(
        self, sandbox: Sandbox, record: dict[str, Any], invocation: Invocation, ending: Ending, init_s: float
    ) -> Outcome:
        sandbox.retired = True
        self._write_start(sandbox, record, invocation)
        return self._finish(sandbox, record, invocation, ending, init_s, None)

    def _write_start(self, sandbox: Sandbox, record: dict[str, Any], invocation: Invocation) -> None:
        lines = lines_for(record["logging"])
        sandbox.journal.line(lines.start(invocation.request_id, record["version"], self._clock()))

    def _finish(
        self,
        sandbox: Sandbox,
        record: dict[str, Any],
        invocation: Invocation,
        ending: Ending,
        duration_s: float,
        init_s: float | None,
    ) -> Outcome:
        request_id, timeout_s, now = invocation.request_id, record["timeout"], self._clock()
        outcome = outcome_of(ending, request_id, timeout_s)
        report = Report(duration_s, init_s, record["memory"], sandbox.peak_bytes)
        lines, journal = lines_for(record["logging"]), sandbox.journal
        journal.line(lines.failure(ending, request_id, timeout_s, now))
        journal.line(lines.end(request_id))
        journal.line(lines.report(request_id, report, outcome, now))
        journal.flush()
        return Outcome(outcome.payload, outcome.error, outcome.error_type, journal.tail())

    def _trace_id(self) -> str:
        random = randomness.random_bytes(20).hex()
        return f"Root=1-{int(self._clock()):08x}-{random[:24]};Parent={random[24:]};Sampled=0"
