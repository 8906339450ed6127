"""Time limits and bounds on connections, with a clock that the tests move."""

from __future__ import annotations

import asyncio

from http_fakes import Desk

from tabletop.server.http_protocol import HttpProtocol
from tabletop.wire.http import HttpRequest, HttpResponse

GET = b"GET / HTTP/1.1\r\n\r\n"


# A head that trickles is cut at its limit, not kept alive by each byte.
def test_slow_head_is_answered_408() -> None:
    desk = Desk(head_timeout_s=10)
    for letter in b"GET / HTTP":
        desk.feed(bytes([letter]))
        desk.pass_time(1)
    assert desk.statuses == []
    desk.pass_time(1)
    assert desk.statuses == [408]


# A body may take long as long as it moves, up to its whole limit.
def test_slow_body_is_answered_408() -> None:
    def start() -> Desk:
        return Desk(body_stall_timeout_s=5, body_timeout_s=20).feed(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n")

    stalled = start()
    stalled.pass_time(5)
    assert stalled.statuses == []
    stalled.pass_time(1)
    assert stalled.statuses == [408]

    trickling = start()
    for _ in range(5):
        trickling.feed(b"x")
        trickling.pass_time(4)
    assert trickling.statuses == []
    trickling.feed(b"x")
    trickling.pass_time(4)
    assert trickling.statuses == [408]


# No limit runs while a handler works: Lambda's runtimes poll for hours.
def test_waiting_handler_has_no_limit() -> None:
    async def scenario() -> None:
        future: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        # The partial second request must not be counted as slow either, since nobody could answer it meanwhile.
        desk = Desk(lambda request: future).feed(GET + b"GET / HT")
        for _ in range(100):
            desk.pass_time(1000)
        future.set_result(HttpResponse(200, [], b""))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert desk.statuses == [200]

    asyncio.run(scenario())


# An idle connection goes without a word: there is no request to answer.
def test_idle_connection_is_closed() -> None:
    desk = Desk(idle_timeout_s=60).feed(GET)
    desk.pass_time(60)
    assert not desk.transport.closed
    desk.pass_time(1)
    assert desk.transport.closed
    assert desk.statuses == [200]


# A client that never reads is cut, and one that never goes after a refusal too.
def test_stalled_peers_are_cut() -> None:
    unread = Desk(write_stall_timeout_s=30).feed(GET)
    unread.protocol.pause_writing()
    unread.pass_time(31)
    assert unread.transport.aborted

    closing = Desk(write_stall_timeout_s=30).feed(b"GET / HTTP/1.0\r\n\r\n")
    assert not closing.transport.aborted
    closing.pass_time(31)
    assert closing.transport.aborted

    lingering = Desk(linger_timeout_s=10).feed(b"garbage\r\n\r\n")
    lingering.feed(b"more")
    lingering.pass_time(11)
    assert lingering.transport.aborted


# Answers that nobody reads have a bound, all connections together: above it the one is cut that has not read for longest.
def test_unread_answers_are_bounded() -> None:
    desk = Desk(unread_bytes_max=100)
    others = [Desk() for _ in range(2)]
    protocols = [desk.protocol, *(HttpProtocol(other.echo, desk.connections) for other in others)]
    transports = [desk.transport, *(other.transport for other in others)]
    for protocol, transport in zip(protocols[1:], transports[1:], strict=True):
        protocol.connection_made(transport)
    for protocol, transport in zip(protocols, transports, strict=True):
        transport.unread_bytes = 50
        desk.stopwatch.advance(1)
        desk.connections._refresh()
        protocol.pause_writing()
    desk.pass_time(1)
    assert [transport.aborted for transport in transports] == [True, False, False]
    transports[1].unread_bytes = 51
    desk.pass_time(1)
    assert [transport.aborted for transport in transports] == [True, True, False]


# Bodies of requests that wait for their answer have a bound as well; small ones, and those that come later, are taken.
def test_bodies_of_running_requests_are_bounded() -> None:
    async def scenario() -> None:
        answers: list[asyncio.Future[HttpResponse]] = []

        def handler(request: HttpRequest) -> asyncio.Future[HttpResponse]:
            answers.append(asyncio.get_running_loop().create_future())
            return answers[-1]

        def post(size: int) -> bytes:
            return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size

        desk = Desk(handler, running_bodies_bytes_max=50_000)
        others = [Desk(handler) for _ in range(3)]
        for other in others:
            other.protocol.connections = desk.connections
        desk.feed(post(30_000))
        others[0].feed(post(30_000))
        others[1].feed(post(10_000))
        assert [other.statuses for other in (desk, *others)] == [[], [503], [], []]
        for answer in answers:
            answer.set_result(HttpResponse(200, [], b""))
        await asyncio.sleep(0.001)
        assert desk.connections.running_bytes == 0
        others[2].feed(post(30_000))
        assert len(answers) == 3

    asyncio.run(scenario())


# Connections have a bound; the one above it is told so.
def test_connections_are_bounded() -> None:
    assert Desk(connections_max=1).statuses == []
    assert Desk(connections_max=0).statuses == [503]


# A graceful stop: running requests are answered, each answer closes, idle connections go.
def test_drain_answers_what_runs() -> None:
    async def scenario() -> None:
        future: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()

        def handler(request: HttpRequest) -> asyncio.Future[HttpResponse]:
            return future

        desk = Desk(handler).feed(GET)
        draining = asyncio.ensure_future(desk.connections.drain(idle_grace_s=0, timeout_s=5))
        await asyncio.sleep(0.001)
        assert not desk.transport.closed
        future.set_result(HttpResponse(200, [], b""))
        await asyncio.sleep(0.001)
        assert desk.statuses == [200]
        assert b"Connection: close" in desk.transport.written
        assert desk.transport.closed
        desk.protocol.connection_lost(None)
        await draining

    asyncio.run(scenario())


# A request that never ends does not keep the server from stopping.
def test_drain_cuts_what_takes_too_long() -> None:
    async def scenario() -> None:
        desk = Desk(lambda request: asyncio.get_running_loop().create_future()).feed(GET)
        draining = asyncio.ensure_future(desk.connections.drain(idle_grace_s=0, timeout_s=0))
        for _ in range(50):
            await asyncio.sleep(0)
            if desk.transport.aborted:
                break
        assert desk.transport.aborted
        desk.protocol.connection_lost(None)
        await draining

    asyncio.run(scenario())


# A handler that ends between the cut and the loss of its connection must not write: uvloop raises then.
def test_answer_after_the_cut_is_dropped() -> None:
    async def scenario() -> None:
        future: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        desk = Desk(lambda request: future).feed(GET)
        desk.protocol.abort()
        future.set_result(HttpResponse(200, [], b""))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert desk.transport.written == b""

    asyncio.run(scenario())
