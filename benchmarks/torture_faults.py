"""`python -m benchmarks.torture --faults`: the world fails a server under load, one fault at a time.

strace is attached to the running server and injects faults into its system calls (so the disk is never harmed), or its limits are
lowered, or its clock is put forward and back. Of each fault is wanted:

- while it lasts: reads are answered, writes are stored or refused by a clear error, nothing else comes to the client;
- once it ends: writes are taken again, without a restart;
- everything acknowledged is there, nothing is half there, and streams match: at once, and again after SIGKILL and a restart, and
  `tabletop check` finds nothing; no traceback is in the log.

`--disk` lets the kernel itself meet a fault, and needs root: the data lies on a file system whose disk takes no further block
(``torture_disk``). At the end power fails: the server starts on what the disk has, without the page cache.
"""

from __future__ import annotations

import random
import re
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture import END_TIMEOUT_S, Server
from benchmarks.torture_disk import FailingDisk, failing_disk
from benchmarks.torture_load import (
    ORDERS,
    PEOPLE,
    Client,
    Connection,
    Hindered,
    Refused,
    Unreachable,
    orders_key,
    prepare,
)
from benchmarks.torture_streams import Replay
from benchmarks.torture_verify import verify
from tabletop.base.clock import SHIFT_VARIABLE
from tabletop.cli.check import check_directory

CALM_S = 0.5
FAULT_S = 3.0
RECOVERED_WITHIN_S = 20.0
ATTACHED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    injection: str = ""
    """What strace injects."""
    limit: int = -1
    """Or the resource limit that is lowered, and to what."""
    limit_to: Callable[[Path, int], int] = lambda data, pid: 0
    clock_s: tuple[int, ...] = ()
    """Or what the clock is put forward (and back) by, one after the other."""
    disk: bool = False
    """Or the disk below the file system is what fails."""
    ends: bool = True
    """Writes are taken again without a restart."""
    hinders: bool = True
    """Writes must be refused while it lasts."""


def _size_now(data: Path, pid: int) -> int:
    return (data / "store" / "data.mdb").stat().st_size


def _files_now(data: Path, pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


FAULTS = (
    Fault("every sync fails (EIO)", "fdatasync:error=EIO"),
    Fault("one sync in ten fails (EIO)", "fdatasync:error=EIO:when=1+10"),
    Fault("every write fails (EIO)", "pwrite64,writev,pwritev:error=EIO"),
    Fault("one write in five fails (EIO), the meta page's too", "pwrite64:error=EIO:when=2+5"),
    Fault("the disk is full (ENOSPC)", "pwrite64,writev,pwritev:error=ENOSPC"),
    Fault("the disk is full for one write in three (ENOSPC)", "pwrite64,writev,pwritev:error=ENOSPC:when=1+3"),
    Fault("a sync finds the disk full (ENOSPC)", "fdatasync:error=ENOSPC:when=1+5"),
    Fault("over quota (EDQUOT)", "pwrite64,writev,pwritev:error=EDQUOT"),
    Fault("short writes", "pwrite64,writev,pwritev:retval=64:when=2+4"),
    Fault("syncs take a quarter of a second", "fdatasync:delay_exit=250000", hinders=False),
    Fault("no file may grow (EFBIG)", limit=resource.RLIMIT_FSIZE, limit_to=_size_now),
    Fault("no file descriptor is left (EMFILE)", limit=resource.RLIMIT_NOFILE, limit_to=_files_now, hinders=False),
    Fault("the clock jumps by hours, forwards and backwards", clock_s=(6 * 3600, -6 * 3600, 5, -5, 0), hinders=False),
)

DISK_FAULTS = (
    Fault("the disk below the file system takes no further block, then power fails", disk=True),
    Fault("the same, and the file system becomes read-only", disk=True, ends=False),
)


@dataclass(slots=True)
class Outcome:
    fault: str
    writes: int = 0
    hindered: int = 0
    reads: int = 0
    recovered_s: float = 0.0
    said: list[str] = field(default_factory=list)
    """Kinds of lines in the server's log."""
    problems: list[str] = field(default_factory=list)
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.fault}: left out, {self.skipped}"
        verdict = f"{len(self.problems)} PROBLEMS" if self.problems else "held"
        return (
            f"{self.fault}: {verdict}; {self.writes:,} writes acknowledged, {self.hindered:,} refused, {self.reads:,} reads, "
            f"writes taken again {self.recovered_s:.1f} s after its end"
        )


