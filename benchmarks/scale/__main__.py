"""`python -m benchmarks.scale [--items N]`: load a large table, measure, and print rows for docs/benchmarks/scale.md."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.__main__ import _processor, _scratch
from benchmarks.load import wrk_path
from benchmarks.scale import beside, data, figures, shapes
from benchmarks.scale.serving import Served, load, serving

SMALL_ITEMS = 10_000
PARTS = ("operations", "scan", "check", "beside", "shapes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--items", type=int, default=300_000, help="items of the large table (default 300,000)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each run of load (default 5)")
    parser.add_argument("--port", type=int, default=4590, help="first of two ports (default 4590)")
    parser.add_argument(
        "--loaded", type=Path, help="a data directory that has the large table already; its table is deleted"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default all)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of each server (default 1)")
    options = parser.parse_args()
    if wrk_path() is None:
        print("wrk is not installed (Debian and Ubuntu: sudo apt install wrk)")
        return 1
    print(f"{options.items:,} items against {SMALL_ITEMS:,}. {_processor()}, Python {platform.python_version()}\n")
    folder = Path(tempfile.mkdtemp(prefix="tabletop-scale-", dir=_scratch()))
    try:
        for line in _all(folder, options):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _all(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    large_data = options.loaded or folder / "large"
    port, seconds, items = options.port, options.seconds, options.items
    with serving(large_data, port, items) as made:
        _make(made, data.TABLE if options.loaded is None else "", "others")
    if options.loaded is None:
        took_s, cpu_s = load(large_data, items)
        yield f"Loaded at {items / took_s:,.0f} items/s, {cpu_s / items * 1e6:.0f} µs of CPU for each."
    load(large_data, SMALL_ITEMS, "others")
    size = (large_data / "store" / "data.mdb").stat().st_size
    yield f"The store takes {size / 1e9:.2f} GB, {size / items:,.0f} bytes for each item.\n"
    if "check" in options.parts:
        yield from _check(large_data)
    with serving(folder / "small", port + 1, SMALL_ITEMS, workers=options.workers) as small:
        _make(small, data.TABLE)
        load(folder / "small", SMALL_ITEMS)
        with serving(large_data, port, items, workers=options.workers) as large:
            if "operations" in options.parts:
                yield from figures.operations(small, large, seconds)
                yield ""
                yield from figures.memory(small, large)
                yield ""
            if "scan" in options.parts:
                yield from _scan(large)
            if "beside" in options.parts:
                yield from beside.beside(large, "others", SMALL_ITEMS, seconds)
                yield ""
    if "shapes" in options.parts:
        with serving(folder / "shapes", port, 0, workers=options.workers) as served:
            yield from shapes.shapes(served, seconds)
        with serving(folder / "shapes", port, 0) as again:
            yield f"\nWith these tables the server answers {again.start_s:.2f} s after its start."


def _make(served: Served, *tables: str) -> None:
    there = set(served.client.list_tables()["TableNames"])
    for table in filter(None, tables):
        if table not in there:
            served.client.create_table(**data.definition(table))


def _scan(served: Served) -> Iterator[str]:
    client, began, count, pages = served.client, time.perf_counter(), 0, 0
    for page in client.get_paginator("scan").paginate(TableName=data.TABLE, Select="COUNT"):
        count, pages = count + page["Count"], pages + 1
    took_s = time.perf_counter() - began
    yield f"Scan of everything, counting: {count:,} items in {pages:,} pages, {count / took_s:,.0f} items/s.\n"


def _check(directory: Path) -> Iterator[str]:
    import os
    import subprocess

    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "tabletop", "check", "--data", str(directory)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took_s = time.perf_counter() - began
    yield (
        f"`tabletop check` took {took_s:,.0f} s and ended with status {process.returncode}; "
        f"{used.ru_utime + used.ru_stime:,.0f} s of CPU.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
