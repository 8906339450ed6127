"""`python -m benchmarks.fuzz [--inputs N] [--seed S] [--block B] [TARGET...]`: status 1 where anything was found."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.fuzz.bodies import RequestBodies
from benchmarks.fuzz.expressions import Expressions
from benchmarks.fuzz.partiql import Partiql
from benchmarks.fuzz.raw_http import RawHttp
from benchmarks.fuzz.run import Report, Target, run

TARGETS: dict[str, type[Target]] = {
    "expressions": Expressions,
    "partiql": Partiql,
    "bodies": RequestBodies,
    "http": RawHttp,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each target (default 1,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="what all inputs follow from (default 1)")
    parser.add_argument("--block", type=int, help="make one block of 5,000 inputs again, that of a finding")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {unknown[0]} (there are {', '.join(TARGETS)})")
    reports = []
    for name in options.targets or TARGETS:
        report = run(
            TARGETS[name](), inputs=options.inputs, seed=options.seed, block=options.block, progress=_show_progress
        )
        _summarise(report, options.seed)
        reports.append(report)
    return 1 if any(report.findings for report in reports) else 0


def _show_progress(report: Report) -> None:
    per_s = report.inputs / report.seconds
    line = f"{report.target}: {report.inputs:,} inputs, {per_s:,.0f} a second, findings: {len(report.findings)}"
    print(f"\r{line} ", end="", file=sys.stderr, flush=True)


def _summarise(report: Report, seed: int) -> None:
    print(file=sys.stderr)
    memory = ", ".join(f"{size / (1 << 20):.1f}" for size in report.memory_bytes)
    print(f"{report.target}  {time.strftime('%Y-%m-%d')}  seed {seed}")
    print(f"  {report.inputs:,} inputs in {report.seconds:.0f} s; the slowest took {report.slowest_s * 1000:.0f} ms")
    print(f"  memory at start, middle, end: {memory} MiB; peak {report.peak_bytes / (1 << 20):.1f} MiB")
    for kind, count in report.answers.most_common():
        print(f"  {count:>11,}  {kind}")
    for finding in report.findings:
        print(finding.text())
    print(f"  findings: {len(report.findings)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
