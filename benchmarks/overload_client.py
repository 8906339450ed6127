"""Connections for the overload: thousands of them in one thread, which count what comes back."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.torture_load import AUTHORIZATION

TABLE = "overload"
KEYS = 20_000
BACK_OFF_S = (0.05, 0.5)
"""After a throttled or refused request, as SDKs do."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ERROR = re.compile(rb'"__type": *"[^"#]*#?(\w+)"')


def request(action: str, body: dict[str, Any]) -> bytes:
    payload = json.dumps(body).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.{action}\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nAuthorization: {AUTHORIZATION.format('dynamodb')}\r\n"
        f"X-Amz-Date: 20260101T000000Z\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def put(dice: random.Random) -> bytes:
    item = {"p": {"S": f"{dice.randrange(KEYS)}"}, "text": {"S": "x" * 1000}}
    return request("PutItem", {"TableName": TABLE, "Item": item})


def mixed(dice: random.Random) -> bytes:
    if dice.random() < 0.5:
        return put(dice)
    return request("GetItem", {"TableName": TABLE, "Key": {"p": {"S": f"{dice.randrange(KEYS)}"}}})


class Tally:
    """What one phase's connections got."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        """By the error's name; "ok", and "cut" for connections that ended without an answer."""
        self.latencies: list[float] = []
        """Seconds, of those that were ok."""
        self.per_connection: list[int] = []

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * share)] * 1000 if ordered else 0.0


class Wire(asyncio.Protocol):
    """One connection. Between ``drive`` and ``rest`` it sends the next request as soon as the last was answered."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._make: Callable[[random.Random], bytes] | None = None
        self._tally: Tally | None = None
        self._sent_at = 0.0
        self._answered = 0

    @property
    def alive(self) -> bool:
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._tally is not None:
            self._tally.answers["cut"] += 1

    def drive(self, make: Callable[[random.Random], bytes], tally: Tally) -> None:
        self._make, self._tally, self._answered = make, tally, 0
        self._send()

    def rest(self) -> None:
        """Send no more. What is under way is answered, and not counted."""
        if self._tally is not None:
            self._tally.per_connection.append(self._answered)
        self._make = self._tally = None

    def close(self) -> None:
        self._make = self._tally = None
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if self._make is not None and self._transport is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(self._make(self._dice))

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, separator, rest = self._received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if not separator or length is None or len(rest) < int(length[1]):
                return
            body, self._received = rest[: int(length[1])], rest[int(length[1]) :]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        tally = self._tally
        if tally is None:
            return
        self._answered += 1
        if head[9:12] == b"200":
            tally.answers["ok"] += 1
            tally.latencies.append(time.perf_counter() - self._sent_at)
            self._send()
            return
        found = _ERROR.search(body)
        tally.answers[found[1].decode() if found else head[9:12].decode()] += 1
        asyncio.get_running_loop().call_later(self._dice.uniform(*BACK_OFF_S), self._send)


async def connect(port: int, number: int) -> list[Wire]:
    """So many connections, opened a few at a time."""
    loop = asyncio.get_running_loop()
    wires: list[Wire] = []
    for first in range(0, number, 100):
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda each=each: Wire(random.Random(each)), "127.0.0.1", port)  # type: ignore[misc]
                for each in range(first, min(first + 100, number))
            )
        )
        wires += [wire for _, wire in made]
    return wires
