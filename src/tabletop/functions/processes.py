"""Processes of sandboxes: starting, watching, measuring and ending a whole tree of them, by id and group only.

A sandbox's process leads its own session. Ending it ends the process group and every descendant that is still found in
the process table; a note of its id and start time on disk lets a later server end what a killed one left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_NOTE = "process"
_POLL_S = 0.02
_PIPE_BYTES = 65_536
_ELF_MACHINES = {"x86_64": 62, "aarch64": 183}


class Process:
    """A started process; ``exit_status`` is None while it runs, negative for the signal that ended it."""

    def __init__(self, popen: subprocess.Popen[bytes], on_exit: Callable[[int], None]) -> None:
        self._popen = popen
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._descriptor = -1
        self.pid = popen.pid
        self.exit_status: int | None = None
        try:
            self._descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._loop.call_later(_POLL_S, self._poll)
        else:
            self._loop.add_reader(self._descriptor, self._check)

    def _check(self) -> bool:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        # While the leader is not yet reaped nobody else can have its id: what it left in its group can be ended safely.
        _signal_group(self.pid)
        status = self._popen.wait()
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        self.exit_status = status
        self._on_exit(status)
        return True

    def _poll(self) -> None:
        if not self._check():
            self._loop.call_later(_POLL_S, self._poll)

    def kill(self) -> None:
        """End the process, its group and its descendants. They are gone soon, not at once: ``on_exit`` tells."""
        if self.exit_status is None:
            kill_tree(self.pid)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the kernel holds a process and each of its children to. 0: no bound."""

    data_bytes: int = 0
    """Private memory of one process."""
    file_bytes: int = 0


def start(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    output: int,
    home: Path,
    bounds: Bounds | None = None,
    given: bytes = b"",
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; blocking, some milliseconds. Raises OSError where it cannot run.

    ``given`` is what it reads from its standard input, less than a pipe holds (64 KB).
    """
    reading = _filled_pipe(given)
    try:
        popen = subprocess.Popen(
            _bounded(arguments, bounds) if bounds is not None else arguments,
            env=environment,
            cwd=folder,
            stdin=reading,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(reading)
    with contextlib.suppress(OSError):
        (home / _NOTE).write_text(f"{popen.pid} {_start_time(popen.pid)}")
    return popen


def _filled_pipe(content: bytes) -> int:
    assert len(content) < _PIPE_BYTES
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def _bounded(arguments: tuple[str, ...], bounds: Bounds) -> tuple[str, ...]:
    """The same, by way of a shell that sets the bounds before the program can start any child."""
    limits = ["ulimit -c 0"]
    if sys.platform == "linux":
        # When the whole machine runs out of memory, a function goes before anything else of its owner's.
        limits.append("echo 800 > /proc/self/oom_score_adj")
        if bounds.data_bytes:
            limits.append(f"ulimit -d {bounds.data_bytes // 1024}")
    if bounds.file_bytes:
        limits.append(f"ulimit -f {bounds.file_bytes // 512}")
    return ("/bin/sh", "-c", "{ " + "; ".join(limits) + '; } 2>/dev/null; exec "$@"', "sh", *arguments)


def check_entry(path: Path) -> None:
    """Raises the OSError that running this file would raise, where that can be told beforehand."""
    with path.open("rb") as file:
        head = file.read(20)
    if not os.access(path, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    foreign = head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != _ELF_MACHINES.get(
        platform.machine(), int.from_bytes(head[18:20], "little")
    )
    if foreign or not head.startswith((b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")):
        raise OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC), str(path))


def kill_leftovers(home: Path) -> None:
    """End the process that the note in this folder names, if it is still the very same one."""
    try:
        pid, started = (int(word) for word in (home / _NOTE).read_text().split())
    except (OSError, ValueError):
        return
    if started and _start_time(pid) == started:
        kill_tree(pid)


def kill_tree(pid: int) -> None:
    descendants = _tree(pid)
    _signal_group(pid)
    for member in descendants:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)


def usage(pid: int) -> tuple[int, int]:
    """(resident bytes, processes) of the tree below and with ``pid``; zeros where the system does not tell."""
    members = _tree(pid)
    return sum(map(_resident, members)), len(members)


def proportional(pid: int) -> int:
    """Resident bytes of the tree, with what its processes share counted once. Slower than ``usage``."""
    total = 0
    for member in _tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup", "rb") as file:
                rollup = file.read()
        except OSError:
            continue
        at = rollup.find(b"\nPss:")
        total += int(rollup[at + 5 : rollup.index(b"kB", at)]) * 1024 if at >= 0 else 0
    return total


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def running_of(pid: int, programs: tuple[str, ...]) -> set[str]:
    """Which of these programs, or scripts with an interpreter, run in the tree below and with ``pid``."""
    found: set[str] = set()
    for member in _tree(pid):
        try:
            with open(f"/proc/{member}/cmdline", "rb") as file:
                words = file.read(4096).decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        # The arguments of a program may name another one: only the first words say what it is itself.
        found.update(program for program in programs if program in words[:2])
    return found


def largest(pid: int) -> int:
    """The process with the most resident memory of the tree below and with ``pid``: not a wrapper, but what is wrapped."""
    return max(_tree(pid), key=_resident)


def peak_bytes(pid: int) -> int:
    """The most resident memory that this one process ever had; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            status = file.read()
    except OSError:
        return 0
    at = status.find(b"VmHWM:")
    return int(status[at + 6 : status.index(b"kB", at)]) * 1024 if at >= 0 else 0


def _tree(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/children", "rb") as file:
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            continue
        if len(found) > 65_536:
            break
    return found


def _signal_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _start_time(pid: int) -> int:
    """In clock ticks since boot: with the id it names one process for ever. 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0
