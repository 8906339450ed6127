"""One HTTP request and one response as plain values: what the server hands to the gateway and gets back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol
from urllib.parse import unquote

HeaderList = list[tuple[str, str]]

FIRST_ACCEPT_ENCODING = "accept-encoding first"
"""No header can have this name: where Accept-Encoding is repeated, what its first line said. DynamoDB heeds that one
alone (observed), while signatures are over all of them joined."""


class HttpRequest:
    """A complete request. ``headers`` has lower-case names; a repeated header is joined with commas.

    ``target`` is the request line's target as sent (path and query); ``path`` is its path, not yet unquoted;
    ``body`` has been de-chunked and, where Content-Encoding said so, decompressed.
    """

    __slots__ = ("body", "headers", "http_version", "method", "path", "peer", "query", "secure", "target")

    def __init__(
        self,
        *,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        peer: str = "127.0.0.1",
        secure: bool = False,
        http_version: str = "1.1",
    ) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body
        self.peer = peer
        self.secure = secure
        self.http_version = http_version

    def query_pairs(self) -> list[tuple[str, str]]:
        """The query string's names and values, unquoted, in order; a name without "=" has the value ""."""
        pairs = []
        for part in self.query.split("&"):
            if part:
                name, _, value = part.partition("=")
                pairs.append((unquote(name.replace("+", " ")), unquote(value.replace("+", " "))))
        return pairs


class PlainRequest(HttpRequest):
    """A POST to "/" over HTTP/1.1: what all of them have in common is said once, not set on each."""

    __slots__ = ()

    method = "POST"
    target = path = "/"
    query = ""
    http_version = "1.1"

    def __init__(self, headers: dict[str, str], body: bytes, peer: str, secure: bool) -> None:
        self.headers = headers
        self.body = body
        self.peer = peer
        self.secure = secure


class HttpResponse:
    """A response. ``body`` is bytes, or an async iterator of chunks (sent with chunked transfer encoding).

    ``lines`` are further header lines as they go over the wire, each ended by CR LF, for those who answer many thousand
    times a second: nobody looks into them any more, so they must not hold a word that a client chose.
    """

    __slots__ = ("body", "headers", "lines", "status")

    def __init__(
        self, status: int, headers: HeaderList, body: bytes | AsyncIterator[bytes] = b"", lines: bytes = b""
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.lines = lines


class BodySink(Protocol):
    """Takes a request's body while it arrives, in place of ``HttpRequest.body``. The handler is called after ``end``."""

    def feed(self, part: bytes) -> bool:
        """False: no more for now; ``when_room`` is called once."""
        ...

    def when_room(self, resume: Callable[[], None]) -> None: ...

    def end(self, trailers: dict[str, str]) -> None:
        """The body is complete. ``trailers`` with lower-case names."""
        ...

    def abort(self) -> None:
        """It never will be: the client is gone, or what it sent is malformed."""
        ...


Sinks = Callable[[HttpRequest], BodySink | None]
"""Asked with each request that has a body, when its head is there: who takes the body as it arrives, if anybody."""

Handler = Callable[[HttpRequest], "HttpResponse | Awaitable[HttpResponse]"]
"""Answers a request at once, or with something to await. It never raises: a fault of ours is a 500 response."""
