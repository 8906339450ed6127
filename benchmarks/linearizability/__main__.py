"""`python -m benchmarks.linearizability`: record histories of concurrent clients over several workers, and judge each."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.linearizability.checker import TooHard, is_linearizable
from benchmarks.linearizability.clients import Client, prepare
from benchmarks.linearizability.histories import Operation
from benchmarks.linearizability.model import INITIAL, step
from benchmarks.torture import Server


@dataclass(slots=True)
class Tally:
    histories: int = 0
    operations: int = 0
    unanswered: int = 0
    worker_kills: int = 0
    too_hard: int = 0
    problems: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.histories} histories, {self.operations:,} operations ({self.unanswered} without an answer), "
            f"{self.worker_kills} workers killed, {self.too_hard} too hard to judge, {len(self.problems)} not linearizable"
        )


def record(server: Server, number: int, *, clients: int, operations: int, seed: int, kill: bool) -> list[Operation]:
    """One history. With ``kill`` a worker dies in its middle, so that some answers never come."""
    crew = [Client(server.port, number, each, operations, f"{seed}/{number}/{each}") for each in range(clients)]
    for each in crew:
        each.start()
    if kill:
        time.sleep(0.01)
        server.kill_worker(random.Random(f"{seed}/{number}"))
    for each in crew:
        each.join(120)
        if each.is_alive():
            raise SystemExit("a client hangs")
        if each.fault is not None:
            raise each.fault
    return sorted((one for each in crew for one in each.operations), key=lambda one: one.sent)


def run(
    directory: Path,
    *,
    rounds: int,
    workers: int,
    clients: int = 6,
    operations: int = 30,
    seed: int = 1,
    kills: bool = True,
) -> Tally:
    tally = Tally()
    server = Server(directory, workers, directory.with_suffix(".log"))
    try:
        prepare(server.port)
        for number in range(rounds):
            kill = kills and workers > 1 and number % 4 == 3
            tally.worker_kills += kill
            history = record(server, number, clients=clients, operations=operations, seed=seed, kill=kill)
            tally.histories += 1
            tally.operations += len(history)
            tally.unanswered += sum(one.is_open for one in history)
            try:
                if not is_linearizable(history, INITIAL, step):
                    tally.problems.append([str(one) for one in history])
            except TooHard:
                tally.too_hard += 1
    finally:
        server.kill()
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linearizability", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="histories (default 100)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the server (default 2)")
    parser.add_argument("--clients", type=int, default=6, help="concurrent clients (default 6)")
    parser.add_argument("--operations", type=int, default=30, help="of each client in a history (default 30)")
    parser.add_argument(
        "--seed", type=int, default=None, help="repeat a run's requests (its moments are the machine's)"
    )
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="tabletop-histories-")) / "data"
    print(f"seed {seed}", flush=True)
    tally = run(
        directory,
        rounds=given.rounds,
        workers=given.workers,
        clients=given.clients,
        operations=given.operations,
        seed=seed,
    )
    print(tally)
    shutil.rmtree(directory.parent, ignore_errors=True)
    if tally.problems:
        print(json.dumps(tally.problems[0], indent=1))
        return 1
    return 0


if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    sys.exit(main())
