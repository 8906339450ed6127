"""From a write to the function that it triggers: the delay through a stream, and what waiting for writes costs."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import ROLE, TRUST, Figure, client_of, packed
from benchmarks.servers import running

WRITES = 300
PAUSE_S = 0.03
"""Between two writes: long enough that each is delivered by itself."""
WARM_UP_WRITES = 30
IDLE_S = 5.0
WAIT_S = 30.0

HANDLER = """
import time

def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        print("delay", (now - float(record["dynamodb"]["NewImage"]["t"]["N"])) * 1000)
"""
POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"


def streaming(folder: Path, port: int) -> Iterator[Figure]:
    for workers in (1, 2):
        with running(folder / f"stream-{workers}", port=port, pin=False, workers=workers) as server:
            _make_trigger(server.address)
            delays = _delays(server.address)
            name = f"stream to function, warm, {workers} worker{'s' if workers > 1 else ''} (median of {WRITES})"
            detail = {"p50_ms": delays[len(delays) // 2], "p99_ms": delays[int(len(delays) * 0.99)]}
            yield Figure(name, statistics.median(delays), "ms", "under 100 ms", detail)
            if workers == 1:
                yield Figure("CPU of a server that waits for writes to trigger", _idle_share(server.pid), "% of a core")


def _make_trigger(address: str) -> None:
    dynamodb, iam, functions = (client_of(service, address) for service in ("dynamodb", "iam", "lambda"))
    iam.create_role(RoleName="bench", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="bench", PolicyArn=POLICY)
    table = dynamodb.create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    functions.create_function(
        FunctionName="bench", Runtime="python3.11", Role=ROLE, Handler="code.handler", Code={"ZipFile": packed(HANDLER)}
    )
    functions.create_event_source_mapping(
        FunctionName="bench", EventSourceArn=table["LatestStreamArn"], StartingPosition="TRIM_HORIZON"
    )


def _delays(address: str) -> list[float]:
    """Milliseconds from before the write to the function, ascending; without those that met a cold start."""
    dynamodb, logs = client_of("dynamodb", address), client_of("logs", address)
    for number in range(WARM_UP_WRITES + WRITES):
        item = {"p": {"S": str(number)}, "t": {"N": repr(time.time())}}
        dynamodb.put_item(TableName="bench", Item=item)
        time.sleep(PAUSE_S)
    deadline = time.monotonic() + WAIT_S
    while True:
        found = _logged(logs)
        if len(found) >= WARM_UP_WRITES + WRITES:
            return sorted(delay for _, delay in sorted(found)[WARM_UP_WRITES:])
        if time.monotonic() > deadline:
            raise RuntimeError("the writes did not all reach the function")
        time.sleep(0.2)


def _logged(logs: Any) -> list[tuple[int, float]]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/bench", filterPattern="delay")
    return [(event["timestamp"], float(event["message"].split()[1])) for page in pages for event in page["events"]]


def _idle_share(pid: int) -> float:
    """Percent of a core that the server's own process uses while nothing happens."""
    time.sleep(1)
    before = _cpu_s(pid)
    time.sleep(IDLE_S)
    return (_cpu_s(pid) - before) / IDLE_S * 100


def _cpu_s(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/schedstat")
    if ticks.exists():
        return int(ticks.read_text().split()[0]) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
