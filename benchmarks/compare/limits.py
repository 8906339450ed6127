"""The two bounds of what Tabletop can reach: its HTTP stack with a constant answer, and its store without a database above.

python -m benchmarks.compare.limits constant PORT     serves until it is told to end
python -m benchmarks.compare.limits store SECONDS     prints {"puts_per_s": ..., "gets_per_s": ...}
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.compare import workloads

CLIENTS = 64


def serve_constant(port: int) -> None:
    """What GetItem answers, without looking at the request."""
    from tabletop.server.listener import listen
    from tabletop.server.main import run_loop, settle_memory
    from tabletop.wire.http import HttpRequest, HttpResponse

    body = json.dumps({"Item": workloads.item(1)}, separators=(",", ":")).encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("x-amzn-RequestId", "A" * 52),
        ("x-amz-crc32", "1234567890"),
    ]

    def answer(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, headers, body)

    async def serve() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        async with await listen(answer, "127.0.0.1", port):
            settle_memory()
            await stopping.wait()

    run_loop(serve())


def bare_store(folder: Path, seconds: float) -> dict[str, float]:
    """Puts of an item, its index entry and the counters, 64 waiting at any time, durable; and gets, one by one."""
    from tabletop.server.main import run_loop
    from tabletop.storage.engine import open_store
    from tabletop.storage.store import Batch

    value = json.dumps(workloads.item(1), separators=(",", ":")).encode()
    result: dict[str, float] = {}

    def plan(view: Any, number: int, now: float) -> tuple[None, Batch]:
        batch = Batch()
        digest = (number * 0x9E3779B97F4A7C15 % (1 << 128)).to_bytes(16, "big")
        view.get(b"i" + digest)
        batch.put(b"i" + digest, value)
        batch.put(b"e" + digest[::-1] + digest, value)
        batch.add(b"c", 1, len(value))
        return None, batch

    async def measure() -> None:
        store = open_store(folder)
        done = 0
        began = time.perf_counter()

        async def client(first: int) -> None:
            nonlocal done
            number = first
            while time.perf_counter() - began < seconds:
                await store.commit(plan, number % workloads.ITEMS)
                done += 1
                number += CLIENTS

        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        result["puts_per_s"] = done / (time.perf_counter() - began)
        gets, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for _ in range(1000):
                digest = (gets % workloads.ITEMS * 0x9E3779B97F4A7C15 % (1 << 128)).to_bytes(16, "big")
                with store.view() as view:
                    view.get(b"i" + digest)
                gets += 1
        result["gets_per_s"] = gets / (time.perf_counter() - began)
        store.close()

    run_loop(measure())
    return result


if __name__ == "__main__":
    what, argument = sys.argv[1:3]
    if what == "constant":
        serve_constant(int(argument))
    else:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TABLETOP_BENCH_FOLDER")) as scratch:
            print(json.dumps(bare_store(Path(scratch), float(argument))))
