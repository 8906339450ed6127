"""A durable server under load is killed again and again; each time it must have kept what it said it has.

    python -m benchmarks.torture --kills 200

Every round: start the server on the same directory, let clients write for a random moment, SIGKILL it (or, with
``--workers``, now and then one worker only, which the server must replace), then

1. ``tabletop check`` over the files as the kill left them: nothing is wrong;
2. start again, and compare all that is stored with the ledger of what was acknowledged (``torture_load``).

A failure ends the run with what was wrong and the seed; the data directory is kept then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture_load import Client, Refused, Unreachable, prepare
from benchmarks.torture_verify import verify
from tabletop.cli.check import check_directory

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 20.0
LIFE_S = (0.1, 1.5)
"""Of a server under load, until it is killed."""


@dataclass(slots=True)
class Tally:
    kills: int = 0
    worker_kills: int = 0
    writes: int = 0
    """Acknowledged requests that write."""
    checked: int = 0
    """Things compared with the ledger, all rounds together."""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills of the server, {self.worker_kills} of a worker, {self.writes:,} acknowledged writes, "
            f"{self.checked:,} comparisons, {len(self.problems)} problems, {self.seconds:.1f} s"
        )


class Server:
    """One life of the server on the directory."""

    def __init__(self, directory: Path, workers: int, log: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TABLETOP_", "AWS_"))}
        command = [sys.executable, "-m", "tabletop", "start", "--port", "0", "--data", str(directory)]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, "--workers", str(workers)], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if "Ready at " not in line:
            self._process.kill()
            raise SystemExit(f"the server did not start: {line!r}; see {log}")
        self.port = int(line.strip().rpartition(":")[2])

    def children(self) -> list[int]:
        """Process ids of what the server started: workers, and functions' processes."""
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_worker(self, dice: random.Random) -> None:
        workers = [pid for pid in self.children() if b"tabletop.server.worker" in command_of(pid)]
        if workers:
            send_kill(dice.choice(workers))

    def kill(self) -> None:
        """SIGKILL it and its workers, in an order that leaves workers without a parent for a moment."""
        children = self.children()
        self._process.kill()
        for pid in children:
            send_kill(pid)
        self._process.wait(END_TIMEOUT_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        wait_until_gone(children)


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def send_kill(pid: int) -> None:
    """It may have ended meanwhile."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until_gone(pids: list[int]) -> None:
    """Bounded: what is killed ends as soon as the kernel has torn it down."""
    deadline = time.monotonic() + END_TIMEOUT_S
    for pid in pids:
        while is_alive(pid):
            if time.monotonic() > deadline:
                raise SystemExit(f"process {pid} does not end")
            time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def torture(
    directory: Path,
    *,
    kills: int,
    workers: int = 1,
    clients: int = 6,
    seed: int = 1,
    life_s: tuple[float, float] = LIFE_S,
) -> Tally:
    """``kills`` rounds; ends with the first that finds a problem."""
    dice = random.Random(seed)
    tally = Tally()
    started = time.monotonic()
    log = directory.with_suffix(".log")
    crew = [Client(number, random.Random(f"{seed}/{number}")) for number in range(clients)]
    server = Server(directory, workers, log)
    prepare(server.port)
    while tally.kills < kills and not tally.problems:
        stop = threading.Event()
        threads = [threading.Thread(target=each.work, args=(server.port, stop)) for each in crew]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(*life_s))
        if workers > 1:
            # A worker's death may cost its own clients an answer, and nobody anything else.
            server.kill_worker(dice)
            tally.worker_kills += 1
            time.sleep(dice.uniform(*life_s))
        server.kill()
        tally.kills += 1
        stop.set()
        for thread in threads:
            thread.join(END_TIMEOUT_S)
            if thread.is_alive():
                raise SystemExit("a client hangs although the server is gone")
        tally.problems += [problem for each in crew for problem in each.problems]
        tally.problems += [f"check: {problem}" for problem in check_directory(directory)]
        server = Server(directory, workers, log)
        try:
            tally.checked += verify(server.port, crew, tally.problems)
        except (Unreachable, Refused) as error:
            tally.problems.append(f"the server cannot be read after its restart: {error!r}")
    server.kill()
    if "Traceback" in log.read_text(errors="replace"):
        tally.problems.append(f"a traceback stands in {log}")
    tally.writes = sum(each.acknowledged for each in crew)
    tally.seconds = time.monotonic() - started
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="rounds (default: 200)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes; over 1, workers are killed as well")
    parser.add_argument("--clients", type=int, default=6, help="threads that write (default: 6)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (its moments, not the machine's)")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="tabletop-torture-")) / "data"
    print(f"seed {seed}, data in {directory}", flush=True)
    tally = torture(directory, kills=given.kills, workers=given.workers, clients=given.clients, seed=seed)
    print(tally)
    if tally.problems:
        print(json.dumps(tally.problems[:50], indent=2))
        print(f"kept: {directory}; again: python -m benchmarks.torture --seed {seed} --workers {given.workers}")
        return 1
    shutil.rmtree(directory.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
