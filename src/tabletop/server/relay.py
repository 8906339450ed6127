"""From a worker to the control process: requests that are not DynamoDB's, as plain HTTP over a Unix socket.

The control process serves the socket with the same ``HttpProtocol`` as everybody. Two header lines carry what only the
worker knows, the peer's address and whether the client came by TLS; the worker drops them where a client sends
them, and the control process believes them on that socket only, which lies in a directory closed to other users.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import httptools

from tabletop.base.limits import RELAY_CONNECTIONS_MAX
from tabletop.base.log import Log
from tabletop.server.http_answers import refusal
from tabletop.wire.http import Handler, HeaderList, HttpRequest, HttpResponse

log = Log("server.relay")

PEER_HEADER = "x-tabletop-peer"
SECURE_HEADER = "x-tabletop-secure"
_DROPPED_FROM_REQUEST = frozenset(
    (
        "connection",
        "keep-alive",
        "transfer-encoding",
        "content-length",
        "expect",
        "upgrade",
        "te",
        PEER_HEADER,
        SECURE_HEADER,
    )
)
_DROPPED_FROM_RESPONSE = frozenset((b"connection", b"transfer-encoding", b"content-length", b"server", b"date"))
_PIECES_MAX = 64
"""Pieces of a streamed answer that wait for a slow client; then reading from the control process pauses."""


def served_by_workers(request: HttpRequest) -> bool:
    """DynamoDB and its streams, by the header that names the operation; the rest is the control process's."""
    return request.headers.get("x-amz-target", "").startswith("DynamoDB")


def split(local: Handler, relay: Handler) -> Handler:
    """A worker's handler: what workers serve goes to ``local``, the rest to ``relay``."""

    def handle(request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        return local(request) if served_by_workers(request) else relay(request)

    return handle


def trusting(handler: Handler) -> Handler:
    """The control process's handler on the relay's socket: restores what the worker knew."""

    def handle(request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        request.peer = request.headers.pop(PEER_HEADER, request.peer)
        request.secure = request.headers.pop(SECURE_HEADER, "") == "1"
        return handler(request)

    return handle


class Relay:
    """A ``Handler`` that forwards to the control process over kept connections, one request at a time on each."""

    def __init__(self, path: Path, *, connections_max: int = RELAY_CONNECTIONS_MAX) -> None:
        self._path = path
        self._connections_max = connections_max
        self._open = 0
        self._free: list[_RelayConnection] = []

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            connection = await self._take()
            if connection is None:
                return refusal("overloaded")
            return await connection.send(request)
        except OSError as error:
            log.warning("the control process did not answer", fault=repr(error))
            return refusal("overloaded")

    async def _take(self) -> _RelayConnection | None:
        while self._free:
            connection = self._free.pop()
            if not connection.lost:
                return connection
        if self._open >= self._connections_max:
            return None
        self._open += 1
        try:
            _, made = await asyncio.get_running_loop().create_unix_connection(
                lambda: _RelayConnection(self), str(self._path)
            )
        except OSError:
            self._open -= 1
            raise
        return made

    def give_back(self, connection: _RelayConnection) -> None:
        self._free.append(connection)

    def forget(self, connection: _RelayConnection) -> None:
        self._open -= 1
        if connection in self._free:
            self._free.remove(connection)


class _RelayConnection(asyncio.Protocol):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: Any = None
        self._answer: asyncio.Future[HttpResponse] | None = None
        self._method = ""
        self._reset()
        self.lost = False

    def _reset(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._headers: HeaderList = []
        self._parts: list[bytes] = []
        self._pieces: _Pieces | None = None
        self._chunked = False

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises OSError when the control process goes away before it has answered."""
        self._answer = asyncio.get_running_loop().create_future()
        self._method = request.method
        lines = [f"{request.method} {request.target} HTTP/1.1\r\n"]
        lines += [
            f"{name}: {value}\r\n" for name, value in request.headers.items() if name not in _DROPPED_FROM_REQUEST
        ]
        lines.append(f"{PEER_HEADER}: {request.peer}\r\n{SECURE_HEADER}: {int(request.secure)}\r\n")
        lines.append(f"content-length: {len(request.body)}\r\n\r\n")
        self._transport.write("".join(lines).encode("latin-1") + request.body)
        # Shielded: a client that goes away does not end the work, and the connection is free only after the answer.
        return await asyncio.shield(self._answer)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._relay.forget(self)
        self._fail(ConnectionResetError("the control process closed the relay"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            log.error("the control process's answer could not be read", error=error)
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"transfer-encoding":
            self._chunked = True
        if lower not in _DROPPED_FROM_RESPONSE:
            self._headers.append((name.decode("latin-1"), value.decode("latin-1").rstrip()))

    def on_headers_complete(self) -> None:
        if self._method == "HEAD":
            # The parser would wait for the body that the length announces.
            self._resolve(b"")
            self._transport.abort()
        elif self._chunked:
            self._pieces = _Pieces(self._transport)
            self._resolve(self._pieces)

    def on_body(self, part: bytes) -> None:
        if self._pieces is None:
            self._parts.append(part)
            return
        self._pieces.put(part)

    def on_message_complete(self) -> None:
        if self._pieces is not None:
            self._pieces.put(None)
        else:
            self._resolve(b"".join(self._parts))
        # The parser is in use until this returns: renewed on the next turn of the loop.
        asyncio.get_running_loop().call_soon(self._free)

    def _free(self) -> None:
        if not self.lost:
            self._transport.resume_reading()
            self._reset()
            self._relay.give_back(self)

    def _resolve(self, body: bytes | AsyncIterator[bytes]) -> None:
        assert self._answer is not None
        if not self._answer.done():
            self._answer.set_result(HttpResponse(self._parser.get_status_code(), self._headers, body))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self._pieces is not None:
            self._pieces.put(error)


class _Pieces:
    """A streamed answer: an async iterator over what has arrived, at its reader's pace."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._complete = False
        self._paused = False

    def put(self, piece: bytes | Exception | None) -> None:
        """``None`` is the answer's proper end; an exception is raised to the reader. Later ones say nothing new."""
        if self._complete:
            return
        self._complete = not isinstance(piece, bytes)
        self._queue.put_nowait(piece)
        if self._queue.qsize() >= _PIECES_MAX and not self._paused and not self._complete:
            self._paused = True
            self._transport.pause_reading()

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._queue.get()
        if self._paused and self._queue.qsize() < _PIECES_MAX // 2 and not self._complete:
            self._paused = False
            self._transport.resume_reading()
        if piece is None:
            raise StopAsyncIteration
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        """A reader that leaves in the middle: the rest of the answer is in the way of the next request."""
        if not self._complete:
            self._transport.abort()
