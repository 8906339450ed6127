"""What the tests of faults share: real servers in processes of their own, and requests as the bytes they are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 30
ANSWER_TIMEOUT_S = 20

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64
)
"""Enough for the well-known test key, whose signature nobody checks."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's bare name, as every SDK reads it from the body or the header."""
        name = str(json.loads(self.body)["__type"]) if self.body else self.headers["x-amzn-errortype"]
        return name.rpartition("#")[2].partition(":")[0]

    @property
    def message(self) -> str | None:
        row = json.loads(self.body)
        return row.get("message", row.get("Message"))


def environment() -> dict[str, str]:
    """This process's, without what would change how a server starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TABLETOP_", "AWS_"))}


def start_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tabletop", "start", "--port", "0", *arguments]


def run_start(
    *arguments: str, preexec_fn: Callable[[], None] | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail: its whole output and its exit status."""
    return subprocess.run(
        start_command(*arguments),
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
        preexec_fn=preexec_fn,
    )


@contextmanager
def running(
    *arguments: str, log: Path | None = None, preexec_fn: Callable[[], None] | None = None
) -> Iterator[tuple[int, int]]:
    """(process id, port) of a server that serves; ended with the block."""
    errors = log.open("wb") if log is not None else None
    process = subprocess.Popen(
        start_command(*arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        preexec_fn=preexec_fn,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "Ready at " in line, f"the server did not start: {line!r}"
        yield process.pid, int(line.strip().rpartition(":")[2])
    finally:
        process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        if errors is not None:
            errors.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), ANSWER_TIMEOUT_S)


def head(method: str = "POST", target: str = "/", version: str = "1.1", **headers: str | None) -> bytes:
    """A request's head; underscores in names stand for hyphens, None leaves a header out."""
    lines = [f"{method} {target} HTTP/{version}"]
    for name, value in ({"Host": "localhost"} | headers).items():
        if value is not None:
            lines.append(f"{name.replace('_', '-')}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def dynamodb_head(action: str, length: int, **headers: str | None) -> bytes:
    given: dict[str, str | None] = {
        "Content_Type": "application/x-amz-json-1.0",
        "X_Amz_Target": f"DynamoDB_20120810.{action}",
        "Authorization": SIGNED,
        "X_Amz_Date": "20260101T000000Z",
        "Content_Length": str(length),
    }
    return head(**(given | headers))


def read_answer(connection: socket.socket, *, to_head: bool = False) -> Answer:
    """One answer. Raises AssertionError where the connection ends before it is complete."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection, received)
    raw, _, body = received.partition(b"\r\n\r\n")
    first, *lines = raw.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = 0 if to_head else int(headers.get("content-length", "0"))
    while len(body) < length:
        body += _some(connection, received)
    return Answer(int(first.split(" ")[1]), headers, body)


def _some(connection: socket.socket, received: bytes) -> bytes:
    try:
        piece = connection.recv(65536)
    except ConnectionResetError:
        piece = b""
    assert piece, f"the connection ended without a whole answer: {received!r}"
    return piece


def exchange(port: int, request: bytes, *, to_head: bool = False) -> Answer:
    """Send the bytes on a connection of their own; its first answer."""
    with connect(port) as connection:
        connection.sendall(request)
        return read_answer(connection, to_head=to_head)


def dynamodb(port: int, action: str, body: Mapping[str, Any] | bytes, **headers: str | None) -> Answer:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return exchange(port, dynamodb_head(action, len(payload), **headers) + payload)
