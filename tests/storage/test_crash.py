"""A process that writes is killed with SIGKILL at random moments: what it was told is stored is there, and whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tabletop.storage import checker
from tabletop.storage.engine import open_store
from tabletop.storage.store import read_counter

WRITER = """
import asyncio, sys
from pathlib import Path
from tabletop.storage.engine import open_store
from tabletop.storage.store import Batch

def plan(view, request, now):
    batch = Batch()
    batch.put(b"\\x10a%d" % request, b"x" * 500)
    batch.put(b"\\x10b%d" % request, b"y" * 500)
    batch.add(b"\\x10count", 1)
    return request, batch

async def main():
    store = open_store(Path(sys.argv[1]))
    base = int(sys.argv[2])
    for start in range(base, base + 100000, 16):
        for number in await asyncio.gather(*(store.commit(plan, n) for n in range(start, start + 16))):
            sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


# Each round kills the writer in mid-flight; the pairs it acknowledged are all there, no pair is half there, and the counter
# agrees with what is stored.
@pytest.mark.timeout(60)
def test_acknowledged_writes_survive_kill(tmp_path: Path) -> None:
    dice = random.Random(4)
    acknowledged: set[int] = set()
    for round_number in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(round_number * 1_000_000)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        wanted = dice.randint(50, 600)
        lines = [writer.stdout.readline() for _ in range(wanted)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.wait(timeout=10)
        writer.stdout.close()
        # The last line may have been cut by the kill.
        acknowledged.update(int(line) for line in lines if line.endswith("\n"))
        store = open_store(tmp_path)
        with store.view() as view:
            assert list(checker.problems(view)) == []
            first = {int(key[2:]) for key, _ in view.range(b"\x10a", b"\x10b")}
            second = {int(key[2:]) for key, _ in view.range(b"\x10b", b"\x10c")}
            assert acknowledged <= first
            assert first == second
            assert read_counter(view, b"\x10count", 1) == (len(first),)
        store.close()
