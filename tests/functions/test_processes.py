"""Processes that an earlier server left behind."""

from __future__ import annotations

import os
from pathlib import Path

from tabletop.functions import processes


def _start(home: Path) -> processes.subprocess.Popen[bytes]:
    with open(os.devnull, "wb") as output:
        return processes.start(("/bin/sleep", "60"), {}, home, output.fileno(), home)


# The note in a sandbox's folder is enough to end its process after the server itself was killed.
def test_leftovers_are_ended(tmp_path: Path) -> None:
    sleeper = _start(tmp_path)
    processes.kill_leftovers(tmp_path)
    assert sleeper.wait(5) == -9


# A process that merely has the same id by now is somebody else's, and is left alone.
def test_another_process_with_the_same_id_lives(tmp_path: Path) -> None:
    sleeper = _start(tmp_path)
    (tmp_path / "process").write_text(f"{sleeper.pid} 1")
    processes.kill_leftovers(tmp_path)
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait(5)


# The tree of a process is measured as a whole; what is gone counts nothing.
def test_usage() -> None:
    resident, members = processes.usage(os.getpid())
    assert resident > 1_000_000
    assert members >= 1
    assert processes.usage(2**22 + 1) == (0, 1)
