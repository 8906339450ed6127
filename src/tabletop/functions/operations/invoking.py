"""Invoke: now and with its answer, later, or only as a question whether it would be allowed."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import limits, names, registry
from tabletop.functions.constraints import check_absent
from tabletop.functions.invocations import Invocation
from tabletop.functions.workings import Workings


async def invoke(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    check_absent(params)
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    kind = params.get("InvocationType") or "RequestResponse"
    payload = payload_of(params.get("Payload"), kind)
    with workings.store.view() as view:
        record = registry.version_to_run(view, reference, randomness.fraction())
    if kind == "DryRun":
        return {"StatusCode": 204}
    client_context = client_context_of(params.get("ClientContext"))
    if kind == "Event":
        # As on AWS, a client context is for synchronous invocations only.
        await workings.events.put(reference, Invocation(call.request_id, payload, reference.arn))
        return {"StatusCode": 202, "Payload": b""}
    invocation = Invocation(call.request_id, payload, reference.arn, client_context)
    # As on AWS, the function runs on when the caller goes away.
    outcome = await asyncio.shield(asyncio.ensure_future(workings.invoker.run(record, invocation)))
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": record["version"], "Payload": outcome.payload}
    if outcome.error:
        answer["FunctionError"] = outcome.error
    if params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(outcome.log_tail).decode()
    return answer


async def invoke_async(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The operation that Invoke with type Event took the place of: $LATEST only, and a smaller payload."""
    reference = names.parse(call, params["FunctionName"])
    payload = payload_of(params["InvokeArgs"], "Event", limits.INVOKE_ASYNC_PAYLOAD_BYTES_MAX)
    with workings.store.view() as view:
        registry.version_of(view, reference)
    await workings.events.put(reference, Invocation(call.request_id, payload, reference.arn))
    return {"Status": 202}


def payload_of(payload: bytes | None, kind: str, event_bytes_max: int = limits.EVENT_PAYLOAD_BYTES_MAX) -> bytes:
    if not payload:
        return b"{}"
    if kind == "Event" and len(payload) > event_bytes_max:
        raise ApiError(
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the Event invocation type (limit {event_bytes_max} bytes)",
            status=413,
            fields={"Type": "User"},
        )
    if len(payload) > limits.SYNC_PAYLOAD_BYTES_MAX:
        raise ApiError(
            "RequestTooLargeException",
            f"Request must be smaller than {limits.SYNC_PAYLOAD_BYTES_MAX} bytes for the InvokeFunction operation",
            status=413,
            fields={"Type": "User"},
        )
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise ApiError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
            fields={"Type": "User"},
        ) from None
    return payload


def client_context_of(encoded: str | None) -> str:
    """The context's JSON on one line: it becomes a header."""
    if not encoded:
        return ""
    if len(encoded) > limits.CLIENT_CONTEXT_BYTES_MAX:
        raise ApiError(
            "InvalidRequestContentException",
            f"Client context must be smaller than {limits.CLIENT_CONTEXT_BYTES_MAX} bytes",
            fields={"Type": "User"},
        )
    try:
        context = orjson.loads(base64.b64decode(encoded, validate=True))
    except ValueError:
        raise ApiError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            fields={"Type": "User"},
        ) from None
    if not isinstance(context, dict):
        raise ApiError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            fields={"Type": "User"},
        )
    # Headers carry ASCII: other characters go as JSON escapes.
    return "".join(sign if sign < "\x7f" else _escaped(sign) for sign in orjson.dumps(context).decode())


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
