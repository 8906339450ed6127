"""Starts the server that is measured, on the first core, and ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    pid: int
    first_answer_s: float
    """From the start of the process to its first answer to a request."""


@contextmanager
def running(directory: Path | None, *, port: int, pin: bool = True, workers: int = 1) -> Iterator[Server]:
    """A server with its data in ``directory`` (durable), or in memory. Ended when the block is left."""
    command = [sys.executable, "-m", "tabletop", "start", "--port", str(port), "--workers", str(workers)]
    command += ["--in-memory"] if directory is None else ["--data", str(directory)]
    cores = sorted(os.sched_getaffinity(0))
    if pin and len(cores) > 1 and shutil.which("taskset"):
        command = ["taskset", "-c", str(cores[0]), *command]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        yield Server(address, process.pid, _wait_for_answer(address, process, began))
    finally:
        process.terminate()
        process.wait(timeout=30)


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmRSS in /proc/PID/status")


def _wait_for_answer(address: str, process: subprocess.Popen[bytes], began: float) -> float:
    while time.perf_counter() - began < 30 and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                answer.read()
            return time.perf_counter() - began
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.002)
    raise RuntimeError("the server did not start")
