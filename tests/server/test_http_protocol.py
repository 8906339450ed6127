"""One connection, fed with bytes over a recorded transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from http_fakes import Desk, parse

from tabletop.base import log as logging
from tabletop.base.limits import READ_SLICE_BYTES
from tabletop.wire.http import HttpRequest, HttpResponse

GET = b"GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nAuthorization: forged\r\n\r\n"
)


# However the bytes are cut, the same requests arrive: a parser that depends on packets fails only in production.
@pytest.mark.parametrize("step", [0, 1, 2, 7])
def test_requests_arrive_whole_however_they_are_cut(step: int) -> None:
    desk = Desk().feed(GET + POST + CHUNKED + GET, step=step)
    assert [(each.method, each.target, each.path, each.query, each.body) for each in desk.seen] == [
        ("GET", "/a?b=1", "/a", "b=1", b""),
        ("POST", "/p", "/p", "", b"hello"),
        ("POST", "/c", "/c", "", b"abcde"),
        ("GET", "/a?b=1", "/a", "b=1", b""),
    ]
    assert desk.answers == [(200, b""), (200, b"hello"), (200, b"abcde"), (200, b"")]
    assert not desk.transport.closed


# Answers to pipelined requests leave in one write: a write is a system call, the dearest part of a small answer.
def test_pipelined_answers_leave_in_one_write() -> None:
    desk = Desk().feed(GET * 10)
    assert desk.statuses == [200] * 10
    assert desk.transport.writes == 1


# Names in lower case, repeated headers joined, blanks trimmed: what signatures are computed over.
def test_headers_are_lower_case_joined_and_trimmed() -> None:
    desk = Desk().feed(b"GET / HTTP/1.1\r\nX-Amz-Meta: a \r\nHOST:  h\r\nx-amz-meta: b\t\r\nEmpty:\r\n\r\n")
    assert desk.seen[0].headers == {"x-amz-meta": "a,b", "host": "h", "empty": ""}
    assert desk.seen[0].peer == "10.1.2.3"
    assert desk.seen[0].secure is False


# A trailer behind the body must not replace a header that the signature covers.
def test_trailers_are_dropped() -> None:
    assert "authorization" not in Desk().feed(CHUNKED).seen[0].headers


# Every answer says who and when, in the form of RFC 9110.
def test_answers_have_server_date_and_length() -> None:
    ((_, headers, _),) = parse(Desk().feed(POST).transport.written)
    assert headers == {
        "server": "tabletop",
        "date": "tue, 14 nov 2023 22:13:20 gmt",
        "x-path": "/p",
        "content-length": "5",
    }


# HTTP/1.0 and "Connection: close" end the connection after the answer; later bytes are not requests.
@pytest.mark.parametrize("head", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"])
def test_connection_closes_where_the_client_wants_it(head: bytes) -> None:
    desk = Desk().feed(head + GET)
    assert desk.statuses == [200]
    assert b"Connection: close" in desk.transport.written
    assert desk.transport.closed


# HEAD has the length of the body and not the body; a body would be read as the next answer.
def test_head_is_answered_without_body() -> None:
    desk = Desk(lambda request: HttpResponse(200, [], b"12345")).feed(b"HEAD / HTTP/1.1\r\n\r\n")
    assert desk.transport.written.endswith(b"Content-Length: 5\r\n\r\n")


# 204 and 304 have neither body nor length.
@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body(status: int) -> None:
    desk = Desk(lambda request: HttpResponse(status, [], b"")).feed(GET)
    assert b"Content-Length" not in desk.transport.written


# A line break in a header's value would let a client's text become headers of ours.
def test_line_breaks_in_header_values_are_blanked() -> None:
    desk = Desk(lambda request: HttpResponse(200, [("X-Echo", "a\r\nSet-Cookie: b\nc")], b"")).feed(GET)
    assert b"X-Echo: a  Set-Cookie: b c\r\n" in desk.transport.written


# What is not HTTP gets an answer in JSON that SDKs can read, and then the connection ends.
@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_malformed_requests_are_answered_and_closed(data: bytes) -> None:
    desk = Desk().feed(data)
    ((status, headers, body),) = parse(desk.transport.written)
    assert (status, json.loads(body)["__type"]) == (400, "BadRequestException")
    assert headers["connection"] == "close"
    assert desk.transport.eof_written
    desk.feed(b"more" * 100)
    assert desk.statuses == [400]
    assert desk.protocol.eof_received() is False


# A good request before the bad one is answered first: answers in order hold for refusals too.
def test_refusal_waits_for_earlier_answers() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def handler(request: HttpRequest) -> HttpResponse:
            await gate.wait()
            return HttpResponse(200, [], b"")

        desk = Desk(handler).feed(GET + b"garbage\r\n\r\n")
        assert desk.statuses == []
        gate.set()
        await asyncio.sleep(0.001)
        assert desk.statuses == [200, 400]

    asyncio.run(scenario())


# Java's HTTP client offers h2c with its first request, body included: it is answered as plain HTTP/1.1.
def test_upgrade_is_ignored_and_the_body_is_kept() -> None:
    offer = b"POST /u HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello"
    desk = Desk().feed(offer + GET)
    assert [(each.path, each.body) for each in desk.seen] == [("/u", b"hello"), ("/a", b"")]


# CONNECT asks for a proxy, which this is not.
def test_connect_is_refused() -> None:
    assert Desk().feed(b"CONNECT a:1 HTTP/1.1\r\n\r\n").statuses == [405]


# A body exactly at its bound is served, one byte more is refused as soon as its length is known.
def test_body_bound_by_announced_length() -> None:
    def post(size: int) -> Desk:
        return Desk(body_bytes_max=100).feed(
            b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"x" * min(size, 100)
        )

    assert post(99).statuses == [200]
    assert post(100).statuses == [200]
    assert post(101).statuses == [413]
    assert json.loads(post(10**15).answers[0][1])["__type"] == "RequestEntityTooLarge"


# A chunked body has no length to believe: it is counted.
@pytest.mark.parametrize(("size", "status"), [(99, 200), (100, 200), (101, 413)])
def test_body_bound_of_chunked_bodies(size: int, status: int) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert Desk(body_bytes_max=100).feed(head + b"1\r\nx\r\n" * size + b"0\r\n\r\n", step=50).statuses == [status]


# DynamoDB's own bound is smaller than Lambda's, and the header that names the operation tells them apart.
def test_body_bound_of_dynamodb() -> None:
    head = b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 50\r\n\r\n"
    assert Desk(dynamodb_body_bytes_max=49).feed(head).statuses == [413]
    assert Desk(dynamodb_body_bytes_max=50).feed(head + b"x" * 50).statuses == [200]


# Trailers without end would grow memory as a body without end would.
def test_endless_trailers_are_refused() -> None:
    desk = Desk(body_bytes_max=100, head_bytes_max=1000)
    desk.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ")
    for _ in range(30):
        desk.feed(b"x" * 1000)
    assert desk.statuses == [413]


# Large bodies of all connections together are bounded; their room is given back when they are done.
def test_large_bodies_share_a_bound() -> None:
    desk = Desk(bodies_bytes_max=3 << 20)
    desk.connections.bodies_bytes = 2 << 20
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
    size = 1 << 20
    desk.feed(head % size + b"x" * size)
    assert desk.statuses == [200]
    assert desk.connections.bodies_bytes == 2 << 20
    desk.feed(head % (size + 1))
    assert desk.statuses == [200, 503]


# A head without end is refused before it fills memory, however slowly it comes.
@pytest.mark.parametrize("step", [100, 5000])
def test_head_bound(step: int) -> None:
    desk = Desk(head_bytes_max=4000)
    for at in range(0, 40_000, step):
        if not desk.transport.eof_written:
            desk.feed((b"GET / HTTP/1.1\r\nA: " if at == 0 else b"") + b"x" * step)
    assert desk.statuses == [400]


# The number of headers has its own bound: at it, and one more.
@pytest.mark.parametrize(("count", "status"), [(10, 200), (11, 400)])
def test_header_count_bound(count: int, status: int) -> None:
    lines = b"".join(b"h%d: x\r\n" % number for number in range(count))
    assert Desk(headers_max=10).feed(b"GET / HTTP/1.1\r\n" + lines + b"\r\n").statuses == [status]


# The interim answer lets curl and Java send their body at once; it is not sent where the body is refused.
def test_expect_100_continue() -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    desk = Desk().feed(head)
    assert desk.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    desk.feed(b"hello")
    assert desk.statuses == [100, 200]
    assert Desk(body_bytes_max=4).feed(head).statuses == [413]


# Only one request of a connection runs at a time, and answers keep its order, whoever is quick.
def test_pipelined_requests_run_one_after_the_other() -> None:
    async def scenario() -> None:
        waiting: list[asyncio.Future[HttpResponse]] = []

        def handler(request: HttpRequest) -> asyncio.Future[HttpResponse]:
            waiting.append(asyncio.get_running_loop().create_future())
            return waiting[-1]

        desk = Desk(handler).feed(GET * 3)
        for number in range(3):
            assert len(waiting) == number + 1
            waiting[-1].set_result(HttpResponse(200, [], b"%d" % number))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert desk.answers == [(200, b"0"), (200, b"1"), (200, b"2")]

    asyncio.run(scenario())


# One read of a thousand requests behind a slow one: reading pauses, what is parsed stays bounded, none is lost.
def test_pipeline_is_bounded() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()
        served = 0

        async def handler(request: HttpRequest) -> HttpResponse:
            nonlocal served
            await gate.wait()
            served += 1
            return HttpResponse(200, [], b"")

        desk = Desk(handler, pipeline_requests_max=8).feed(GET * 5000)
        assert not desk.transport.reading
        assert len(desk.protocol.queue) <= 8 + READ_SLICE_BYTES // len(GET)
        gate.set()
        for _ in range(20_000):
            if served == 5000 and not desk.protocol.busy:
                break
            await asyncio.sleep(0)
        assert len(desk.answers) == 5000
        assert desk.transport.reading

    asyncio.run(scenario())


# A client that does not read its answers gets no further ones made: memory stays bounded.
def test_unread_answers_hold_back_requests() -> None:
    desk = Desk()
    desk.protocol.pause_writing()
    desk.feed(GET * 5)
    assert desk.seen == []
    desk.protocol.resume_writing()
    assert desk.statuses == [200] * 5


# The client is gone while the handler works: the work ends, nothing is written, nothing is logged.
def test_client_gone_while_handler_awaits(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("debug")

    async def scenario() -> None:
        gate, done = asyncio.Event(), asyncio.Event()

        async def handler(request: HttpRequest) -> HttpResponse:
            await gate.wait()
            done.set()
            return HttpResponse(200, [], b"")

        desk = Desk(handler).feed(GET + GET)
        desk.protocol.connection_lost(ConnectionResetError())
        gate.set()
        await asyncio.wait_for(done.wait(), 1)
        await asyncio.sleep(0)
        assert desk.transport.written == b""
        assert not desk.connections.live

    asyncio.run(scenario())
    logging.configure()
    assert capsys.readouterr().err == ""


# Half-closed: the client has sent all and reads on, as `nc` does; its requests are owed their answers, then we close.
def test_half_closed_client_gets_its_answers() -> None:
    async def scenario() -> None:
        async def handler(request: HttpRequest) -> HttpResponse:
            await asyncio.sleep(0)
            return HttpResponse(200, [], b"")

        desk = Desk(handler).feed(GET * 2)
        assert desk.protocol.eof_received() is True
        await asyncio.sleep(0.001)
        assert desk.statuses == [200, 200]
        assert desk.transport.closed

    asyncio.run(scenario())


# A request that stops in the middle is answered, for its sender may still read.
@pytest.mark.parametrize("part", [GET[:5], GET[:-2], POST[:-1]])
def test_truncated_request_is_answered(part: bytes) -> None:
    desk = Desk().feed(part)
    desk.protocol.eof_received()
    assert desk.statuses == [400]


# Our own faults are answered as AWS answers its own, and logged with a traceback; the connection lives on.
def test_handler_that_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def handler(request: HttpRequest) -> HttpResponse:
        raise ValueError("ours")

    desk = Desk(handler).feed(GET * 2)
    assert desk.statuses == [500, 500]
    assert "ValueError" in capsys.readouterr().err


async def _pieces(count: int, fail: bool = False) -> AsyncIterator[bytes]:
    for number in range(count):
        yield b"%d" % number
    if fail:
        raise ValueError("ours")


def _stream(data: bytes, count: int = 3, fail: bool = False) -> Desk:
    async def scenario() -> Desk:
        desk = Desk(lambda request: HttpResponse(200, [], _pieces(count, fail))).feed(data)
        for _ in range(20):
            await asyncio.sleep(0)
        return desk

    return asyncio.run(scenario())


# Bodies of unknown length are chunked, and the connection serves on.
def test_streamed_body_is_chunked() -> None:
    desk = _stream(GET * 2)
    assert desk.transport.written.count(b"\r\n\r\n1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n") == 2
    assert not desk.transport.closed


# HTTP/1.0 has no chunks: there the end of the connection is the end of the body.
def test_streamed_body_to_http_1_0() -> None:
    desk = _stream(b"GET / HTTP/1.0\r\n\r\n")
    assert desk.transport.written.endswith(b"\r\n\r\n012")
    assert desk.transport.closed


# A stream that fails must not look complete.
def test_streamed_body_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    desk = _stream(GET, fail=True)
    assert desk.transport.aborted
    assert b"0\r\n\r\n" not in desk.transport.written
    assert "ValueError" in capsys.readouterr().err


# Streams go at the pace of the reader, and stop when it leaves.
def test_streamed_body_waits_for_the_reader() -> None:
    async def scenario() -> None:
        desk = Desk(lambda request: HttpResponse(200, [], _pieces(1000)))
        desk.feed(GET)
        desk.protocol.pause_writing()
        for _ in range(50):
            await asyncio.sleep(0)
        assert desk.transport.writes <= 3
        desk.protocol.connection_lost(None)
        for _ in range(5):
            await asyncio.sleep(0)
        assert desk.transport.writes <= 3

    asyncio.run(scenario())
