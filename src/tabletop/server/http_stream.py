"""Bodies of unknown length: an async iterator's pieces, chunked, at the pace at which the client reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from tabletop.base.log import Log
from tabletop.server.http_answers import LAST_CHUNK, chunk, streamed_head
from tabletop.wire.http import HttpResponse

log = Log("server.http")


class StreamingConnection(Protocol):
    """What a stream needs of its connection; ``http_protocol.HttpProtocol`` is one."""

    out: list[bytes]
    http_version: str
    head_only: bool

    @property
    def common_headers(self) -> bytes: ...
    def flush(self) -> None: ...
    async def writable(self) -> bool: ...
    def abort(self) -> None: ...
    def stream_ended(self, *, close: bool) -> None: ...


_running: set[asyncio.Task[None]] = set()
"""The loop itself keeps tasks only weakly."""


def stream(connection: StreamingConnection, response: HttpResponse, body: AsyncIterator[bytes], *, close: bool) -> None:
    """Write ``response`` piece by piece and tell ``connection`` when done. Ends early when the client is gone."""
    _keep(asyncio.ensure_future(_stream(connection, response, body, close)))


def discard_body(response: HttpResponse) -> None:
    """Close a streamed body that nobody will read, so that its generator can clean up."""
    if not isinstance(response.body, bytes):
        _keep(asyncio.ensure_future(_close(response.body)))


async def _stream(
    connection: StreamingConnection, response: HttpResponse, body: AsyncIterator[bytes], close_after: bool
) -> None:
    # HTTP/1.0 knows no chunks, and a length that the service announces frames the body by itself.
    announced = any(name.lower() == "content-length" for name, _ in response.headers)
    chunked = not announced and connection.http_version != "1.0"
    close = close_after or not (chunked or announced)
    connection.out.append(streamed_head(response, connection.common_headers, close=close, chunked=chunked))
    connection.flush()
    try:
        if not connection.head_only:
            async for piece in body:
                if piece:
                    connection.out.append(chunk(piece) if chunked else piece)
                    connection.flush()
                if not await connection.writable():
                    return
            if chunked:
                connection.out.append(LAST_CHUNK)
                connection.flush()
    except Exception as error:
        # The head is out: all that can still be said is that the body did not end as it should.
        log.error("a streamed body failed", error=error)
        connection.abort()
    finally:
        await _close(body)
        connection.stream_ended(close=close)


async def _close(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        try:
            await close()
        except Exception as error:
            log.error("a streamed body failed", error=error)


def _keep(task: asyncio.Future[None]) -> None:
    if isinstance(task, asyncio.Task):
        _running.add(task)
        task.add_done_callback(_running.discard)