def run(folder: Path, *, seed: int, faults: tuple[Fault, ...] = FAULTS, fault_s: float = FAULT_S) -> Iterator[Outcome]:
    """One server and directory for each fault."""
    reason = obstacle()
    for number, fault in enumerate(faults):
        if fault.disk:
            with failing_disk(folder / f"disk-{number}", journal_fails=not fault.ends) as disk:
                yield _Trial(disk.mounted / "data", fault, seed, fault_s, disk).run()
        elif fault.injection and reason:
            yield Outcome(fault.name, skipped=reason)
        else:
            yield _Trial(folder / f"data-{number}", fault, seed, fault_s).run()


def obstacle() -> str:
    """What keeps strace from being used; empty where nothing does."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian and Ubuntu: sudo apt install strace)"
    with subprocess.Popen(["sleep", "30"]) as target:
        try:
            with injected(target.pid, "fdatasync:error=EIO"):
                return ""
        except RuntimeError as error:
            return f"strace may not be used here: {error}"
        finally:
            target.kill()


@contextmanager
def injected(pid: int, injection: str) -> Iterator[None]:
    """strace on a running process and all its threads, until the block ends."""
    calls = injection.partition(":")[0]
    # Its own messages must not end up in the terminal; the calls themselves are of no interest.
    command = ["strace", "-f", "-p", str(pid), "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={injection}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        line = strace.stderr.readline()
        if "attached" not in line:
            strace.kill()
            raise RuntimeError(line.strip())
        draining = threading.Thread(target=strace.stderr.read, daemon=True)
        draining.start()
        try:
            yield
        finally:
            strace.terminate()
            strace.wait(ATTACHED_WITHIN_S)


@contextmanager
def _limited(pid: int, limit: int, number: int) -> Iterator[None]:
    before = resource.prlimit(pid, limit)
    resource.prlimit(pid, limit, (number, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, limit, before)


class _Reader(threading.Thread):
    """Reads all the time, on a connection that was there before, and tolerates nothing."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.reads = 0
        self.problems: list[str] = []
        self.stop = threading.Event()
        self._connection = Connection(port)
        self._connection.dynamodb("PutItem", TableName=ORDERS, Item=orders_key("reader", "1"))

    def run(self) -> None:
        key = orders_key("reader", "1")
        query = {"KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"}}
        while not self.stop.is_set() and not self.problems:
            try:
                if self._connection.dynamodb("GetItem", TableName=ORDERS, Key=key)["Item"] != key:
                    self.problems.append("a read finds another item")
                values = {":o": key["owner"]}
                self._connection.dynamodb("Query", TableName=ORDERS, ExpressionAttributeValues=values, **query)
                self.reads += 2
            except (Unreachable, Refused) as error:
                self.problems.append(f"a read fails: {error!r}")
            self.stop.wait(0.002)
        self._connection.close()


