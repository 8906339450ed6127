"""A transport that records, and connections over it with a clock of their own."""

from __future__ import annotations

import re
from typing import Any

from tabletop.base.clock import ManualClock
from tabletop.base.limits import HttpLimits
from tabletop.server.connections import Connections
from tabletop.server.http_protocol import HttpProtocol
from tabletop.server.turns import Turn
from tabletop.wire.http import Handler, HttpRequest, HttpResponse


class FakeTransport:
    def __init__(self) -> None:
        self.written = b""
        self.writes = 0
        self.closed = False
        self.aborted = False
        self.eof_written = False
        self.reading = True
        self.unread_bytes = 0

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def get_extra_info(self, name: str) -> Any:
        return ("10.1.2.3", 5) if name == "peername" else None

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after close"
        self.written += data
        self.writes += 1

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof_written = True

    def pause_reading(self) -> None:
        assert self.reading
        assert not self.closed, "paused after close"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.closed, "resumed after close"
        self.reading = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


class Desk:
    """One connection to ``handler``; ``seen`` has the requests that the echo handler got."""

    def __init__(self, handler: Handler | None = None, **limits: Any) -> None:
        self.seen: list[HttpRequest] = []
        self.stopwatch = ManualClock(1000.0)
        self.connections = Connections(
            HttpLimits(**limits),
            turn=Turn(lambda run: run()),
            clock=ManualClock(1_700_000_000.0),
            stopwatch=self.stopwatch,
        )
        # The sweep is called by the tests, so that no timer of a loop is needed.
        self.connections._schedule = lambda: None  # type: ignore[method-assign]
        self.transport = FakeTransport()
        self.protocol = HttpProtocol(handler or self.echo, self.connections)
        self.protocol.connection_made(self.transport)

    def echo(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        return HttpResponse(200, [("X-Path", request.path)], request.body)

    def feed(self, data: bytes, *, step: int = 0) -> Desk:
        for at in range(0, len(data), step or len(data) or 1):
            self.protocol.data_received(data[at : at + (step or len(data))])
        return self

    def pass_time(self, seconds: float) -> None:
        self.stopwatch.advance(seconds)
        self.connections.sweep()

    @property
    def answers(self) -> list[tuple[int, bytes]]:
        """(status, body) of every complete answer written, interim ones too."""
        return [(status, body) for status, _, body in parse(self.transport.written)]

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.answers]


def parse(data: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Responses with a Content-Length, one after the other; anything else fails."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        status_line, *lines = head.decode().split("\r\n")
        matched = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", status_line)
        assert matched, status_line
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        assert len(data) >= length
        found.append((int(matched[1]), headers, data[:length]))
        data = data[length:]
    return found
