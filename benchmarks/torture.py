"""A durable server under load is killed again and again; each time it must have kept what it said it has.

    make torture                                       the long form: 200 kills with one worker, 200 with two
    python -m benchmarks.torture --kills 200

Every round: start the server on the same directory, let clients write for a random moment, SIGKILL it (with ``--workers``
one worker first, which the server must replace). Every third round is aimed: at the backfill of an index or a vector index, the
filling of a replica, or the deletion of a table (``torture_aims``). Every fourth kill is followed by a start that is killed as
well, before it serves or just after, while it recovers. Then

1. ``tabletop check`` over the files as the kill left them: nothing is wrong;
2. start again, and compare all that is stored with the ledger of what was acknowledged (``torture_load``);
3. replay the streams: each change once, in order, from image to image (``torture_streams``).

A failure ends the run with what was wrong and the seed; the data directory, the log and a list of the problems are kept then.
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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture_aims import AIMS, Aim
from benchmarks.torture_load import ORDERS, PEOPLE, Client, Connection, Refused, Unreachable, prepare
from benchmarks.torture_streams import Replay
from benchmarks.torture_verify import verify
from tabletop.cli.check import check_directory

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 20.0
LIFE_S = (0.1, 1.5)
"""Of a server under load, until it is killed."""
AIMED_LIFE_S = (0.0, 0.06)
"""From the answer that work has begun until the kill."""
START_LIFE_S = (0.0, 0.9)
"""Of a server that is killed while it starts: from its first instruction to 0.3 s after it serves, on most machines."""
AIMED_EVERY, START_KILLED_EVERY = 3, 4


@dataclass(slots=True)
class Tally:
    kills: int = 0
    worker_kills: int = 0
    start_kills: int = 0
    aimed: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    """Acknowledged requests that write."""
    checked: int = 0
    """Things compared with the ledger, all rounds together."""
    records: int = 0
    """Of streams, replayed."""
    expired: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        aimed = ", ".join(f"{number} at {kind}" for kind, number in sorted(self.aimed.items())) or "none aimed"
        return (
            f"{self.kills} kills of the server ({aimed}), {self.start_kills} more while it started, "
            f"{self.worker_kills} of a worker, {self.writes:,} acknowledged writes, {self.checked:,} comparisons, "
            f"{self.records:,} stream records replayed ({self.expired} expiries), {len(self.problems)} problems, "
            f"{self.seconds:.1f} s"
        )


class Server:
    """One life of the server on the directory."""

    def __init__(
        self, directory: Path, workers: int, log: Path, *, wait: bool = True, module: str = "tabletop", **more: str
    ) -> None:
        """``wait`` until it serves. ``module``: what is run in tabletop's place; ``more``: environment variables."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TABLETOP_", "AWS_"))}
        environment |= more
        command = [sys.executable, "-m", module, "start", "--port", "0", "--data", str(directory)]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, "--workers", str(workers)], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        self.port = 0
        if wait:
            self._wait_until_ready(log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _wait_until_ready(self, log: Path) -> None:
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
    progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """``kills`` rounds; ends with the first that finds a problem."""
    run = _Run(directory, workers, clients, seed, life_s)
    while run.tally.kills < kills and not run.tally.problems:
        run.round()
        progress(run.tally)
    return run.end()


class _Run:
    def __init__(self, directory: Path, workers: int, clients: int, seed: int, life_s: tuple[float, float]) -> None:
        self.tally = Tally()
        self._directory = directory
        self._log = directory.with_suffix(".log")
        self._workers = workers
        self._life_s = life_s
        self._dice = random.Random(seed)
        self._crew = [Client(number, random.Random(f"{seed}/{number}")) for number in range(clients)]
        self._replays = (Replay(ORDERS, ("owner", "number")), Replay(PEOPLE, ("id",)))
        self._started = time.monotonic()
        self._server = Server(directory, workers, self._log)
        prepare(self._server.port)

    def round(self) -> None:
        stop = threading.Event()
        threads = [threading.Thread(target=each.work, args=(self._server.port, stop)) for each in self._crew]
        for thread in threads:
            thread.start()
        aim = self._let_live()
        self._server.kill()
        self.tally.kills += 1
        stop.set()
        for thread in threads:
            thread.join(END_TIMEOUT_S)
            if thread.is_alive():
                raise SystemExit("a client hangs although the server is gone")
        if self.tally.kills % START_KILLED_EVERY == 0:
            self._kill_a_start()
        self._judge(aim)

    def _let_live(self) -> Aim | None:
        dice = self._dice
        if self.tally.kills % AIMED_EVERY == AIMED_EVERY - 1:
            kind = AIMS[self.tally.kills // AIMED_EVERY % len(AIMS)]
            aim = Aim(kind, f"torture_aim_{self.tally.kills}")
            connection = Connection(self._server.port)
            aim.prepare(connection)
            aim.strike(connection)
            connection.close()
            self.tally.aimed[kind] = self.tally.aimed.get(kind, 0) + 1
            time.sleep(dice.uniform(*AIMED_LIFE_S))
            return aim
        time.sleep(dice.uniform(*self._life_s))
        if self._workers > 1:
            # A worker's death may cost its own clients an answer, and nobody anything else.
            self._server.kill_worker(dice)
            self.tally.worker_kills += 1
            time.sleep(dice.uniform(*self._life_s))
        return None

    def _kill_a_start(self) -> None:
        starting = Server(self._directory, self._workers, self._log, wait=False)
        time.sleep(self._dice.uniform(*START_LIFE_S))
        starting.kill()
        self.tally.start_kills += 1

    def _judge(self, aim: Aim | None) -> None:
        tally = self.tally
        tally.problems += [problem for each in self._crew for problem in each.problems]
        tally.problems += [f"check: {problem}" for problem in check_directory(self._directory)]
        self._server = Server(self._directory, self._workers, self._log)
        try:
            tally.checked += verify(self._server.port, self._crew, tally.problems)
            connection = Connection(self._server.port)
            for replay in self._replays:
                tally.checked += replay.catch_up(connection, tally.problems)
            if aim is not None:
                tally.checked += aim.verify(connection, tally.problems)
            connection.close()
        except (Unreachable, Refused) as error:
            tally.problems.append(f"the server cannot be read after its restart: {error!r}")
        tally.writes = sum(each.acknowledged for each in self._crew)
        tally.records = sum(replay.records for replay in self._replays)
        tally.expired = sum(replay.expired for replay in self._replays)
        tally.seconds = time.monotonic() - self._started

    def end(self) -> Tally:
        self._server.kill()
        if "Traceback" in self._log.read_text(errors="replace"):
            self.tally.problems.append(f"a traceback stands in {self._log}")
        return self.tally


def _show(tally: Tally) -> None:
    """One line that is overwritten on a terminal, and now and then a line elsewhere."""
    line = (
        f"{tally.kills} kills, {tally.writes:,} writes, {tally.checked:,} comparisons, {tally.records:,} stream records, "
        f"{tally.seconds:.0f} s"
    )
    if sys.stdout.isatty():
        print(f"\r{line}", end="", flush=True)
    elif tally.kills % 20 == 0:
        print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="rounds (default: 200)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes; over 1, workers are killed as well")
    parser.add_argument("--clients", type=int, default=6, help="threads that write (default: 6)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (its moments, not the machine's)")
    parser.add_argument("--faults", action="store_true", help="no kills: faults of the disk, the clock and limits")
    parser.add_argument(
        "--disk", action="store_true", help="no kills: a disk that fails below ext4 (Linux, needs root)"
    )
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="tabletop-torture-")) / "data"
    print(f"seed {seed}, data in {directory}", flush=True)
    if given.faults or given.disk:
        return _main_faults(directory.parent, seed, disk=given.disk)
    tally = torture(
        directory, kills=given.kills, workers=given.workers, clients=given.clients, seed=seed, progress=_show
    )
    print(f"\n{tally}" if sys.stdout.isatty() else tally)
    if tally.problems:
        print(json.dumps(tally.problems[:50], indent=2))
        (directory.parent / "problems.json").write_text(
            json.dumps({"seed": seed, "problems": tally.problems}, indent=2)
        )
        print(f"kept: {directory.parent}; again: python -m benchmarks.torture --seed {seed} --workers {given.workers}")
        return 1
    shutil.rmtree(directory.parent)
    return 0


def _main_faults(folder: Path, seed: int, *, disk: bool) -> int:
    from benchmarks import torture_faults

    failed = False
    faults = torture_faults.DISK_FAULTS if disk else torture_faults.FAULTS
    for outcome in torture_faults.run(folder, seed=seed, faults=faults):
        print(outcome, flush=True)
        for line in (
            *(f"    log: {said}" for said in outcome.said),
            *(f"    {each}" for each in outcome.problems[:20]),
        ):
            print(line, flush=True)
        failed |= bool(outcome.problems)
    if failed:
        print(f"kept: {folder}; again: python -m benchmarks.torture --faults --seed {seed}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
