"""How an ending reads to the caller: AWS's payloads."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import orjson

from tabletop.functions.sandbox import Ending


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Invoke answers. ``error`` is "" or the value of FunctionError."""

    payload: bytes
    error: str = ""
    error_type: str = ""
    log_tail: bytes = b""


def outcome_of(ending: Ending, request_id: str, timeout_s: float) -> Outcome:
    """The answer for any ending but "ready" and "undelivered"."""
    if ending.kind == "response":
        return Outcome(ending.payload)
    if ending.kind in ("error", "init-error"):
        return Outcome(ending.payload or b"{}", "Unhandled", ending.error_type)
    error_type, reason = failure(ending, timeout_s)
    message = f"RequestId: {request_id} Error: {reason}"
    return Outcome(orjson.dumps({"errorType": error_type, "errorMessage": message}), "Unhandled", error_type)


def failure(ending: Ending, timeout_s: float) -> tuple[str, str]:
    """(error type, reason) of a "timeout" or an "exit", in AWS's words."""
    if ending.kind == "timeout":
        return "Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds"
    status = ending.exit_status
    if status == 0:
        return "Runtime.ExitError", "Runtime exited without providing a reason"
    if status > 0:
        return "Runtime.ExitError", f"Runtime exited with error: exit status {status}"
    return "Runtime.ExitError", f"Runtime exited with error: signal: {_SIGNALS.get(-status, f'signal {-status}')}"


_SIGNALS: dict[int, str] = {
    signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGPIPE: "broken pipe",
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
}
"""As Go names signals, which AWS's own log lines show."""
