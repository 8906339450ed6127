"""One contender after the other: start it, give it the data, run every workload, end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.compare import peers, workloads
from benchmarks.compare.contenders import Contender
from benchmarks.compare.load import Outcome, drive, peak_memory_mb
from benchmarks.compare.signing import Signer

START_TIMEOUT_S = 60.0
ACTIVE_TIMEOUT_S = 30.0
UNPROCESSED_TRIES_MAX = 20
TEST_KEY = ("test", "test")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "dynamodb:*",
            "Resource": [
                f"arn:aws:dynamodb:us-east-1:000000000000:table/{workloads.TABLE}{suffix}"
                for suffix in ("", "/index/*")
            ],
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, with how many connections, on which cores."""

    workloads: list[str]
    connections: list[int]
    seconds: int
    port: int
    server_cores: list[int]
    load_cores: list[int]


class Progress:
    """One line that says what runs, on a terminal; a line for each contender elsewhere."""

    def say(self, text: str) -> None:
        if sys.stdout.isatty():
            sys.stdout.write(f"\r\x1b[K{text}")
            sys.stdout.flush()

    def end(self, text: str) -> None:
        prefix = "\r\x1b[K" if sys.stdout.isatty() else ""
        print(prefix + text, flush=True)


def measure_peer(peer: peers.Peer, root: Path, plan: Plan, progress: Progress) -> Contender:
    """Raises peers.LeftOut where it cannot be installed or does not start."""
    progress.say(f"{peer.name}: installing")
    folder = peers.install(peer, root)
    with _ended(peers.start(peer, folder, plan.port, plan.server_cores)) as process:
        return _measured(peer.name, process, _test_key, plan, progress)


def measure_tabletop(
    name: str, directory: Path | None, plan: Plan, progress: Progress, *, verified: bool, workers: int = 1
) -> Contender:
    """``directory`` None: in memory. ``verified``: as a user whose signature is verified and whose policy is evaluated."""
    command = [sys.executable, "-m", "tabletop", "start", "--port", str(plan.port), "--workers", str(workers)]
    command += ["--in-memory"] if directory is None else ["--data", str(directory)]
    with server(command, plan) as process:
        return _measured(name, process, _user if verified else _test_key, plan, progress)


@contextmanager
def server(command: list[str], plan: Plan) -> Iterator[subprocess.Popen[bytes]]:
    if plan.server_cores:
        command = ["taskset", "-c", ",".join(map(str, plan.server_cores)), *command]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    with _ended(process):
        yield process


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends the server and what it has started: each has a session of its own."""
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                continue


def wait_for_answer(address: str, process: subprocess.Popen[bytes]) -> float:
    """Seconds until it answered anything. Raises peers.LeftOut."""
    began = time.perf_counter()
    while time.perf_counter() - began < START_TIMEOUT_S:
        if process.poll() is not None:
            raise peers.LeftOut(f"its server ended at once, with status {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                answer.read()
            return time.perf_counter() - began
        except urllib.error.HTTPError:
            return time.perf_counter() - began
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise peers.LeftOut(f"its server did not answer within {START_TIMEOUT_S:.0f} s")


def _measured(
    name: str,
    process: subprocess.Popen[bytes],
    key_of: Callable[[str], tuple[str, str]],
    plan: Plan,
    progress: Progress,
) -> Contender:
    address = f"http://127.0.0.1:{plan.port}"
    contender = Contender(name, start_s=wait_for_answer(address, process))
    contender.load_s = load_items(address)
    signer = Signer(f"127.0.0.1:{plan.port}", *key_of(address))
    for workload in plan.workloads:
        requests = workloads.requests(workload)
        progress.say(f"{name}: {workload}")
        wrong = _wrong(workload, signer, address, requests[0])
        for connections in plan.connections:
            outcome: Outcome | str = wrong
            if not wrong:
                outcome = drive(
                    signer.sign_all(requests),
                    address,
                    pid=process.pid,
                    connections=connections,
                    seconds=plan.seconds,
                    cores=plan.load_cores,
                )
            contender.outcomes[workload, connections] = outcome
        if workload.startswith("DeleteItem"):
            put_items(address)
    contender.peak_memory_mb = peak_memory_mb(process.pid)
    progress.end(f"{name}: done")
    return contender


def _client(service: str, address: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=TEST_KEY[0],
        aws_secret_access_key=TEST_KEY[1],
        config=Config(read_timeout=60, retries={"max_attempts": 1}),
    )


def load_items(address: str) -> float:
    """Make the table and put the items into it, one client; the seconds that the items took."""
    client = _client("dynamodb", address)
    client.create_table(**workloads.TABLE_DEFINITION)
    deadline = time.monotonic() + ACTIVE_TIMEOUT_S
    while client.describe_table(TableName=workloads.TABLE)["Table"]["TableStatus"] != "ACTIVE":
        if time.monotonic() > deadline:
            raise peers.LeftOut("its table does not become active")
        time.sleep(0.1)
    return put_items(address)


def put_items(address: str) -> float:
    """Put all items, one client: at first, and after a run that was cut off between a deletion and its put. Seconds."""
    client = _client("dynamodb", address)
    began = time.perf_counter()
    for batch in workloads.batches():
        left = batch["RequestItems"]
        for _ in range(UNPROCESSED_TRIES_MAX):
            left = client.batch_write_item(RequestItems=left)["UnprocessedItems"]
            if not left:
                break
    return time.perf_counter() - began


def _test_key(_address: str) -> tuple[str, str]:
    return TEST_KEY


def _user(address: str) -> tuple[str, str]:
    iam = _client("iam", address)
    iam.create_user(UserName="bench")
    iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=json.dumps(POLICY))
    made = iam.create_access_key(UserName="bench")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def _wrong(workload: str, signer: Signer, address: str, request: workloads.Request) -> str:
    """What is wrong with the answer to a workload's first request; empty where nothing is."""
    signed = signer.sign(*request)
    head, _, body = signed.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    try:
        made = urllib.request.Request(address, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(made, timeout=60) as answer:
            said = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return f"refused: {error.code}"
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        return f"no answer: {error!r}"[:60]
    try:
        return "" if workloads.expected_answer(workload)(said) else "wrong answer"
    except (KeyError, TypeError):
        return "wrong answer"
