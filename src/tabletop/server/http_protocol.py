"""One client connection: bytes in, complete requests to the handler, answers out in the order of the requests.

The hot path is ``data_received`` -> ``work`` -> ``_accept`` -> ``_start`` -> ``_respond`` -> ``flush``: without a
task, a timer or a lock per request. What is one idea of its own lives in other files: the parser's
callbacks in ``http_reader``, the words of answers in ``http_answers``, streamed bodies in ``http_stream``, when
connections work and write in ``turns``, time limits and the set of live connections in ``connections``.

Where a connection stands:

    receiving   a request has begun and is not complete: head, then body; time limits run
    busy        the handler awaits, or a body is streamed: no time limit, later requests wait in ``queue``
    idle        neither: the keep-alive limit runs
    ending      no further request is read; what was asked is answered, then the connection closes
    lingering   a refusal was written before the request was complete: what still comes is dropped, for a while

Rules that are easy to break:

- Whatever can be read as the beginning of a request gets an answer before the connection closes.
- Answers leave in the order of requests, refusals included: a refusal waits in ``queue`` as a request does.
- A client that is gone changes nothing for the handler: its work finishes and the answer is dropped in silence.
- A transport that was told to close is not written to and not paused: uvloop raises where asyncio forgives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from tabletop.base.limits import READ_SLICE_BYTES, RUNNING_BODY_BYTES, WRITE_COALESCE_BYTES
from tabletop.base.log import Log
from tabletop.server.connections import Connections
from tabletop.server.http_answers import CONTINUE, refusal, whole
from tabletop.server.http_reader import RequestReader
from tabletop.server.http_stream import discard_body, stream
from tabletop.wire.http import BodySink, Handler, HttpRequest, HttpResponse

log = Log("server.http")


class HttpProtocol(RequestReader, asyncio.Protocol):
    """Feeds a ``Handler`` from one connection. Made by the listener, one per connection, on the event loop's thread."""

    __slots__ = (
        "busy", "close_after", "closing", "ended", "handler", "head_only", "http_version", "lingering", "out",
        "out_bytes", "queue", "queue_bytes", "reading_paused", "resumed", "running_bytes", "transport", "unparsed",
        "write_paused",
    )  # fmt: skip

    def __init__(self, handler: Handler, connections: Connections) -> None:
        super().__init__(connections)
        self.handler = handler
        self.transport: Any = None
        """None before the connection is made and after it is lost."""
        self.queue: deque[tuple[HttpRequest | HttpResponse, bool]] = deque()
        """What waits for its turn: a request, or the refusal that ends the connection; and if to close after it."""
        self.queue_bytes = 0
        self.unparsed = b""
        self.reading_paused = False
        self.busy = False
        self.running_bytes = 0
        """Of the body of the request that is awaited."""
        self.close_after = False
        self.head_only = False
        self.http_version = "1.1"
        self.ended = False
        """The client has closed its side; what it asked is still owed an answer."""
        self.lingering = False
        self.closing = False
        """The transport was told to close: nothing may be written any more."""
        self.out: list[bytes] = []
        self.out_bytes = 0
        self.write_paused = False
        self.resumed: asyncio.Future[None] | None = None

    # Called by the transport.

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        peername = transport.get_extra_info("peername")
        if isinstance(peername, tuple):
            self.peer = peername[0]
        self.secure = transport.get_extra_info("sslcontext") is not None
        self.progress_at = self.connections.now
        if not self.connections.add(self):
            self.refuse("overloaded")

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.remove(self)
        self._uncount_body()
        self.transport = None
        self.parser = None
        self.ending = True
        self.queue.clear()
        self.out.clear()
        self.body_parts.clear()
        self.unparsed = b""
        if self.sink is not None:
            sink, self.sink = self.sink, None
            sink.abort()
        self._wake_stream()

    @property
    def common_headers(self) -> bytes:
        """The header lines that every response has."""
        return self.connections.common_headers

    def data_received(self, data: bytes) -> None:
        self.connections.turn.read(self, data)

    def work(self, data: bytes) -> None:
        """Serve what was read, when the turn has read all of its connections."""
        if self.ending:
            return
        if self.unparsed:
            # Reading is paused, but a transport may hand over what it had read already.
            self.unparsed += data
        elif len(data) <= READ_SLICE_BYTES:
            self._feed(data)
        else:
            self._feed_slices(data)
        if self.out:
            self.connections.turn.answer(self, self.out_bytes)
        if self.queue and not self.closing:
            self._pace_reading()

    def eof_received(self) -> bool:
        """The client has sent all it will. True keeps our side open for the answers that are due."""
        self.connections.turn.work()
        if self.out:
            self.flush()
        self.ended = True
        if self.receiving and not self.ending:
            self.refuse("truncated")
        elif not (self.busy or self.queue or self.unparsed):
            return False
        # ``_pump`` closes after the last answer.
        return not self.secure

    def pause_writing(self) -> None:
        self.write_paused = True
        self.progress_at = self.connections.now

    def resume_writing(self) -> None:
        self.write_paused = False
        self.progress_at = self.connections.now
        self._wake_stream()
        self._pump()
        if self.out:
            self.flush()

    # Reading.

    def _accept(self, request: HttpRequest, *, close_after: bool) -> None:
        if close_after:
            self.ending = True
        if self.busy or self.write_paused or self.queue:
            self.queue.append((request, close_after))
            self.queue_bytes += len(request.body)
        else:
            self._start(request, close_after)

    def _wait_for(self, sink: BodySink) -> None:
        """Read on when the sink has room. What was read already still goes to it: one slice at most."""

        def resume() -> None:
            if self.transport is not None and not (self.closing or self.reading_paused):
                self.transport.resume_reading()

        self.transport.pause_reading()
        sink.when_room(resume)

    def _feed_slices(self, data: bytes) -> None:
        """Parse a large read piece by piece; what the pipeline has no room for waits in ``unparsed``."""
        limits = self.connections.limits
        at, stop = 0, len(data)
        while at < stop and not self.ending:
            if len(self.queue) >= limits.pipeline_requests_max or self.queue_bytes >= limits.pipeline_bytes_max:
                break
            self._feed(data[at : at + READ_SLICE_BYTES])
            at += READ_SLICE_BYTES
        self.unparsed = b"" if self.ending else data[at:]

    def _send_continue(self) -> None:
        """The interim answer belongs before the final one of its request and after those of earlier requests."""
        if not (self.busy or self.queue or self.write_paused):
            self.continue_wanted = False
            if not self.body_parts:
                self.out.append(CONTINUE)

    # Running.

    def _start(self, request: HttpRequest, close_after: bool) -> None:
        self.close_after = close_after
        self.head_only = request.method == "HEAD"
        self.http_version = request.http_version
        connections = self.connections
        size_bytes = len(request.body)
        try:
            if (
                size_bytes > RUNNING_BODY_BYTES
                and connections.running_bytes + size_bytes > connections.limits.running_bodies_bytes_max
            ):
                answer: Any = refusal("overloaded")
            else:
                answer = self.handler(request)
        except Exception as error:
            log.error("a handler raised", error=error, method=request.method, path=request.path)
            answer = refusal("fault")
        if isinstance(answer, HttpResponse):
            self._respond(answer)
            return
        self.busy = True
        self.running_bytes = size_bytes
        connections.running_bytes += size_bytes
        future = asyncio.ensure_future(answer)
        future.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[HttpResponse]) -> None:
        """The handler's work has ended, maybe after the client has gone."""
        self.busy = False
        self.connections.running_bytes -= self.running_bytes
        if future.cancelled():
            response = refusal("stopping")
        elif (error := future.exception()) is not None:
            log.error("a handler raised", error=error)
            response = refusal("fault")
        else:
            response = future.result()
        if self.transport is None or self.closing:
            discard_body(response)
            return
        self._respond(response)
        self._pump()
        if self.out:
            self.connections.turn.answer(self, self.out_bytes)

    def _respond(self, response: HttpResponse) -> None:
        connections = self.connections
        close = self.close_after or connections.draining
        body = response.body
        if not isinstance(body, bytes):
            self.busy = True
            stream(self, response, body, close=close)
            return
        piece = whole(response, body, connections.common_headers, close=close, head_only=self.head_only)
        self.out.append(piece)
        self.out_bytes += len(piece)
        self.progress_at = connections.now
        if close:
            self.end()
        elif self.out_bytes > WRITE_COALESCE_BYTES:
            self.flush()

    def _pump(self) -> None:
        """Start what waits, as far as the answers before it and the client's reading allow."""
        queue = self.queue
        while True:
            while queue and not (self.busy or self.write_paused or self.closing):
                item, close_after = queue.popleft()
                if isinstance(item, HttpRequest):
                    self.queue_bytes -= len(item.body)
                    self._start(item, close_after)
                else:
                    self._respond_refusal(item)
            if self.ending or self.busy or self.write_paused or not self.unparsed:
                break
            data, self.unparsed = self.unparsed, b""
            self._feed_slices(data)
        if self.transport is None or self.closing:
            return
        if self.ended and not (self.busy or queue or self.unparsed or self.ending):
            self.end()
            return
        self._pace_reading()
        if self.continue_wanted and not self.ending:
            self._send_continue()

    def _pace_reading(self) -> None:
        """Stop reading while the pipeline is full, and read on when half of it is done."""
        limits = self.connections.limits
        waiting = len(self.queue)
        if self.reading_paused:
            if not self.unparsed and waiting <= limits.pipeline_requests_max // 2:
                self.reading_paused = False
                self.transport.resume_reading()
        elif self.unparsed or waiting >= limits.pipeline_requests_max or self.queue_bytes >= limits.pipeline_bytes_max:
            self.reading_paused = True
            self.transport.pause_reading()

    # Writing and ending.

    def flush(self) -> None:
        out = self.out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.out_bytes = 0
        if self.transport is not None and not self.closing:
            self.transport.write(data)

    def stream_ended(self, *, close: bool) -> None:
        """The streamed body in front is written; the next request may start."""
        self.busy = False
        if self.transport is None or self.closing:
            return
        self.progress_at = self.connections.now
        if close:
            self.end()
            return
        self._pump()
        if self.out:
            self.flush()

    async def writable(self) -> bool:
        """Wait until the client reads on; False when it is gone."""
        if self.write_paused and self.transport is not None and not self.closing:
            self.resumed = asyncio.get_running_loop().create_future()
            await self.resumed
        return self.transport is not None and not self.closing

    def _wake_stream(self) -> None:
        if self.resumed is not None and not self.resumed.done():
            self.resumed.set_result(None)

    def refuse(self, reason: str) -> None:
        """Answer one of the server's own refusals in its turn, then end the connection. Reads no further request."""
        self.ending = True
        self._forget_message()
        self.body_parts = []
        self.unparsed = b""
        self.queue.append((refusal(reason), True))
        self._pump()
        if self.out:
            self.flush()

    def _respond_refusal(self, response: HttpResponse) -> None:
        body = response.body
        assert isinstance(body, bytes)
        common = self.connections.common_headers
        self.out.append(whole(response, body, common, close=True, head_only=False))
        self.flush()
        if self.ended:
            self.end()
            return
        self.lingering = True
        self.progress_at = self.connections.now
        if self.transport.can_write_eof():
            # asyncio's own transports raise where the client is gone already; ``connection_lost`` is on its way.
            with suppress(OSError):
                self.transport.write_eof()

    def end(self) -> None:
        """Write what is due and close."""
        self.ending = True
        self.queue.clear()
        self.unparsed = b""
        if self.out:
            self.flush()
        if self.transport is not None and not self.closing:
            self.closing = True
            self.progress_at = self.connections.now
            self.transport.close()

    def abort(self) -> None:
        """Close at once, dropping what is not written."""
        self.ending = self.closing = True
        self._wake_stream()
        if self.transport is not None:
            self.transport.abort()

    def check_time(self, now: float) -> None:
        """Called about once a second with the coarse time: ends what takes too long."""
        limits = self.connections.limits
        waited_s = now - self.progress_at
        if self.lingering or self.closing or self.write_paused:
            if waited_s > (limits.linger_timeout_s if self.lingering else limits.write_stall_timeout_s):
                self.abort()
        elif self.busy or self.queue:
            # A request that arrives behind a slow one has all its time still before it.
            self.message_since = self.progress_at = now
        elif self.sink is not None:
            # The sink's owner knows how long a body may take.
            return
        elif self.receiving and not self.ending:
            received_s = now - self.message_since
            if self.in_head:
                overdue = received_s > limits.head_timeout_s
            else:
                overdue = waited_s > limits.body_stall_timeout_s or received_s > limits.body_timeout_s
            if overdue:
                self.refuse("timeout")
        elif waited_s > limits.idle_timeout_s:
            self.end()

    @property
    def unread_bytes(self) -> int:
        """What the client was answered and has not read, as far as it waits in this process."""
        if not self.write_paused or self.transport is None or self.closing:
            return 0
        return int(self.transport.get_write_buffer_size())

    @property
    def idle(self) -> bool:
        return not (self.busy or self.queue or self.receiving or self.lingering or self.ending)
