"""From bytes to complete requests: the parser's callbacks, and the bounds of a single request.

- A plain request is read whole by ``http_plain``; the parser stands between two messages then, and knows nothing of it.
- The parser is llhttp, which has no bounds of its own: heads, bodies, chunk sizes and trailers are bounded here.
- An ``Upgrade`` header (h2c, from Java's HTTP client) is ignored, as RFC 9110 allows. The parser takes what follows
  such a head for another protocol, body included, so the head is parsed once more without that header.
- Trailers after a chunked body are dropped: taken for headers they could replace a signed one. Only a sink, which takes
  the body while it arrives, is told of them.
"""

from __future__ import annotations

from typing import Any, NoReturn

import httptools

from tabletop.base.limits import LARGE_BODY_BYTES, READ_SLICE_BYTES
from tabletop.server.connections import Connections
from tabletop.server.http_plain import read_plain
from tabletop.wire.http import FIRST_ACCEPT_ENCODING, BodySink, HttpRequest

_HEADER_NAMES_MAX = 1000
_TRAILERS_MAX = 16


class _HeaderNames(dict[bytes, str]):
    """Names as sent -> in lower case, one object for all requests; bounded, for clients that invent names."""

    def __missing__(self, name: bytes) -> str:
        key = name.decode("latin-1").lower()
        if len(self) < _HEADER_NAMES_MAX:
            self[name] = key
        return key


_HEADER_NAMES = _HeaderNames()


class _Refused(Exception):
    """Leaves the parser from inside a callback; the reason is in ``RequestReader.refused``."""


