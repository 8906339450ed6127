"""Real sockets on the loopback: uvloop and plain asyncio, TLS, Unix sockets, the relay, ports in use."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tabletop.base.errors import StartupError
from tabletop.base.limits import HttpLimits
from tabletop.server.listener import Listener, listen, listen_unix
from tabletop.server.relay import Relay, split, trusting
from tabletop.server.sockets import open_sockets, share_port
from tabletop.server.tls import server_context
from tabletop.wire.http import HttpRequest, HttpResponse


def echo(request: HttpRequest) -> HttpResponse:
    headers = [("X-Method", request.method), ("X-Peer", request.peer), ("X-Secure", str(request.secure))]
    return HttpResponse(200, headers, request.target.encode() + b" " + request.body)


async def ask(
    port: int, method: str = "GET", target: str = "/", body: bytes = b"", **options: Any
) -> tuple[int, Any, bytes]:
    """(status, headers, body) by the standard library's client, in a thread."""

    def work() -> tuple[int, Any, bytes]:
        headers = options.pop("headers", {})
        kind = http.client.HTTPSConnection if "context" in options else http.client.HTTPConnection
        connection = kind("127.0.0.1", port, timeout=5, **options)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(work)


def run(scenario: Callable[[], Awaitable[None]], loop_factory: Any = uvloop.new_event_loop) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(scenario(), 20))  # type: ignore[arg-type]


# The same protocol on both loops: uvloop is what serves, asyncio what a platform without uvloop has.
@pytest.mark.parametrize("loop_factory", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_serves_on_both_loops(loop_factory: Any) -> None:
    async def scenario() -> None:
        async with await listen(echo, "127.0.0.1", 0) as listener:
            status, headers, body = await ask(listener.port, "POST", "/a?b", b"x" * 3_000_000)
            assert (status, body) == (200, b"/a?b " + b"x" * 3_000_000)
            assert headers["Server"] == "tabletop"
            assert headers["X-Peer"] == "127.0.0.1"

    run(scenario, loop_factory)


# The client sends all of its 20 MB before it reads: it must get to read the refusal, not a reset.
@pytest.mark.parametrize("loop_factory", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_oversized_body_is_answered_to_a_client_that_sends_first(loop_factory: Any) -> None:
    async def scenario() -> None:
        async with await listen(echo, "127.0.0.1", 0, limits=HttpLimits(body_bytes_max=1000)) as listener:
            status, _, _ = await ask(listener.port, "POST", "/", b"x" * 20_000_000)
            assert status == 413

    run(scenario, loop_factory)


# localhost is both addresses on one port, because clients differ in which they try first.
def test_localhost_is_both_addresses() -> None:
    sockets = open_sockets("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
        assert sockets[0].getsockname()[0] == "127.0.0.1"
        assert [each.getsockname()[0] for each in sockets[1:]] in (["::1"], [])
    finally:
        for each in sockets:
            each.close()


# A port in use is one clear line, also where SO_REUSEPORT would let two servers share it in silence.
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_port_in_use(first: bool, second: bool) -> None:
    sockets = open_sockets("127.0.0.1", 0, reuse_port=first)
    try:
        port = sockets[0].getsockname()[1]
        with pytest.raises(StartupError, match=f"port {port} of 127.0.0.1 is in use"):
            open_sockets("127.0.0.1", port, reuse_port=second)
        if first:
            shared = share_port(sockets)
            assert shared[0].getsockname()[1] == port
            shared[0].close()
    finally:
        sockets[0].close()


# A host that is not ours is said so.
def test_foreign_host() -> None:
    with pytest.raises(StartupError, match="not an address of this machine"):
        open_sockets("192.0.2.1", 0)


# With the self-made certificate a client that trusts it gets an answer, and the handler learns that it was TLS.
def test_tls_with_self_made_certificate(tmp_path: Path) -> None:
    async def scenario() -> None:
        context = server_context(None, None, tmp_path)
        async with await listen(echo, "127.0.0.1", 0, ssl=context) as listener:
            trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "certificate.pem"))
            status, headers, _ = await ask(listener.port, context=trust)
            assert (status, headers["X-Secure"]) == (200, "True")

    run(scenario)
    key = tmp_path / "tls" / "key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    server_context(None, None, tmp_path)
    assert key.read_bytes() == before


# A certificate that cannot be read is the user's to mend, in one line.
def test_tls_with_bad_certificate(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    with pytest.raises(StartupError, match="cannot be used"):
        server_context(tmp_path / "c.pem", tmp_path / "c.pem", tmp_path)


async def _stream() -> AsyncIterator[bytes]:
    for number in range(3):
        yield b"%d" % number


def control(request: HttpRequest) -> HttpResponse:
    return HttpResponse(202, [], _stream()) if request.path == "/stream" else echo(request)


async def _worker(tmp_path: Path, handler: Any = control, **options: Any) -> tuple[Listener, Listener]:
    path = tmp_path / "relay"
    back = await listen_unix(trusting(handler), path)
    front = await listen(split(lambda request: HttpResponse(200, [], b"local"), Relay(path, **options)), "127.0.0.1", 0)
    return front, back


# A worker serves DynamoDB itself and relays the rest, with the client's address; a client cannot forge that address.
def test_relay(tmp_path: Path) -> None:
    async def scenario() -> None:
        front, back = await _worker(tmp_path)
        async with back, front:
            local = await ask(front.port, "POST", headers={"X-Amz-Target": "DynamoDBStreams_20120810.ListStreams"})
            assert local[2] == b"local"
            forged = {"x-tabletop-peer": "6.6.6.6", "x-tabletop-secure": "1", "Expect": "", "X-Own": "y"}
            for size in (0, 10, 1_000_000):
                status, headers, body = await ask(front.port, "POST", "/x?y", b"b" * size, headers=forged)
                assert (status, body) == (200, b"/x?y " + b"b" * size)
                assert (headers["X-Peer"], headers["X-Secure"]) == ("127.0.0.1", "False")
                assert len(headers.get_all("Server")) == len(headers.get_all("Date")) == 1
            assert (await ask(front.port, "HEAD"))[0] == 200
            for _ in range(3):
                assert (await ask(front.port, target="/stream"))[::2] == (202, b"012")

    run(scenario)


# Without the control process, or with all relay connections in use, the answer is a 503 that SDKs retry.
def test_relay_that_cannot(tmp_path: Path) -> None:
    async def scenario() -> None:
        front, back = await _worker(tmp_path, connections_max=0)
        assert (await ask(front.port))[0] == 503
        await front.close()
        await back.close()
        front = await listen(Relay(tmp_path / "nobody"), "127.0.0.1", 0)
        assert (await ask(front.port))[0] == 503
        await front.close()

    run(scenario)


# The control process dies while a request is with it: an answer, no hanging client.
def test_relay_that_is_cut(tmp_path: Path) -> None:
    async def scenario() -> None:
        async def never(request: HttpRequest) -> HttpResponse:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        front, back = await _worker(tmp_path, never)
        asking = asyncio.ensure_future(ask(front.port))
        while not back.connections.live:
            await asyncio.sleep(0.001)
        await back.close(timeout_s=0)
        assert (await asking)[0] == 503
        await front.close()

    run(scenario)


# Closing frees the port at once for the next server.
def test_close_frees_the_port() -> None:
    async def scenario() -> None:
        listener = await listen(echo, "127.0.0.1", 0)
        await listener.close()
        with socket.create_server(("127.0.0.1", listener.port)):
            pass

    run(scenario)
