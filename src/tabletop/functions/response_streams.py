"""Responses that come bit by bit: from the runtime's chunked request to whoever reads, at the pace at which he reads.

The runtime says ``Lambda-Runtime-Function-Response-Mode: streaming`` and sends its response as it is made; an error in the
middle of it comes in trailers. For a caller of plain Invoke the pieces are gathered, up to the bound of a response.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import AsyncIterator, Callable

from tabletop.functions import limits

MODE_HEADER = "lambda-runtime-function-response-mode"
ERROR_TYPE_TRAILER = "lambda-runtime-function-error-type"
ERROR_BODY_TRAILER = "lambda-runtime-function-error-body"


class ResponseStream:
    """What the reader of a streamed response holds. One reader; the writer is a ``StreamedBody``."""

    def __init__(self) -> None:
        self.content_type = ""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first piece is there."""
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._ended = False
        self._abandoned = False
        self._resume: Callable[[], None] | None = None

    def begin(self, content_type: str) -> None:
        self.content_type = content_type
        if not self.begun.done():
            self.begun.set_result(None)

    def put(self, piece: bytes) -> bool:
        """False: enough for now."""
        if self._abandoned:
            return True
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        self._changed.set()
        return self._waiting_bytes < limits.STREAM_PENDING_BYTES_MAX

    def when_room(self, resume: Callable[[], None]) -> None:
        self._resume = resume

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._changed.set()

    def abandon(self) -> None:
        """Nobody reads any more: the function runs on, and what it says is dropped."""
        self._abandoned = True
        self._pieces.clear()
        self._make_room()

    async def pieces(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._waiting_bytes -= len(piece)
                if self._waiting_bytes < limits.STREAM_PENDING_BYTES_MAX:
                    self._make_room()
                yield piece
            if self._ended:
                return
            self._changed.clear()
            await self._changed.wait()

    def _make_room(self) -> None:
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()


class StreamedBody:
    """A ``wire.http.BodySink``: one streamed response as it arrives. ``done`` gets (error type, payload): the type is ""
    for a response, whose payload is what no ``stream`` took; else the error's JSON.
    """

    def __init__(self, stream: ResponseStream | None, content_type: str, done: Callable[[str, bytes], None]) -> None:
        self._stream = stream
        self._done = done
        self._gathered = bytearray()
        self._received_bytes = 0
        self._bytes_max = limits.RESPONSE_BYTES_MAX if stream is None else limits.STREAMED_RESPONSE_BYTES_MAX
        if stream is not None:
            stream.begin(content_type)

    def feed(self, part: bytes) -> bool:
        self._received_bytes += len(part)
        if self._received_bytes > self._bytes_max:
            return True
        if self._stream is not None:
            return self._stream.put(part)
        self._gathered += part
        return True

    def when_room(self, resume: Callable[[], None]) -> None:
        assert self._stream is not None
        self._stream.when_room(resume)

    def end(self, trailers: dict[str, str]) -> None:
        if self._received_bytes > self._bytes_max:
            self._done(TOO_LARGE, too_large(self._bytes_max))
            return
        error_type = trailers.get(ERROR_TYPE_TRAILER, "")
        if not error_type:
            self._done("", bytes(self._gathered))
            return
        try:
            payload = base64.b64decode(trailers.get(ERROR_BODY_TRAILER, ""), validate=True)
        except (binascii.Error, ValueError):
            payload = b""
        self._done(error_type, payload)

    def abort(self) -> None:
        # Inferred: AWS has this name for a response that broke off; the text is ours.
        self._done(
            "Runtime.TruncatedResponse",
            b'{"errorType":"Runtime.TruncatedResponse","errorMessage":"Response ended early"}',
        )


TOO_LARGE = "Function.ResponseSizeTooLarge"


def too_large(bytes_max: int) -> bytes:
    message = f"Response payload size exceeded maximum allowed payload size ({bytes_max} bytes)."
    return f'{{"errorMessage":"{message}","errorType":"{TOO_LARGE}"}}'.encode()
