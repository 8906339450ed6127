"""wrk with requests made beforehand, and what the server's processes cost meanwhile."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local requests, at = {}, 0
local pause_ms = %(pause_ms)f
function init(args)
  local file = io.open("%(path)s", "rb")
  while true do
    local head = file:read(4)
    if not head then break end
    local a, b, c, d = head:byte(1, 4)
    requests[#requests + 1] = file:read(((a * 256 + b) * 256 + c) * 256 + d)
  end
  file:close()
end
function request()
  at = at %% #requests + 1
  return requests[at]
end
%(delay)s
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), latency:percentile(99.9), e.status + e.connect + e.read + e.write + e.timeout))
end
"""
_DELAY = """
function delay()
  return pause_ms * 2 * math.random()
end
"""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. Latencies in milliseconds; ``cpu_us`` is the server's CPU time for each request, all its processes together."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    errors: int
    cpu_us: float


def drive(
    requests: list[bytes],
    address: str,
    *,
    pid: int,
    connections: int,
    seconds: int,
    cores: list[int],
    pause_ms: float = 0.0,
) -> Outcome:
    """``connections`` clients, each sending its next request when its last one is answered, after ``pause_ms`` on average."""
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "requests", Path(folder) / "load.lua"
        data.write_bytes(b"".join(struct.pack(">I", len(each)) + each for each in requests))
        delay = _DELAY if pause_ms else ""
        script.write_text(_SCRIPT % {"path": data, "pause_ms": pause_ms, "delay": delay})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), address]
        if cores:
            command = ["taskset", "-c", ",".join(map(str, cores)), *command]
        before_s = cpu_s(pid)
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 120).stdout
        spent_s = cpu_s(pid) - before_s
    match = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert match is not None, output
    answered, microseconds, p50, p99, p999, errors = map(int, match.groups())
    return Outcome(
        requests_per_s=answered / (microseconds / 1e6),
        p50_ms=p50 / 1000,
        p99_ms=p99 / 1000,
        p999_ms=p999 / 1000,
        errors=errors,
        cpu_us=spent_s / max(answered, 1) * 1e6,
    )


def processes(pid: int) -> list[int]:
    """The process and all that it has started."""
    found = [pid]
    for parent in found:
        try:
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found.extend(map(int, (thread / "children").read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU that the process, its children and those of them that have ended used."""
    total = 0
    for each in processes(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


def peak_memory_mb(pid: int) -> float:
    """The largest resident memory of each of its processes, added up, in MB (10^6 bytes)."""
    total = 0
    for each in processes(pid):
        try:
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return total * 1024 / 1e6
