"""The plain request is read as the parser reads it, and whatever is not plain is left to the parser."""

from __future__ import annotations

from typing import Any

import pytest
from http_fakes import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletop.server import http_plain
from tabletop.server.http_plain import LINE_BYTES_MAX, LINES_MAX, read_plain
from tabletop.wire.http import HttpRequest

START = b"POST / HTTP/1.1\r\n"
PIECES = [
    b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\n", b"post / HTTP/1.1\r\n", b"POST /a HTTP/1.1\r\n",
    b"\r\n", b"\n", b"\r", b" ", b"Host: a\r\n", b"host:a\r\n", b"Host : a\r\n", b" Host: a\r\n", b"X:\r\n", b"X: \r\n",
    b"X:  y \t\r\n", b"X: y\tz\r\n", b"X: \xe4\r\n", b"X: \x7f\r\n", b"X: y\x00\r\n", b"X: y\rz\r\n", b"X: y\n", b": y\r\n",
    b"X(: y\r\n", b"Content-Length: 3\r\n", b"Content-Length: 03\r\n", b"Content-Length: +3\r\n", b"content-length:3\r\n",
    b"Content-Length: 0\r\n", b"Content-Length: 3, 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"connection: Keep-Alive, close\r\n", b"Upgrade: h2c\r\n",
    b"Expect: 100-continue\r\n", b"Accept-Encoding: gzip\r\n", b"abc", b"3\r\nabc\r\n0\r\n\r\n",
]  # fmt: skip


def described(requests: list[HttpRequest]) -> list[tuple[Any, ...]]:
    return [
        (one.method, one.target, one.path, one.query, one.headers, one.body, one.peer, one.secure, one.http_version)
        for one in requests
    ]


def post(*lines: bytes, body: bytes = b"{}") -> bytes:
    head = b"\r\n".join((b"Content-Length: %d" % len(body), *lines))
    return START + head + b"\r\n\r\n" + body


# Two readers of one protocol that disagree are how requests are smuggled: what is read in one piece, where the plain
# reader may have it, is what the parser makes of the same bytes in two pieces, where it never has.
@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from([b"", START]), st.sampled_from([b"", b"abc"]))
def test_the_plain_reader_agrees_with_the_parser(pieces: list[bytes], start: bytes, body: bytes) -> None:
    data = start + b"".join(pieces) + b"\r\n" + body
    at_once, in_two = Desk().feed(data), Desk()
    in_two.feed(data[:1])
    if len(data) > 1:
        in_two.feed(data[1:])
    assert described(at_once.seen) == described(in_two.seen)
    assert at_once.statuses == in_two.statuses
    assert at_once.transport.closed == in_two.transport.closed
    assert at_once.protocol.receiving == in_two.protocol.receiving


# A line's end between two messages is the parser's to judge, all of it: also where the next read is plain.
@pytest.mark.parametrize("between", [b"\r", b"\r\n", b"\n"])
def test_line_ends_between_messages_do_not_depend_on_packets(between: bytes) -> None:
    at_once = Desk().feed(post() + between + post())
    cut = Desk().feed(post() + between).feed(post())
    assert cut.statuses == at_once.statuses
    assert cut.transport.closed == at_once.transport.closed


# The usual request of an SDK is plain, the second time by remembered lines: otherwise nothing would be gained.
def test_requests_of_sdks_are_plain() -> None:
    data = post(b"Host: localhost:4566", b"Authorization: AWS4-HMAC-SHA256 x", b"Connection: keep-alive", b"X-Y:  z ")
    for _ in range(2):
        request = read_plain(data, 200, "10.1.2.3", False)
        assert request is not None
        assert request.headers == {
            "content-length": "2",
            "host": "localhost:4566",
            "authorization": "AWS4-HMAC-SHA256 x",
            "connection": "keep-alive",
            "x-y": "z",
        }
        assert request.body == b"{}"


# Each of these the parser reads in another way than line by line, or refuses.
@pytest.mark.parametrize(
    "data",
    [
        post(b"Transfer-Encoding: chunked"),
        post(b"Connection: close"),
        post(b"Upgrade: h2c"),
        post(b"Expect: 100-continue"),
        post(b"X: a", b"x: b"),
        post(b"Content-Length: 2"),
        post(b"X: a", b" folded"),
        post(b"X : a"),
        post(b"X: a\nY: b"),
        post(b"X: \xff"),
        post() + b"POST / HTTP/1.1\r\n\r\n",
        post()[:-1],
        post(body=b"a\r\nb"),
        START + b"\r\n{}",
        START + b"Content-Length: 02\r\n\r\n{}",
        b"\r\n" + post(),
    ],
)
def test_what_is_unusual_is_left_to_the_parser(data: bytes) -> None:
    assert read_plain(data, 200, "10.1.2.3", False) is None


# The bound on headers holds here as there: at it and one above.
@pytest.mark.parametrize(("count", "served"), [(10, True), (11, False)])
def test_header_count_bound(count: int, served: bool) -> None:
    data = post(*(b"X-%d: y" % number for number in range(count - 1)))
    assert (read_plain(data, 10, "10.1.2.3", False) is not None) is served


# Strangers choose the lines that are remembered: neither their number nor their length may fill the memory.
def test_remembered_lines_are_bounded() -> None:
    lines = http_plain._LINES
    for number in range(LINES_MAX + 10):
        assert read_plain(post(b"X: %d" % number), 200, "10.1.2.3", False) is not None
    assert len(lines) <= LINES_MAX
    long = b"X: ".ljust(LINE_BYTES_MAX, b"y")
    read_plain(post(long, b"Authorization: z"), 200, "10.1.2.3", False)
    assert long in lines
    assert b"Authorization: z" not in lines
    read_plain(post(long + b"y"), 200, "10.1.2.3", False)
    assert long + b"y" not in lines
