"""Load from wrk: signed-looking DynamoDB requests from a Lua script, on the cores that the server does not use.

The requests carry the well-known test key, whose signature is not verified: this measures the database and not the client.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
)
HEADERS = {
    "Authorization": AUTHORIZATION,
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python",
}

_SCRIPT = """
wrk.method = "POST"
%(headers)s
wrk.headers["X-Amz-Target"] = "DynamoDB_20120810.%(action)s"
local keys = %(keys)d
local filler = string.rep("x", %(filler)d)
math.randomseed(os.time())
request = function()
  local key = string.format("%%08d", math.random(0, keys - 1))
  return wrk.format(nil, "/", nil, %(body)s)
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of load. Latencies in milliseconds."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    errors: int


def wrk_path() -> str | None:
    return shutil.which("wrk")


def drive(
    address: str, action: str, body: str, *, connections: int, seconds: int, keys: int, filler_bytes: int
) -> Outcome:
    """Drive one action for a while. ``body`` is a Lua expression over ``key`` (8 digits) and ``filler``."""
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in HEADERS.items())
    script = _SCRIPT % {"headers": headers, "action": action, "body": body, "keys": keys, "filler": filler_bytes}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(path), address]
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1 and shutil.which("taskset"):
            command = ["taskset", "-c", ",".join(map(str, cores[1:])), *command]
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    match = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert match is not None, output
    requests, microseconds, p50, p99, p999, errors = map(int, match.groups())
    return Outcome(requests / (microseconds / 1e6), p50 / 1000, p99 / 1000, p999 / 1000, errors)
