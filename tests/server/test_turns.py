"""What connections of one listener do within one turn of the event loop: all read, then all work, then all write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from http_fakes import FakeTransport, parse

from tabletop.base.clock import ManualClock
from tabletop.base.limits import READ_SLICE_BYTES, WRITE_COALESCE_BYTES, HttpLimits
from tabletop.server.connections import Connections
from tabletop.server.http_protocol import HttpProtocol
from tabletop.server.turns import ANSWERS_WAIT_S, READS_MAX, Turn
from tabletop.wire.http import Handler, HttpRequest, HttpResponse

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"


class Hall:
    """Connections of one listener, whose turn ends when the test says so; ``events`` tells what happened in order."""

    def __init__(self, count: int, handler: Handler | None = None) -> None:
        self.events: list[str] = []
        self.waiting: list[Callable[[], None]] = []
        self.stopwatch = ManualClock(0.0)
        self.connections = Connections(
            HttpLimits(), turn=Turn(self.waiting.append, stopwatch=self.stopwatch), stopwatch=self.stopwatch
        )
        self.connections._schedule = lambda: None  # type: ignore[method-assign]
        self.transports = [Recorder(self.events) for _ in range(count)]
        self.protocols = [HttpProtocol(handler or self.answer, self.connections) for _ in range(count)]
        for protocol, transport in zip(self.protocols, self.transports, strict=True):
            protocol.connection_made(transport)

    def answer(self, request: HttpRequest) -> HttpResponse:
        self.events.append("work")
        return HttpResponse(200, [], request.body)

    def end_turn(self) -> None:
        waiting, self.waiting[:] = self.waiting[:], []
        for run in waiting:
            run()


class Recorder(FakeTransport):
    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    def write(self, data: bytes) -> None:
        super().write(data)
        self.events.append("write")


# The three phases are apart, which is what the turn is for; and each client gets the answer to its own request.
def test_a_turn_reads_all_then_works_then_writes() -> None:
    hall = Hall(3)
    for number, protocol in enumerate(hall.protocols):
        protocol.data_received(REQUEST[:-1] + b"%d" % number)
    assert hall.events == []
    hall.end_turn()
    assert hall.events == ["work"] * 3 + ["write"] * 3
    assert [parse(transport.written)[0][2] for transport in hall.transports] == [b"0", b"1", b"2"]
    hall.protocols[0].data_received(REQUEST)
    hall.end_turn()
    assert len(parse(hall.transports[0].written)) == 2


# The pieces of one request may come in one turn; they are put together in the order in which they came.
def test_pieces_of_a_request_within_a_turn() -> None:
    hall = Hall(1)
    hall.protocols[0].data_received(REQUEST[:20])
    hall.protocols[0].data_received(REQUEST[20:])
    hall.end_turn()
    assert [status for status, *_ in parse(hall.transports[0].written)] == [200]


# What a turn holds is bounded: many reads, or a long one, are worked on at once.
def test_much_is_worked_on_at_once() -> None:
    hall = Hall(READS_MAX)
    for protocol in hall.protocols:
        protocol.data_received(REQUEST)
    assert hall.events == ["work"] * READS_MAX + ["write"] * READS_MAX

    hall = Hall(2)
    hall.protocols[0].data_received(REQUEST)
    size = READ_SLICE_BYTES + 1
    hall.protocols[1].data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    assert hall.events == ["work", "work", "write", "write"]


# Answers do not wait for slow requests behind them, and large ones are not gathered.
def test_answers_do_not_wait_long() -> None:
    hall = Hall(3, lambda request: slow(request))

    def slow(request: HttpRequest) -> HttpResponse:
        hall.stopwatch.advance(ANSWERS_WAIT_S * 0.6)
        return hall.answer(request)

    for protocol in hall.protocols:
        protocol.data_received(REQUEST)
    hall.end_turn()
    assert hall.events == ["work", "work", "write", "write", "work", "write"]

    large = b"x" * (WRITE_COALESCE_BYTES // 2)
    hall = Hall(3, lambda request: HttpResponse(hall.answer(request).status, [], large))
    for protocol in hall.protocols:
        protocol.data_received(REQUEST)
    hall.end_turn()
    assert hall.events == ["work", "work", "write", "write", "work", "write"]


# A client may close its side in the turn in which it asked: the answer is written before the connection is let go.
def test_the_end_of_a_client_within_the_turn() -> None:
    hall = Hall(1)
    hall.protocols[0].data_received(REQUEST)
    assert not hall.protocols[0].eof_received()
    assert hall.events == ["work", "write"]


# What was answered later, by a handler that awaited, is written even when the client closes its side meanwhile.
def test_a_later_answer_and_the_end_of_the_client() -> None:
    async def scenario() -> None:
        answers: list[asyncio.Future[HttpResponse]] = []

        def handler(_request: HttpRequest) -> asyncio.Future[HttpResponse]:
            answers.append(asyncio.get_running_loop().create_future())
            return answers[-1]

        hall = Hall(2, handler)
        for protocol in hall.protocols:
            protocol.data_received(REQUEST)
        hall.end_turn()
        for answer in answers:
            answer.set_result(HttpResponse(200, [], b"late"))
        await asyncio.sleep(0)
        assert hall.events == []
        hall.protocols[0].eof_received()
        assert hall.events == ["write"]
        hall.end_turn()
        assert hall.events == ["write", "write"]

    asyncio.run(scenario())


# A server that stops closes idle connections; one whose request was read in this turn is not idle.
def test_a_stop_serves_what_was_read() -> None:
    async def scenario() -> None:
        hall = Hall(1)
        hall.protocols[0].data_received(REQUEST)
        stopping = asyncio.ensure_future(hall.connections.drain(idle_grace_s=0.0, timeout_s=0.0))
        for _ in range(10):
            await asyncio.sleep(0)
            if hall.transports[0].closed:
                hall.protocols[0].connection_lost(None)
                break
        await stopping
        ((status, headers, body),) = parse(hall.transports[0].written)
        assert (status, headers["connection"], body) == (200, "close", b"1")

    asyncio.run(scenario())


# A connection that is gone before its turn comes is left out, and the others of the turn are served.
def test_a_lost_connection_leaves_the_turn() -> None:
    hall = Hall(2)
    for protocol in hall.protocols:
        protocol.data_received(REQUEST)
    hall.protocols[0].connection_lost(None)
    hall.end_turn()
    assert hall.events == ["work", "write"]


# A fault in one connection's writing cuts that connection alone.
def test_a_fault_cuts_its_own_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Hall(2)

    def fail(_data: bytes) -> None:
        raise RuntimeError("of the test")

    monkeypatch.setattr(hall.transports[0], "write", fail)
    for protocol in hall.protocols:
        protocol.data_received(REQUEST)
    hall.end_turn()
    assert hall.transports[0].aborted
    assert hall.events == ["work", "work", "write"]
