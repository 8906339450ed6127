"""Servers on their data directories, `tabletop import`, and what a server's process holds in memory."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.compare.load import Outcome, cpu_s, drive, processes
from benchmarks.figures import client_of
from benchmarks.scale import data
from benchmarks.servers import running

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Served:
    """A running server and how many items its table ``scale`` has."""

    address: str
    pid: int
    items: int
    start_s: float

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    @property
    def client(self) -> Any:
        return client_of("dynamodb", self.address)

    def drive(self, requests: list[bytes], seconds: int, *, pause_ms: float = 0.0) -> Outcome:
        return drive(
            requests, self.address, pid=self.pid, connections=CONNECTIONS, seconds=seconds, cores=[], pause_ms=pause_ms
        )

    def private_mb(self) -> float:
        """Memory that is the process's own, pages of the map aside, in MB (10^6 bytes): the largest of its processes."""
        return max(map(_anonymous_mb, processes(self.pid)))


@contextmanager
def serving(directory: Path, port: int, items: int, *, workers: int = 1) -> Iterator[Served]:
    with running(directory, port=port, pin=False, workers=workers) as server:
        yield Served(server.address, server.pid, items, server.first_answer_s)


def load(directory: Path, items: int, table: str = data.TABLE) -> tuple[float, float]:
    """Fill the table by `tabletop import` from its standard input; (seconds, CPU seconds) that it took."""
    command = [sys.executable, "-m", "tabletop", "import", table, "-", "--data", str(directory)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for piece in data.lines(items):
            process.stdin.write(piece)
        spent_s = cpu_s(process.pid)
        process.stdin.close()
        said = process.stdout.read().decode()
        if process.wait() or f"{items:,} items are in" not in said:
            raise RuntimeError(f"the import failed: {said}")
    return time.perf_counter() - began, spent_s


def run_beside(served: Served, requests: list[bytes], seconds: int, work: Any) -> Outcome:
    """Drive the requests while ``work`` runs in a thread; it is waited for."""
    thread = threading.Thread(target=work)
    thread.start()
    outcome = served.drive(requests, seconds, pause_ms=5.0)
    thread.join()
    return outcome


def _anonymous_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024 / 1e6
