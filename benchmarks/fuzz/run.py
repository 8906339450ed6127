"""The verdict: inputs are fed to a target block by block, and what must not happen is a ``Finding``."""

from __future__ import annotations

import ctypes
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Protocol

BLOCK_INPUTS = 5_000
INPUT_S_MAX = 1.0
ALARM_S = 3.0
GROWTH_BYTES_MAX = 8 << 20
"""Of private memory, between the middle of a long run, when all caches are full, and its end."""
GROWTH_INPUTS_MIN = 200_000
FINDINGS_MAX = 10
SHRINKING_TRIES_MAX = 400

Input = tuple[Any, ...]
"""What a target judges; the last member is the text or the bytes that shrinking may shorten."""


class Target(Protocol):
    name: str

    def begin(self) -> None:
        """A fresh world."""

    def make(self, random: Random) -> Input: ...

    def judge(self, given: Input) -> str:
        """The kind of answer. Raises for anything that is none."""

    def end(self) -> None:
        """Prove the world whole, and let go of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    target: str
    seed: int
    block: int
    given: Input
    fault: str
    shrunk: bool
    """The input alone makes the fault, in a fresh world, and was shortened."""

    def text(self) -> str:
        again = "alone" if self.shrunk else "only behind the inputs before it"
        command = f"python -m benchmarks.fuzz {self.target} --seed {self.seed} --block {self.block}"
        return f"FINDING in {self.target}: {self.fault}\n  input, {again}: {self.given!r:.4000}\n  again: {command}"


@dataclass(slots=True)
class Report:
    target: str
    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    memory_bytes: list[int] = field(default_factory=list)
    """Private resident memory at the start, in the middle, at the end."""
    peak_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)


class _Overdue(BaseException):
    """Raised by the alarm in the middle of an input; no handler of errors catches it."""


def run(
    target: Target,
    *,
    inputs: int,
    seed: int,
    block: int | None = None,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Feed ``inputs`` inputs, or those of one block. The clock of the verdict is this process's processor time."""
    report = Report(target.name, memory_bytes=[private_bytes()])
    started = time.perf_counter()
    blocks = range((inputs + BLOCK_INPUTS - 1) // BLOCK_INPUTS) if block is None else range(block, block + 1)
    middle = blocks[len(blocks) // 2]
    for number in blocks:
        if number == middle:
            report.memory_bytes.append(private_bytes())
        count = min(BLOCK_INPUTS, inputs - report.inputs) if block is None else BLOCK_INPUTS
        _run_block(target, report, seed, number, count)
        report.seconds = time.perf_counter() - started
        report.peak_bytes = max(report.peak_bytes, private_bytes())
        if progress is not None:
            progress(report)
        if len(report.findings) >= FINDINGS_MAX:
            break
    report.memory_bytes.append(private_bytes())
    growth = report.memory_bytes[-1] - report.memory_bytes[1]
    if report.inputs >= GROWTH_INPUTS_MIN and growth > GROWTH_BYTES_MAX:
        fault = f"memory grew by {growth >> 10} KiB from the middle to the end"
        report.findings.append(Finding(target.name, seed, 0, (), fault, False))
    return report


def _run_block(target: Target, report: Report, seed: int, block: int, count: int) -> None:
    random = Random(f"{seed}/{target.name}/{block}")
    target.begin()
    faults = {_gist(finding.fault) for finding in report.findings}
    with _alarms():
        for _ in range(count):
            given = target.make(random)
            kind, fault, spent_s = _judged(target, given)
            report.inputs += 1
            report.slowest_s = max(report.slowest_s, spent_s)
            report.answers[kind] += 1
            if fault and _gist(fault) not in faults:
                report.findings.append(_shrunk(target, Finding(target.name, seed, block, given, fault, False)))
                return
    try:
        target.end()
    except Exception as error:
        report.findings.append(Finding(target.name, seed, block, ("the whole block",), _fault_of(error), False))


def _judged(target: Target, given: Input) -> tuple[str, str, float]:
    """(kind of answer, fault or "", seconds)."""
    _Alarm.judged += 1
    _Alarm.running = _Alarm.judged
    started = time.process_time()
    try:
        kind, fault = target.judge(given), ""
    except (Exception, _Overdue) as error:
        kind, fault = "fault", _fault_of(error)
    _Alarm.running = 0
    spent_s = time.process_time() - started
    if spent_s > INPUT_S_MAX and not fault:
        kind, fault = "slow", "an input took longer than a second"
    return kind, fault, spent_s


def _fault_of(error: BaseException) -> str:
    """The error's type and place, the same for the same fault; and its first words."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}: {str(error)[:3000]}"


def _gist(fault: str) -> str:
    """What the same fault begins with, whatever the input."""
    return fault.partition("\n\n")[0][:400]


def _shrunk(target: Target, finding: Finding) -> Finding:
    """The finding with the shortest input that still makes the same type of fault, alone in a fresh world."""
    wanted = _gist(finding.fault)
    best: list[Input] = [finding.given]

    def faulty(given: Input) -> bool:
        target.begin()
        return _gist(_judged(target, given)[1]) == wanted

    if not faulty(best[0]):
        return finding
    for _, shorter in zip(range(SHRINKING_TRIES_MAX), _shorter(lambda: best[0]), strict=False):
        if faulty(shorter):
            best[0] = shorter
    return Finding(finding.target, finding.seed, finding.block, best[0], finding.fault, True)


def _shorter(current: Callable[[], Input]) -> Iterator[Input]:
    """The current best without a piece of its text: large pieces first."""
    size = len(current()[-1]) // 2
    while size > 0:
        at = 0
        while at < len(current()[-1]):
            *first, text = current()
            yield (*first, text[:at] + text[at + size :])
            if current()[-1] is text:
                at += size
        size //= 2


class _Alarm:
    """Every few seconds, on the main thread: an input that two alarms in a row find running is ended."""

    running = 0
    """The number of the input that is being judged; 0 for none."""
    judged = 0
    seen = 0

    @classmethod
    def ring(cls, signal_number: int, frame: FrameType | None) -> None:
        if cls.running and cls.running == cls.seen:
            cls.running = 0
            raise _Overdue("an input was still running after seconds")
        cls.seen = cls.running


class _alarms:
    """Alarms ring inside. The timer that ran before, such as that of a test, runs on behind."""

    def __enter__(self) -> None:
        self._handler = signal.signal(signal.SIGALRM, _Alarm.ring)
        self._timer = signal.setitimer(signal.ITIMER_REAL, ALARM_S, ALARM_S)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        signal.setitimer(signal.ITIMER_REAL, *self._timer)


def private_bytes() -> int:
    """Resident memory that belongs to this process alone: without the store, whose file lies in shared memory.

    Pages that were freed and that the allocator keeps for the next are given back first: up to 13 MB of a run, which
    come and go, and would hide a leak of less.
    """
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    return 0