class _Trial:
    def __init__(self, data: Path, fault: Fault, seed: int, fault_s: float, disk: FailingDisk | None = None) -> None:
        self._data = data
        self._fault = fault
        self._fault_s = fault_s
        self._disk = disk
        notes = data if disk is None else disk.folder / "data"
        self._log = notes.with_suffix(".log")
        self._shift = notes.with_suffix(".shift")
        self._outcome = Outcome(fault.name)
        self._crew = [
            Client(number, random.Random(f"{seed}/{number}"), expiring=not fault.clock_s) for number in range(4)
        ]
        self._replays = (Replay(ORDERS, ("owner", "number")), Replay(PEOPLE, ("id",)))
        self._server = self._start()

    def run(self) -> Outcome:
        outcome = self._outcome
        prepare(self._server.port)
        reader = _Reader(self._server.port)
        reader.start()
        stop = threading.Event()
        threads = [threading.Thread(target=each.work, args=(self._server.port, stop)) for each in self._crew]
        for each in self._crew:
            each.expected = True
        for thread in threads:
            thread.start()
        time.sleep(CALM_S)
        if self._fault.clock_s:
            for shift_s in self._fault.clock_s:
                self._shift.write_text(str(shift_s))
                time.sleep(self._fault_s / 3)
        elif self._disk is not None:
            with self._disk.full():
                self._grow()
        elif self._fault.injection:
            with injected(self._server.pid, self._fault.injection):
                time.sleep(self._fault_s)
        else:
            with _limited(self._server.pid, self._fault.limit, self._fault.limit_to(self._data, self._server.pid)):
                time.sleep(self._fault_s)
        if self._fault.ends:
            self._wait_for_writes()
        stop.set()
        reader.stop.set()
        for thread in (*threads, reader):
            thread.join(END_TIMEOUT_S)
            if thread.is_alive():
                outcome.problems.append("a client hangs")
        outcome.reads = reader.reads
        outcome.problems += reader.problems
        if self._fault.ends:
            self._judge("at the end of the fault")
        self._server.kill()
        if self._disk is not None:
            self._disk.cut_power()
        outcome.problems += [f"check: {problem}" for problem in check_directory(self._data)]
        self._server = self._start()
        self._judge("after the restart")
        self._server.kill()
        return self._concluded()

    def _start(self) -> Server:
        return Server(self._data, 1, self._log, **{SHIFT_VARIABLE: str(self._shift)})

    def _grow(self) -> None:
        """Items that no free pages hold, for as long as the fault lasts: small ones alone might need no further block."""
        ended = time.monotonic() + self._fault_s
        connection = Connection(self._server.port)
        while time.monotonic() < ended:
            filler = {"filler": {"S": random.randbytes(150_000).hex()}}
            try:
                connection.dynamodb("PutItem", TableName=ORDERS, Item=orders_key("reader", "2") | filler)
            except Hindered:
                self._outcome.hindered += 1
            time.sleep(0.02)
        connection.close()

    def _wait_for_writes(self) -> None:
        """Without a restart writes are taken again, soon after the fault has ended."""
        ended = time.monotonic()
        connection = Connection(self._server.port)
        while time.monotonic() - ended < RECOVERED_WITHIN_S:
            try:
                connection.dynamodb("PutItem", TableName=ORDERS, Item=orders_key("reader", "2"))
            except (Hindered, Unreachable):
                time.sleep(0.05)
            else:
                self._outcome.recovered_s = time.monotonic() - ended
                return
        self._outcome.problems.append(f"no write is taken {RECOVERED_WITHIN_S:.0f} s after the fault has ended")

    def _judge(self, when: str) -> None:
        problems: list[str] = []
        connection = Connection(self._server.port)
        try:
            for number in ("1", "2"):
                connection.dynamodb("DeleteItem", TableName=ORDERS, Key=orders_key("reader", number))
            verify(self._server.port, self._crew, problems)
            for replay in self._replays:
                replay.catch_up(connection, problems)
        except (Unreachable, Refused) as error:
            problems.append(f"the server does not answer: {error!r}")
        connection.close()
        self._outcome.problems += [f"{when}: {problem}" for problem in problems]

    def _concluded(self) -> Outcome:
        outcome = self._outcome
        outcome.problems += [problem for each in self._crew for problem in each.problems]
        outcome.writes = sum(each.acknowledged for each in self._crew)
        outcome.hindered += sum(each.hindered for each in self._crew)
        text = self._log.read_text(errors="replace")
        if "Traceback" in text:
            outcome.problems.append(f"a traceback stands in {self._log}")
        outcome.said = sorted({re.sub(r" [a-z_]+=.*", "", line.partition(" ")[2]) for line in text.splitlines()})
        if self._fault.hinders and not outcome.hindered:
            outcome.problems.append("no write was refused: the fault did not happen")
        return outcome
