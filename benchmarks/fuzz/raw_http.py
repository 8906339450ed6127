"""Target: raw bytes into one connection: requests mutated, cut at random, pipelined, answered at once or later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from random import Random
from typing import Any

import orjson

from benchmarks.fuzz.run import Input
from benchmarks.fuzz.world import PLAIN_HEADERS, World
from tabletop.base.clock import ManualClock
from tabletop.base.limits import HttpLimits
from tabletop.server.connections import Connections
from tabletop.server.http_protocol import HttpProtocol
from tabletop.server.turns import Turn
from tabletop.wire.http import HttpRequest, HttpResponse

LIMITS = HttpLimits(
    head_bytes_max=4_000, body_bytes_max=20_000, dynamodb_body_bytes_max=10_000, pipeline_requests_max=4
)

_HEAD = "".join(f"{name}: {value}\r\n" for name, value in PLAIN_HEADERS.items()).encode()
_GET = orjson.dumps({"TableName": "two", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}})
_PIECES = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b"\x7f", b"\xff", b":", b";", b",", b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.0",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n", b"HEAD ", b"QUERY ", b"\x16\x03\x01\x02\x00", b"%00", b"/../",
    b"?", b"#",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: +5\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: 5, 5\r\n", b"Content-Length:\r\n", b"Content-Length: 20001\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n",
    b"Connection: upgrade\r\n", b"Connection: close\r\n", b"Connection: keep-alive, x\r\n", b"Accept-Encoding: gzip\r\n",
    b"Content-Encoding: gzip\r\n", b"Origin: http://x\r\n", b"X: " + b"y" * 5_000 + b"\r\n", b"x" * 30_000, b"A: b\r\n" * 120,
    b"Authorization: x\r\n", b"Host: \xe9\r\n", b" folded\r\n", b"ffffffffffffffff\r\n", b"3;a=b\r\nabc\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
)  # fmt: skip
_TARGETS = (b"/", b"/", b"/_localstack/health", b"/shell", b"/x?y=z", b"//", b"*", b"http://a/b", b"/%zz", b"/\xe9")
_METHODS = (b"GET", b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"POST")


class Transport:
    """Takes what is written, and fails on what a real one would raise for."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 5) if name == "peername" else None

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after the close"
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The client may go on sending."""

    def pause_reading(self) -> None:
        assert not self.closed, "paused after the close"

    def resume_reading(self) -> None:
        assert not self.closed, "resumed after the close"

    def close(self) -> None:
        self.closed = True

    abort = close


class RawHttp:
    name = "http"

    def __init__(self) -> None:
        self._world: World | None = None
        self._loop = asyncio.new_event_loop()
        self._later = False

    def begin(self) -> None:
        if self._world is not None:
            self._world.store.close()
        self._world = World()

    def end(self) -> None:
        assert self._world is not None
        world, self._world = self._world, None
        world.close()

    def make(self, random: Random) -> Input:
        """(every how many bytes it is cut, answered later, client half-closes, bytes)."""
        data = b"".join([_request(random) for _ in range(random.choice((1, 1, 1, 2, 3, 8)))])
        if random.random() < 0.6:
            for _ in range(random.choice((1, 1, 2, 5))):
                data = _mutated(random, data)
        cuts = (
            ()
            if random.random() < 0.4
            else tuple(sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 2, 6)))))
        )
        if random.random() < 0.01 and len(data) < 3_000:
            cuts = tuple(range(len(data)))
        return cuts, random.random() < 0.1, random.random() < 0.5, data

    def judge(self, given: Input) -> str:
        cuts, later, half_close, data = given
        self._later = later
        if not later:
            # Nothing is awaited then, and no loop needed, which takes half of the time.
            return self._feed(cuts, half_close, data)
        return self._loop.run_until_complete(self._feed_later(cuts, half_close, data))

    async def _feed_later(self, cuts: tuple[int, ...], half_close: bool, data: bytes) -> str:
        connections, transport, protocol = self._connect()
        begun = _deliver(protocol, transport, cuts, data)
        for _ in range(200):
            await asyncio.sleep(0)
            if not protocol.busy:
                break
        return self._finish(connections, transport, protocol, half_close, begun)

    def _feed(self, cuts: tuple[int, ...], half_close: bool, data: bytes) -> str:
        connections, transport, protocol = self._connect()
        begun = _deliver(protocol, transport, cuts, data)
        return self._finish(connections, transport, protocol, half_close, begun)

    def _connect(self) -> tuple[Connections, Transport, HttpProtocol]:
        connections = Connections(
            LIMITS,
            turn=Turn(lambda run: run()),
            clock=ManualClock(1_790_000_000.0),
            stopwatch=ManualClock(1_000.0),
        )
        # Time passes by hand: no timer, and so no loop.
        connections._schedule = lambda: None  # type: ignore[method-assign]
        transport = Transport()
        protocol = HttpProtocol(self._answer, connections)
        protocol.connection_made(transport)
        return connections, transport, protocol

    def _finish(
        self, connections: Connections, transport: Transport, protocol: HttpProtocol, half_close: bool, begun: bool
    ) -> str:
        """End the connection as clients and time do, and look at all that was written."""
        assert not protocol.busy, "an answer is still awaited"
        if half_close and not transport.closed and not protocol.ended and not protocol.eof_received():
            transport.closed = True
        for _ in range(2):
            if not transport.closed:
                connections.now += 100_000.0
                protocol.check_time(connections.now)
        assert transport.closed, "the connection was left open for ever"
        protocol.connection_lost(None)
        assert not connections.live
        assert connections.bodies_bytes == 0, "bodies were counted and not released"
        statuses = statuses_of(bytes(transport.written))
        assert statuses or not begun, "a request was begun and got no answer"
        final = [status for status in statuses if status != 100]
        assert all(status < 500 for status in final), f"{final} {self._fault()}"
        return f"{final[-1]} last" if final else "closed without an answer"

    def _fault(self) -> str:
        assert self._world is not None
        return self._world.fault()

    def _answer(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        assert self._world is not None
        broken = "content-encoding" in request.headers
        answer = self._world.gateway.handle(request)
        if not isinstance(answer, HttpResponse):
            answer = _at_once(answer)
        if broken and answer.status == 500 and not self._world.log.getvalue():
            answer.status = 400
        return _soon(answer) if self._later else answer


async def _soon(answer: HttpResponse) -> HttpResponse:
    await asyncio.sleep(0)
    return answer


def _at_once(answer: Any) -> HttpResponse:
    """What a coroutine that awaits nothing returns."""
    try:
        answer.send(None)
    except StopIteration as stop:
        answered: HttpResponse = stop.value
        return answered
    raise AssertionError("the gateway awaited something without a service")


def _deliver(protocol: HttpProtocol, transport: Transport, cuts: tuple[int, ...], data: bytes) -> bool:
    """Hand the pieces over; whether a request was begun and awaits its rest or answer at the end."""
    start = 0
    for stop in (*cuts, len(data)):
        if stop > start and not transport.closed:
            protocol.data_received(data[start:stop])
        start = max(start, stop)
    return protocol.receiving


_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [^\r\n]*\r\n")
_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n")


def statuses_of(written: bytes) -> list[int]:
    """The status of each answer. Raises for bytes that are no row of answers."""
    statuses = []
    at = 0
    while at < len(written):
        matched = _STATUS_LINE.match(written, at)
        assert matched, written[at : at + 200]
        end = written.index(b"\r\n\r\n", at)
        length = _LENGTH.search(written, at, end + 4)
        at = end + 4
        # To HEAD no body follows: the next answer, or nothing, does.
        if length is not None and at < len(written) and not _STATUS_LINE.match(written, at):
            at += int(length[1])
            assert at <= len(written), "an answer is shorter than it says"
        statuses.append(int(matched[1]))
    return statuses


def _request(random: Random) -> bytes:
    dice = random.random()
    if dice < 0.3:
        method, target = random.choice(_METHODS), random.choice(_TARGETS)
        return b"%b %b HTTP/1.%d\r\nHost: x\r\n\r\n" % (method, target, random.random() < 0.9)
    action, body = random.choice(
        ((b"GetItem", _GET), (b"ListTables", b"{}"), (b"Query", b'{"TableName":1}'), (b"X", b""))
    )
    head = b"POST / HTTP/1.1\r\n%bX-Amz-Target: DynamoDB_20120810.%b\r\n" % (_HEAD, action)
    if dice < 0.4:
        head = b"PUT /f HTTP/1.1\r\nHost: x\r\n"
    for _ in range(random.choice((0, 0, 0, 0, 1, 2))):
        head += random.choice(_PIECES[29:])
    if random.random() < 0.7:
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
    step = random.choice((1, 7, 40, 1_000)) if len(body) < 200 else 50
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part) for part in (body[at : at + step] for at in range(0, len(body), step))
    )
    return b"%bTransfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (head, chunks, random.choice((b"", b"", b"T: x\r\n")))


def _mutated(random: Random, data: bytes) -> bytes:
    # Near a line's end is where parsers decide; half of the changes go there.
    at = random.randrange(len(data) + 1)
    if random.random() < 0.5:
        at = max(data.find(b"\r\n", at), 0)
    end = min(len(data), at + random.choice((1, 1, 2, 10, 100)))
    change = random.randrange(6)
    if change == 0:
        return data[:at] + data[end:]
    if change == 1:
        return data[:end] + data[at:]
    if change == 2:
        return data[:at] + random.choice(_PIECES) + data[at:]
    if change == 3:
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
    if change == 4:
        return data[:at] + b"\r\n" + random.choice(_PIECES) + data[end:]
    return data[:at]
