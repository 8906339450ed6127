"""`python -m benchmarks [--seconds N] [--port N]`: measure, print a table, keep it as JSON below .bench/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import access_figures, figures, stream_figures
from benchmarks.load import wrk_path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each run of load (default 5)")
    parser.add_argument("--port", type=int, default=4599, help="port of the measured server (default 4599)")
    options = parser.parse_args()
    machine = f"{len(os.sched_getaffinity(0))} cores, {_processor()}, Python {platform.python_version()}"
    print(f"Machine: {machine}")
    print("One worker. Server and load generator share the machine; with two cores or more each has its own.\n")
    measured = []
    folder = Path(tempfile.mkdtemp(prefix="tabletop-bench-", dir=_scratch()))
    try:
        for figure in _all(folder, options.port, options.seconds):
            print(figure.line(), flush=True)
            measured.append(asdict(figure))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results = Path(".bench")
    results.mkdir(exist_ok=True)
    path = results / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    path.write_text(json.dumps({"machine": machine, "figures": measured}, indent=1))
    print(f"\nKept in {path}")
    return 0


def _all(folder: Path, port: int, seconds: int) -> Iterator[figures.Figure]:
    yield from figures.starting(folder, port)
    yield from access_figures.accessing()
    yield from figures.invoking(folder, port, seconds)
    yield from stream_figures.streaming(folder, port)
    if wrk_path() is None:
        print("wrk is not installed, so throughput is left out (Debian and Ubuntu: sudo apt install wrk)")
        return
    yield from figures.throughput(folder, port, seconds)


def _scratch() -> str:
    """Durable figures need a real disk, which the folder for temporary files may not be."""
    path = Path(".bench")
    path.mkdir(exist_ok=True)
    return str(path)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
