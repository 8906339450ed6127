"""Bytes that nobody would send: no exception leaves the connection, and what began as a request gets an answer."""

from __future__ import annotations

from http_fakes import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

PARTS = [
    b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n", b"\r\n", b"\r\n\r\n", b"\n",
    b"Content-Length: 3\r\n", b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: Upgrade\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"abc",
    b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\nT: x\r\n\r\n",
    b"X: y\r\n", b": \r\n", b"\x00", b"\xff" * 20, b"x" * 3000,
]  # fmt: skip
BYTES = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join))


# An answer or a close, whatever comes and however it is cut; the recorded transport fails on writes after a close.
@settings(max_examples=300, deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=6), st.booleans())
def test_any_bytes(pieces: list[bytes], half_close: bool) -> None:
    desk = Desk(body_bytes_max=2000, head_bytes_max=2000, pipeline_requests_max=2)
    for piece in pieces:
        if not desk.transport.closed:
            desk.feed(piece)
    begun = desk.protocol.receiving
    if half_close and not desk.transport.closed:
        desk.protocol.eof_received()
    desk.pass_time(10_000)
    desk.pass_time(10_000)
    assert desk.transport.closed
    assert not begun or desk.statuses
    desk.protocol.connection_lost(None)
    assert desk.connections.bodies_bytes == 0
    assert not desk.connections.live
