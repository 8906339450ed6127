"""InvokeWithResponseStream: the response while the function makes it, as messages of an event stream."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.functions import names, registry
from tabletop.functions.constraints import check_absent
from tabletop.functions.invocations import Invocation
from tabletop.functions.operations.invoking import client_context_of, payload_of
from tabletop.functions.outcomes import Outcome
from tabletop.functions.response_streams import ResponseStream
from tabletop.functions.workings import Workings
from tabletop.wire.eventstream import encode_event

_BYTES = "application/octet-stream"


async def invoke_with_response_stream(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Answers when the function begins to respond, or has ended. ``EventStream`` is an iterator of encoded messages."""
    check_absent(params)
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    payload = payload_of(params.get("Payload"), "RequestResponse")
    with workings.store.view() as view:
        record = registry.version_to_run(view, reference, randomness.fraction())
    if params.get("InvocationType") == "DryRun":
        return {"StatusCode": 204}
    stream = ResponseStream()
    context = client_context_of(params.get("ClientContext"))
    invocation = Invocation(call.request_id, payload, reference.arn, context, stream)
    # As on AWS, the function runs on when the caller goes away.
    running = asyncio.ensure_future(workings.invoker.run(record, invocation))
    running.add_done_callback(lambda _: stream.end())
    firsts: set[asyncio.Future[Any]] = {running, stream.begun}
    await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        # What could not even begin is refused as Invoke refuses it.
        running.result()
    return {
        "StatusCode": 200,
        "ExecutedVersion": record["version"],
        "EventStream": _events(stream, running, params.get("LogType") == "Tail"),
    }


async def _events(stream: ResponseStream, running: asyncio.Future[Outcome], with_log: bool) -> AsyncIterator[bytes]:
    try:
        async for piece in stream.pieces():
            yield encode_event("PayloadChunk", piece, _BYTES)
        outcome = await asyncio.shield(running)
        if not outcome.error and outcome.payload:
            # A function that does not stream: its whole response is one chunk.
            yield encode_event("PayloadChunk", outcome.payload, _BYTES)
        complete: dict[str, Any] = {}
        if outcome.error:
            complete = {"ErrorCode": outcome.error, "ErrorDetails": outcome.payload.decode("utf-8", "replace")}
        if with_log:
            complete["LogResult"] = base64.b64encode(outcome.log_tail).decode()
        yield encode_event("InvokeComplete", orjson.dumps(complete))
    finally:
        stream.abandon()
