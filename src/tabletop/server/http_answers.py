"""Responses as bytes: the head in one join, and the answers that the server gives of its own accord."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from tabletop.wire.http import HeaderList, HttpResponse

SERVER_NAME = "tabletop"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}

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


def common_headers(now: float) -> bytes:
    """The header lines that every answer has; ``now`` in seconds since the epoch. Made once a second."""
    return f"Server: {SERVER_NAME}\r\nDate: {formatdate(now, usegmt=True)}\r\n".encode("ascii")


def whole(response: HttpResponse, body: bytes, common: bytes, *, close: bool, head_only: bool) -> bytes:
    """A response with its body: to HEAD without the body, but with the length that it would have."""
    status = response.status
    lines = response.lines + _lines(response.headers) if response.headers else response.lines
    if status == 200 and not (close or head_only):
        return b"HTTP/1.1 200 OK\r\n%b%bContent-Length: %d\r\n\r\n%b" % (common, lines, len(body), body)
    has_body = status not in (204, 304)
    framing = b"Content-Length: %d\r\n\r\n" % len(body) if has_body else b"\r\n"
    head = b"".join((_status_line(status), common, _CLOSE if close else b"", lines, framing))
    return head + body if has_body and not head_only else head


def streamed_head(response: HttpResponse, common: bytes, *, close: bool, chunked: bool) -> bytes:
    """The head of a response whose length nobody knows yet. Not ``chunked``: its end is the connection's end."""
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n"
    lines = response.lines + _lines(response.headers)
    return b"".join((_status_line(response.status), common, _CLOSE if close else b"", lines, framing))


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"
_CLOSE = b"Connection: close\r\n"


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


def _lines(headers: HeaderList) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        # A service let a client's text into a header: a line break in it would forge headers of ours.
        text = "".join(f"{_one_line(name)}: {_one_line(value)}\r\n" for name, value in headers)
    return text.encode("latin-1", "replace")


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
