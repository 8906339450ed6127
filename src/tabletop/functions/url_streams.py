"""Function URLs with InvokeMode RESPONSE_STREAM: the answer while the function makes it.

A response of the type ``application/vnd.awslambda.http-integration-response`` begins with its status, headers and
cookies as JSON, ended by eight zero bytes. Any other is the body as it is, with status 200: what a function returns
at once is not read for a statusCode in this mode (inferred).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

from tabletop.functions import urls
from tabletop.functions.outcomes import Outcome
from tabletop.functions.response_streams import ResponseStream
from tabletop.wire.http import HttpResponse

HTTP_TYPE = "application/vnd.awslambda.http-integration-response"
_END_OF_PRELUDE = bytes(8)
_PRELUDE_BYTES_MAX = 64 * 1024


async def answer(running: asyncio.Future[Outcome], stream: ResponseStream) -> HttpResponse:
    """``running`` is the invocation that writes to ``stream``. Raises ApiError where it could not even begin."""
    firsts: set[asyncio.Future[Any]] = {running, stream.begun}
    await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)
    if not stream.begun.done():
        outcome = running.result()
        if outcome.error:
            return urls.plain(502, b"Internal Server Error")
        return urls.plain(200, outcome.payload)
    pieces = stream.pieces()
    if stream.content_type != HTTP_TYPE:
        kind = stream.content_type or "application/octet-stream"
        return HttpResponse(200, [("Content-Type", kind)], _body(b"", pieces, running, stream))
    begun = b""
    async for piece in pieces:
        begun += piece
        if _END_OF_PRELUDE in begun or len(begun) > _PRELUDE_BYTES_MAX:
            break
    prelude, end, rest = begun.partition(_END_OF_PRELUDE)
    response = _head(prelude) if end else None
    if response is None:
        stream.abandon()
        return urls.plain(502, b"Internal Server Error")
    response.body = _body(rest, pieces, running, stream)
    return response


def _head(prelude: bytes) -> HttpResponse | None:
    try:
        content = orjson.loads(prelude)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict):
        return None
    known = {name: content.get(name) for name in ("headers", "cookies")}
    return urls.structured({"statusCode": content.get("statusCode", 200), **known})


async def _body(
    rest: bytes, pieces: AsyncIterator[bytes], running: asyncio.Future[Outcome], stream: ResponseStream
) -> AsyncIterator[bytes]:
    try:
        yield rest
        async for piece in pieces:
            yield piece
        if (await asyncio.shield(running)).error:
            # The status is said already: only a body that breaks off tells the client.
            raise ConnectionError("the function failed in the middle of its response")
    finally:
        stream.abandon()
