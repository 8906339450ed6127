"""What is measured, each figure with the goal it is held against."""

from __future__ import annotations

import io
import statistics
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.compare.load import drive as drive_requests
from benchmarks.load import HEADERS, Outcome, drive, wrk_path
from benchmarks.servers import Server, resident_mb, running

KEYS = 10_000
ITEM_FILLER_BYTES = 900
"""With its keys and index key an item is about 1 KB."""
STARTS = 5
INVOKES = 200
COLD_STARTS = 5

GET = r"""'{"TableName":"bench","Key":{"p":{"S":"'..key..'"}}}'"""
PUT = (
    r"""'{"TableName":"bench","Item":{"p":{"S":"'..key..'"},"g":{"S":"g'..key..'"},"n":{"N":"12345"},"""
    r""""d":{"S":"'..filler..'"}}}'"""
)

ROLE = "arn:aws:iam::000000000000:role/bench"
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
HANDLER = "import boto3\nclient = boto3.client('dynamodb')\ndef handler(event, context):\n    return event\n"


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    goal: str = ""
    detail: dict[str, Any] | None = None

    def line(self) -> str:
        shown = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:,.2f}"
        goal = f"   (goal: {self.goal})" if self.goal else ""
        latency = ""
        if self.detail and "p50_ms" in self.detail:
            latency = f"   p50 {self.detail['p50_ms']:.2f} ms, p99 {self.detail['p99_ms']:.2f} ms"
        return f"{self.name:<58}{shown:>10} {self.unit}{latency}{goal}"


def starting(folder: Path, port: int) -> Iterator[Figure]:
    times = []
    memory = 0.0
    for round_number in range(STARTS):
        with running(folder / f"start-{round_number}", port=port, pin=False) as server:
            times.append(server.first_answer_s)
            time.sleep(1)
            memory = resident_mb(server.pid)
    yield Figure(
        "start to first answer, new data directory (median of 5)", statistics.median(times), "s", "under 0.5 s"
    )
    yield Figure("memory, idle, one worker", memory, "MB", "under 90 MB")


def throughput(folder: Path, port: int, seconds: int) -> Iterator[Figure]:
    for kind, directory in (("in memory", None), ("durable", folder / "data")):
        with running(directory, port=port) as server:
            _make_table(server.address)
            for action, body in (("PutItem", PUT), ("GetItem", GET)):
                for connections in (1, 64):
                    outcome = drive(
                        server.address, action, body, connections=connections, seconds=seconds, keys=KEYS,
                        filler_bytes=ITEM_FILLER_BYTES,
                    )  # fmt: skip
                    yield _throughput(f"{action}, 1 KB with one GSI, {kind}, {connections} connections", outcome)
            yield Figure(f"memory after that, {kind}", resident_mb(server.pid), "MB")


def _throughput(name: str, outcome: Outcome) -> Figure:
    if outcome.errors:
        name += f" ({outcome.errors} ERRORS)"
    return Figure(name, outcome.requests_per_s, "requests/s", detail=asdict(outcome))


def invoking(folder: Path, port: int, seconds: int) -> Iterator[Figure]:
    with running(folder / "lambda", port=port, pin=False) as server:
        iam, functions = client_of("iam", server.address), client_of("lambda", server.address)
        iam.create_role(RoleName="bench", AssumeRolePolicyDocument=TRUST)
        cold = []
        for number in range(COLD_STARTS):
            name = f"bench-{number}"
            functions.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role=ROLE,
                Handler="code.handler",
                Code={"ZipFile": packed(HANDLER)},
            )
            cold.append(_timed(functions, name))
        warm = [_timed(functions, "bench-0") for _ in range(INVOKES)]
        yield Figure(
            "Lambda invoke, cold, boto3 client made (median of 5)", statistics.median(cold) * 1000, "ms", "under 400 ms"
        )
        yield Figure("Lambda invoke, warm (median of 200)", statistics.median(warm) * 1000, "ms", "under 5 ms")
        if wrk_path() is not None:
            yield _invokes_at_once(server, seconds)


def _invokes_at_once(server: Server, seconds: int) -> Figure:
    """Eight callers of one function, on all cores: its sandboxes need them too."""
    head = "POST /2015-03-31/functions/bench-0/invocations HTTP/1.1\r\nHost: localhost\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = (head.replace("/dynamodb/", "/lambda/") + 'Content-Length: 7\r\n\r\n{"a":1}').encode()
    outcome = drive_requests([request], server.address, pid=server.pid, connections=8, seconds=seconds, cores=[])
    name = "Lambda invokes, warm, 8 callers" + (f" ({outcome.errors} ERRORS)" if outcome.errors else "")
    return Figure(name, outcome.requests_per_s, "invokes/s", "200/s on 2 cores", detail=asdict(outcome))


def _timed(functions: Any, name: str) -> float:
    began = time.perf_counter()
    answer = functions.invoke(FunctionName=name, Payload=b'{"a":1}')
    payload = answer["Payload"].read()
    took_s = time.perf_counter() - began
    assert payload == b'{"a": 1}', payload
    return took_s


def packed(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("code.py", source)
    return buffer.getvalue()


def client_of(service: str, address: str) -> Any:
    import boto3

    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _make_table(address: str) -> None:
    client = client_of("dynamodb", address)
    client.create_table(
        TableName="bench",
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for start in range(0, KEYS, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "p": {"S": f"{key:08d}"},
                        "g": {"S": f"g{key:08d}"},
                        "n": {"N": "12345"},
                        "d": {"S": "x" * ITEM_FILLER_BYTES},
                    }
                }
            }
            for key in range(start, start + 25)
        ]
        client.batch_write_item(RequestItems={"bench": puts})
