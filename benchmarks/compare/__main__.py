"""`python -m benchmarks.compare`: every peer that can be installed, the same load, one table (docs/benchmarks)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.compare import peers, report
from benchmarks.compare.contenders import OURS, Contender
from benchmarks.compare.load import Outcome, drive
from benchmarks.compare.measure import (
    Plan,
    Progress,
    load_items,
    measure_peer,
    measure_tabletop,
    server,
    wait_for_answer,
)
from benchmarks.compare.signing import Signer
from benchmarks.compare.workloads import WORKLOADS, requests

TEST_KEY_NAME = f"{OURS}, test key"
TWO_WORKERS_NAME = f"{OURS}, test key, 2 workers beside the load on 2 cores"
DURABLE_NAME = f"{OURS}, durable"


def main() -> int:
    options = _options()
    if shutil.which("wrk") is None:
        print("wrk is not installed, and it is the load generator (Debian and Ubuntu: sudo apt install wrk)")
        return 1
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) > 1 and shutil.which("taskset") is not None
    plan = Plan(
        workloads=[name for name in WORKLOADS if not options.only or any(each in name for each in options.only)],
        connections=options.connections,
        seconds=options.seconds,
        port=options.port,
        server_cores=cores[:1] if apart else [],
        load_cores=cores[1:] if apart else [],
    )
    machine = f"{len(cores)} cores, {_processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    print(f"Machine: {machine}. The server has one core, the load generator the rest.")
    progress = Progress()
    bench = Path(".bench").resolve()
    bench.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=bench))
    contenders: list[Contender] = []
    left_out: dict[str, str] = {}
    try:
        contenders.append(measure_tabletop(OURS, None, plan, progress, verified=True))
        contenders.append(measure_tabletop(DURABLE_NAME, scratch / "data", plan, progress, verified=True))
        contenders.append(measure_tabletop(TEST_KEY_NAME, None, plan, progress, verified=False))
        if len(cores) > 1:
            everywhere = replace(plan, server_cores=cores, load_cores=cores, connections=plan.connections[-1:])
            contenders.append(measure_tabletop(TWO_WORKERS_NAME, None, everywhere, progress, verified=False, workers=2))
        for peer in peers.PEERS:
            if options.peers and peer.name not in options.peers:
                continue
            try:
                contenders.append(measure_peer(peer, bench / "peers", plan, progress))
            except Exception as error:  # one peer's trouble must not cost the run
                left_out[peer.name] = str(error) or type(error).__name__
                progress.end(f"{peer.name}: left out: {left_out[peer.name]}")
        extra = _bounds(scratch, plan, contenders, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report.write(options.output, machine, contenders, left_out, extra)
    for connections in plan.connections:
        print("\n" + report.table(contenders, plan.workloads, connections))
    print("\n" + "\n".join(f"{name}: {value}" for name, value in extra.items()))
    print(f"\nKept in {options.output}")
    return 0


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of each run of load (default 3)")
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 16, 64], help="(default 1 16 64)")
    parser.add_argument("--port", type=int, default=4598, help="port of the measured server (default 4598)")
    parser.add_argument("--only", nargs="*", default=[], help="workloads whose names contain one of these")
    parser.add_argument(
        "--peers", nargs="*", default=[], help="these peers only: " + ", ".join(p.name for p in peers.PEERS)
    )
    parser.add_argument(
        "--output", type=Path, default=Path(".bench/compare"), help="folder for the report (default .bench/compare)"
    )
    return parser.parse_args()


def _bounds(scratch: Path, plan: Plan, contenders: list[Contender], progress: Progress) -> dict[str, str]:
    """How much of what the HTTP stack and the store could do is reached."""
    progress.say("the two bounds")
    constant = [sys.executable, "-m", "benchmarks.compare.limits", "constant", str(plan.port)]
    with server(constant, plan) as process:
        wait_for_answer(f"http://127.0.0.1:{plan.port}", process)
        signed = Signer(f"127.0.0.1:{plan.port}", "test", "test").sign_all(requests("GetItem"))
        bound = drive(
            signed,
            f"http://127.0.0.1:{plan.port}",
            pid=process.pid,
            connections=64,
            seconds=plan.seconds,
            cores=plan.load_cores,
        )
    command = [sys.executable, "-m", "benchmarks.compare.limits", "store", str(plan.seconds)]
    if plan.server_cores:
        command = ["taskset", "-c", ",".join(map(str, plan.server_cores)), *command]
    environment = {**os.environ, "TABLETOP_BENCH_FOLDER": str(scratch)}
    store = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout)
    by_name = {each.name: each for each in contenders}
    test_key = by_name[TEST_KEY_NAME].rate("GetItem", 64)
    verified = by_name[OURS].rate("GetItem", 64)
    durable = by_name[DURABLE_NAME].rate("PutItem", 64)
    extra = {
        "the same HTTP stack with a constant answer": f"{bound.requests_per_s:,.0f}/s, {bound.cpu_us:.1f} us of CPU",
        "the bare store, durable puts of item, entry and counters, 64 waiting": f"{store['puts_per_s']:,.0f}/s",
        "the bare store, gets": f"{store['gets_per_s']:,.0f}/s",
        "GetItem with the test key, share of the constant answer": f"{test_key / bound.requests_per_s:.0%}",
        "GetItem with verified signature and policy, share of the constant answer": f"{verified / bound.requests_per_s:.0%}",
        "durable PutItem, share of the bare store": f"{durable / store['puts_per_s']:.0%}",
    }
    put = _durable_put(scratch / "test-key", plan, progress)
    extra["durable PutItem with the test key, share of the bare store"] = (
        f"{put.requests_per_s / store['puts_per_s']:.0%} ({put.requests_per_s:,.0f}/s, {put.cpu_us:.0f} us of CPU)"
    )
    costs = by_name[TEST_KEY_NAME].outcomes.get(("GetItem", 64))
    if isinstance(costs, Outcome):
        extra["CPU of GetItem with the test key"] = f"{costs.cpu_us:.1f} us"
    extra |= _half_load(plan, by_name[TEST_KEY_NAME], progress)
    two = by_name.get(TWO_WORKERS_NAME)
    if two is not None:
        for workload in ("GetItem", "PutItem"):
            outcomes = [each.outcomes.get((workload, plan.connections[-1])) for each in (by_name[TEST_KEY_NAME], two)]
            costs = [f"{each.cpu_us:.0f} us" for each in outcomes if isinstance(each, Outcome)]
            extra[f"CPU of {workload} with one worker, and with two"] = ", ".join(costs)
    progress.end("bounds: done")
    return extra


def _durable_put(directory: Path, plan: Plan, progress: Progress) -> Outcome:
    """What the store is given beside the verification of signatures, which is no part of storing."""
    progress.say("durable PutItem with the test key")
    address = f"http://127.0.0.1:{plan.port}"
    command = [sys.executable, "-m", "tabletop", "start", "--port", str(plan.port), "--data", str(directory)]
    with server(command, plan) as process:
        wait_for_answer(address, process)
        load_items(address)
        signed = Signer(f"127.0.0.1:{plan.port}", "test", "test").sign_all(requests("PutItem"))
        return drive(signed, address, pid=process.pid, connections=64, seconds=plan.seconds, cores=plan.load_cores)


def _half_load(plan: Plan, full: Contender, progress: Progress) -> dict[str, str]:
    """The tail of latency where the server is half busy, which is how servers should be run."""
    found: dict[str, str] = {}
    command = [sys.executable, "-m", "tabletop", "start", "--in-memory", "--port", str(plan.port)]
    connections = 64
    with server(command, plan) as process:
        address = f"http://127.0.0.1:{plan.port}"
        wait_for_answer(address, process)
        load_items(address)
        for workload in ("GetItem", "PutItem"):
            rate = full.rate(workload, connections)
            if not rate:
                continue
            progress.say(f"half load: {workload}")
            signed = Signer(f"127.0.0.1:{plan.port}", "test", "test").sign_all(requests(workload))
            outcome = drive(
                signed,
                address,
                pid=process.pid,
                connections=connections,
                seconds=plan.seconds,
                cores=plan.load_cores,
                pause_ms=connections / (rate / 2) * 1000,
            )
            found[f"{workload} at half load"] = (
                f"{outcome.requests_per_s:,.0f}/s, p50 {outcome.p50_ms:.2f} ms, p99 {outcome.p99_ms:.2f} ms "
                f"({outcome.p99_ms / outcome.p50_ms:.1f} times)"
            )
    return found


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