class RequestReader:
    """The reading half of ``HttpProtocol``, which says what becomes of a request and how one is refused."""

    __slots__ = (
        "after_line_end", "body_bytes", "body_bytes_max", "body_parts", "connections", "continue_wanted", "counted_bytes",
        "ending", "fed_bytes", "head_bytes", "headers", "in_head", "message_bytes", "message_since", "parser", "peer",
        "progress_at", "receiving", "refused", "secure", "sink", "target", "trailers",
    )  # fmt: skip

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.parser: Any = httptools.HttpRequestParser(self)
        self.peer = "127.0.0.1"
        self.secure = False
        self.ending = False
        """No further request is read."""
        self.receiving = False
        self.after_line_end = False
        """What the parser was given last ends in a line's end: maybe half of one that stands between two messages."""
        self.in_head = False
        self.target = b""
        self.headers: dict[str, str] = {}
        self.body_parts: list[bytes] = []
        self.body_bytes = 0
        self.body_bytes_max = 0
        self.fed_bytes = 0
        """The length of what the parser was given last."""
        self.head_bytes = 0
        self.message_bytes = 0
        self.counted_bytes = 0
        """What this request's body takes of the listener's ``bodies_bytes``."""
        self.continue_wanted = False
        self.sink: BodySink | None = None
        """Who takes the body of the present request as it arrives."""
        self.trailers: dict[str, str] = {}
        """For the sink alone."""
        self.refused = ""
        self.message_since = 0.0
        self.progress_at = 0.0
        """The coarse time of the last thing that keeps the connection alive: a read, an answer, a stalled write."""

    def _accept(self, request: HttpRequest, *, close_after: bool) -> None:
        raise NotImplementedError

    def _send_continue(self) -> None:
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        raise NotImplementedError

    def _wait_for(self, sink: BodySink) -> None:
        raise NotImplementedError

    def _feed(self, data: bytes) -> None:
        connections = self.connections
        if len(data) <= connections.plain_bytes_max and not (self.receiving or self.after_line_end):
            request = read_plain(data, connections.limits.headers_max, self.peer, self.secure)
            if request is not None:
                self._accept(request, close_after=False)
                return
        self.fed_bytes = len(data)
        self.after_line_end = data.endswith((b"\r", b"\n"))
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            if not self.ending:
                self.refuse(self.refused or "malformed")
            return
        if self.receiving and not self.ending:
            self._bound_message(len(data))

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self.ending:
            raise _Refused
        self.receiving = self.in_head = True
        self.message_since = self.connections.now

    def on_url(self, part: bytes) -> None:
        self.target = self.target + part if self.target else part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:
            key = _HEADER_NAMES[name]
            headers = self.headers
            text = value.rstrip().decode("latin-1")
            if key not in headers:
                headers[key] = text
            else:
                if key == "accept-encoding":
                    headers.setdefault(FIRST_ACCEPT_ENCODING, headers[key])
                headers[key] = f"{headers[key]},{text}"
        elif self.sink is not None and len(self.trailers) < _TRAILERS_MAX:
            self.trailers[name.decode("latin-1").lower()] = value.rstrip().decode("latin-1")

    def on_headers_complete(self) -> None:
        headers = self.headers
        limits = self.connections.limits
        if len(headers) > limits.headers_max:
            self._stop_parsing("head_too_large")
        # What was read since the message began is more than the head, and nearly always less than the limit.
        if self.head_bytes + self.fed_bytes > limits.head_bytes_max:
            self._bound_head(headers)
        self.in_head = False
        if "content-length" in headers or "transfer-encoding" in headers:
            self._expect_body(headers)

    def _bound_head(self, headers: dict[str, str]) -> None:
        if len(self.target) + sum(map(len, headers.values())) > self.connections.limits.head_bytes_max:
            self._stop_parsing("head_too_large")

    def on_body(self, part: bytes) -> None:
        if self.sink is not None:
            if not self.sink.feed(part):
                self._wait_for(self.sink)
            return
        self.body_parts.append(part)
        self.body_bytes += len(part)
        if self.body_bytes > self.body_bytes_max:
            self._stop_parsing("body_too_large")

    def on_message_complete(self) -> None:
        parser = self.parser
        if parser.should_upgrade():
            return
        headers = self.headers
        keep_alive = parser.should_keep_alive()
        parts = self.body_parts
        request = HttpRequest(
            method=parser.get_method().decode("ascii"),
            target=self.target.decode("latin-1"),
            headers=headers,
            body=b"" if not parts else parts[0] if len(parts) == 1 else b"".join(parts),
            peer=self.peer,
            secure=self.secure,
            # A kept-alive connection without a Connection header can only be 1.1: spares a call on the hot path.
            http_version="1.1" if keep_alive and "connection" not in headers else parser.get_http_version(),
        )
        if self.sink is not None:
            sink, self.sink = self.sink, None
            sink.end(self.trailers)
        self._forget_message()
        self._accept(request, close_after=not keep_alive)

    def _bound_message(self, read_bytes: int) -> None:
        """After a read that left a request incomplete."""
        limits = self.connections.limits
        self.progress_at = self.connections.now
        if self.in_head:
            self.head_bytes += read_bytes
            if self.head_bytes > limits.head_bytes_max:
                self.refuse("head_too_large")
        elif self.sink is None:
            self.message_bytes += read_bytes
            # Chunk sizes and trailers are not body, and must not be endless either.
            if self.message_bytes > self.body_bytes_max + limits.head_bytes_max + READ_SLICE_BYTES:
                self.refuse("body_too_large")

    def _expect_body(self, headers: dict[str, str]) -> None:
        limits = self.connections.limits
        if self.connections.sinks is not None:
            method = self.parser.get_method().decode("ascii")
            head = HttpRequest(method=method, target=self.target.decode("latin-1"), headers=headers, peer=self.peer)
            self.sink = self.connections.sinks(head)
            if self.sink is not None:
                return
        if headers.get("x-amz-target", "").startswith("DynamoDB"):
            self.body_bytes_max = limits.dynamodb_body_bytes_max
        else:
            self.body_bytes_max = limits.body_bytes_max
        announced = int(headers.get("content-length", "0"))
        if announced > self.body_bytes_max:
            self._stop_parsing("body_too_large")
        if announced >= LARGE_BODY_BYTES:
            if self.connections.bodies_bytes + announced > limits.bodies_bytes_max:
                self._stop_parsing("overloaded")
            self.counted_bytes = announced
            self.connections.bodies_bytes += announced
        if headers.get("expect", "").lower() == "100-continue":
            self.continue_wanted = True
            self._send_continue()

    def _ignore_upgrade(self, rest: bytes) -> None:
        if self.parser.get_method() == b"CONNECT":
            self.refuse("connect")
            return
        lines = [self.parser.get_method() + b" " + self.target + b" HTTP/1.1"]
        for name, value in self.headers.items():
            if name != "upgrade":
                lines.append(f"{name}: {value}".encode("latin-1"))
        self._forget_message()
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join((*lines, b"", b"")))
        if rest and not self.ending:
            self._feed(rest)

    def _forget_message(self) -> None:
        self.receiving = self.in_head = False
        self.target = b""
        self.headers = {}
        if self.body_parts:
            self.body_parts = []
            self.body_bytes = 0
            if self.counted_bytes:
                self._uncount_body()
        self.head_bytes = self.message_bytes = 0
        self.continue_wanted = False
        if self.sink is not None:
            sink, self.sink = self.sink, None
            sink.abort()
        if self.trailers:
            self.trailers = {}

    def _uncount_body(self) -> None:
        self.connections.bodies_bytes -= self.counted_bytes
        self.counted_bytes = 0

    def _stop_parsing(self, reason: str) -> NoReturn:
        self.refused = reason
        raise _Refused
