"""Responses as bytes: the head in one join, and the answers that the server gives of its own accord."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from tabletop.wire.http import HttpResponse

SERVER_NAME = "tabletop"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}

# What the server refuses by itself, before any service has seen the request: (status, code, message).
_REFUSALS = {
    "malformed": (400, "BadRequestException", "The request could not be parsed as HTTP/1.1."),
    "truncated": (400, "BadRequestException", "The request ended before its body was complete."),
    "connect": (405, "MethodNotAllowed", "The method CONNECT is not allowed: this is not a proxy."),
    "timeout": (408, "RequestTimeoutException", "The request was not received completely within the time limit."),
    "body_too_large": (413, "RequestEntityTooLarge", "The request body is larger than the service accepts."),
    "head_too_large": (
        400,
        "RequestHeaderFieldsTooLarge",
        "The request line and headers are larger than the server accepts.",
    ),
    "fault": (500, "InternalServerError", "The request processing has failed because of an unknown error."),
    "overloaded": (
        503,
        "ServiceUnavailable",
        "The server has reached a bound on connections or memory. Try again shortly.",
    ),
    "stopping": (503, "ServiceUnavailable", "The server is stopping."),
}


def refusal(name: str) -> HttpResponse:
    """One of the server's own answers, in the JSON form that AWS's SDKs read."""
    status, code, message = _REFUSALS[name]
    body = f'{{"__type":"{code}","message":"{message}"}}'.encode()
    return HttpResponse(status, [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-ErrorType", code)], body)


def common_headers(now: float) -> str:
    """The header lines that every answer has; ``now`` in seconds since the epoch. Made once a second."""
    return f"Server: {SERVER_NAME}\r\nDate: {formatdate(now, usegmt=True)}\r\n"


def whole(response: HttpResponse, body: bytes, common: str, *, close: bool, head_only: bool) -> bytes:
    """A response with its body: to HEAD without the body, but with the length that it would have."""
    status = response.status
    framing = "" if status in (204, 304) else f"Content-Length: {len(body)}\r\n"
    head = _head(response, common + ("Connection: close\r\n" if close else ""), framing)
    return head if head_only or not framing else head + body


def streamed_head(response: HttpResponse, common: str, *, close: bool, chunked: bool) -> bytes:
    """The head of a response whose length nobody knows yet. Not ``chunked``: its end is the connection's end."""
    framing = "Transfer-Encoding: chunked\r\n" if chunked else ""
    return _head(response, common + ("Connection: close\r\n" if close else ""), framing)


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"


def _head(response: HttpResponse, common: str, framing: str) -> bytes:
    headers = response.headers
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    status_line = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} Unknown\r\n"
    own = "".join(lines)
    if own.count("\n") != len(lines) or own.count("\r") != len(lines):
        # A service let a client's text into a header: a line break in it would forge headers of ours.
        own = "".join(f"{_one_line(name)}: {_one_line(value)}\r\n" for name, value in headers)
    return "".join((status_line, common, own, framing, "\r\n")).encode("latin-1", "replace")


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
