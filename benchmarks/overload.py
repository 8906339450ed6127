"""`python -m benchmarks.overload [--minutes N] [--connections N]`: far more clients than a server can serve.

A durable server is driven by 64 connections (calm), beside thousands of idle ones, by all of them at once (overload: each
sends its next write as soon as the last is answered, and backs off when throttled, as SDKs do), beside clients that read or
write slowly, and at last calmly again. Wanted: nothing but answers and ThrottlingException (or 503 at a bound on memory),
every connection served, memory bounded, and the calm throughput back afterwards.

On a quick disk the requests that are too many wait in their sockets. On a slow one (each sync takes 0.2 s) the queue of writes
fills, and the rest is throttled: that is a phase of its own, with a server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.overload_client import KEYS, TABLE, Tally, Wire, connect, mixed, put, request
from benchmarks.servers import resident_mb
from benchmarks.torture import Server
from benchmarks.torture_load import Connection, definition
from tabletop.storage.committer import QUEUED_PLANS_MAX

CALM_CONNECTIONS = 64
SLOW_CLIENTS = 100
"""Of each kind."""
MEMORY_MB_MAX = 1500.0
BACK_TO_SHARE = 0.7
"""Of the first calm phase's throughput: the machine is shared, and a figure wavers."""
LAWFUL = {"ok", "ThrottlingException", "ServiceUnavailable"}


@dataclass(slots=True)
class Phase:
    name: str
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    answers: dict[str, int]
    fewest: int
    """Answers of the connection that got the fewest."""

    def __str__(self) -> str:
        others = ", ".join(f"{number:,} {name}" for name, number in sorted(self.answers.items()) if name != "ok")
        return (
            f"{self.name:<34} {self.requests_per_s:>8,.0f}/s  p50 {self.p50_ms:>7,.1f} ms  p99 {self.p99_ms:>8,.1f} ms  "
            f"{self.memory_mb:>6,.0f} MB  fewest {self.fewest}  {others}"
        )


@dataclass(slots=True)
class Result:
    phases: list[Phase] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Overload:
    def __init__(self, server: Server, seconds: float) -> None:
        self.result = Result()
        self._server = server
        self._seconds = seconds

    async def run(self, connections: int) -> Result:
        calm = await connect(self._server.port, CALM_CONNECTIONS)
        await self._phase("calm, 64 connections", calm, mixed)
        crowd = await connect(self._server.port, connections)
        await self._phase(f"beside {connections:,} idle ones", calm, mixed)
        await self._phase(f"overload, {connections:,} writers", crowd, put, seconds=2 * self._seconds)
        slow = self._slow_clients()
        await self._phase(f"beside {len(slow)} slow clients", calm, mixed)
        for each in slow:
            each.close()
        for wire in crowd:
            wire.close()
        await asyncio.sleep(1.0)
        await self._phase("calm again", calm, mixed)
        self._judge()
        return self.result

    async def _phase(self, name: str, wires: list[Wire], make, seconds: float = 0.0) -> None:  # type: ignore[no-untyped-def]
        tally, memory_mb = Tally(), 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        for wire in wires:
            wire.drive(make, tally)
        while loop.time() - began < (seconds or self._seconds):
            await asyncio.sleep(0.25)
            memory_mb = max(memory_mb, resident_mb(self._server.pid))
        took_s = loop.time() - began
        for wire in wires:
            wire.rest()
        await asyncio.sleep(1.5)
        answers = dict(tally.answers)
        phase = Phase(
            name,
            tally.answers["ok"] / took_s,
            tally.percentile_ms(0.5),
            tally.percentile_ms(0.99),
            memory_mb,
            answers,
            min(tally.per_connection),
        )
        print(phase, flush=True)
        self.result.phases.append(phase)
        problems = self.result.problems
        problems += [f"{name}: {number} answers {code}" for code, number in answers.items() if code not in LAWFUL]
        if phase.fewest == 0:
            idle = sum(1 for number in tally.per_connection if not number)
            problems.append(f"{name}: {idle} of {len(wires)} connections got no answer")

    async def run_slow_disk(self, connections: int) -> Result:
        crowd = await connect(self._server.port, connections)
        await self._phase("overload on a slow disk", crowd, put, seconds=2 * self._seconds)
        if "ThrottlingException" not in self.result.phases[-1].answers and len(crowd) > 2 * QUEUED_PLANS_MAX:
            self.result.problems.append("nobody was throttled on a slow disk")
        for wire in crowd:
            wire.close()
        return self.result

    def _slow_clients(self) -> list[socket.socket]:
        """Some ask for megabytes and read nothing, some send a head and then nothing."""
        opened = []
        for number in range(2 * SLOW_CLIENTS):
            client = socket.create_connection(("127.0.0.1", self._server.port), 10)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            if number % 2:
                client.sendall(request("Scan", {"TableName": TABLE}) * 8)
            else:
                client.sendall(request("PutItem", {"TableName": TABLE})[:80])
            opened.append(client)
        return opened

    def _judge(self) -> None:
        phases, problems = self.result.phases, self.result.problems
        before, after = phases[0].requests_per_s, phases[-1].requests_per_s
        if after < BACK_TO_SHARE * before:
            problems.append(f"afterwards {after:,.0f}/s instead of {before:,.0f}/s")
        peak_mb = max(phase.memory_mb for phase in phases)
        if peak_mb > MEMORY_MB_MAX:
            problems.append(f"memory rose to {peak_mb:,.0f} MB")


def overload(folder: Path, *, connections: int, seconds: float) -> Result:
    """``seconds`` for each calm phase; the overload takes twice that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server(folder / "data", 1, folder / "log")
    try:
        _fill(server.port)
        result = asyncio.run(_Overload(server, seconds).run(connections))
        server.kill()
        server = Server(folder / "data", 1, folder / "log", module="benchmarks.slow_disk")
        slow = asyncio.run(_Overload(server, seconds).run_slow_disk(connections))
        result.phases += slow.phases
        result.problems += slow.problems
    finally:
        server.kill()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if "Traceback" in (folder / "log").read_text(errors="replace"):
        result.problems.append(f"a traceback stands in {folder / 'log'}")
    return result


def _fill(port: int) -> None:
    connection = Connection(port)
    connection.dynamodb("CreateTable", **definition(TABLE, {"p": "S"}, ["p"]))
    for first in range(0, KEYS // 4, 25):
        rows = [{"PutRequest": {"Item": {"p": {"S": f"{first + at}"}, "text": {"S": "x" * 1000}}}} for at in range(25)]
        connection.dynamodb("BatchWriteItem", RequestItems={TABLE: rows})
    connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of load, all phases together (default: 1)")
    parser.add_argument("--connections", type=int, default=10_000, help="in the crowd (default: 10,000)")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tabletop-overload-"))
    result = overload(folder, connections=given.connections, seconds=given.minutes * 10)
    for problem in result.problems:
        print(f"PROBLEM {problem}")
    if not result.problems:
        shutil.rmtree(folder)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
