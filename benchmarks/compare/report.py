"""Results as a table in the terminal, as Markdown with plots in docs/benchmarks, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.compare.contenders import OURS, Contender, best_peer
from benchmarks.compare.load import Outcome
from benchmarks.compare.plots import bars


def table(contenders: list[Contender], workloads: list[str], connections: int) -> str:
    """Requests per second as Markdown, one row for each workload, with our ratio to the best peer."""
    names = [each.name for each in contenders]
    lines = [
        f"| {connections} connections, requests/s | " + " | ".join(names) + " | ratio to the best peer |",
        "|---|" + "---:|" * (len(names) + 1),
    ]
    for workload in workloads:
        cells = [_cell(each.outcomes.get((workload, connections))) for each in contenders]
        name, best = best_peer(contenders, workload, connections)
        ours = next((each.rate(workload, connections) for each in contenders if each.name == OURS), 0.0)
        ratio = f"{ours / best:.1f} ({name})" if best and ours else "-"
        lines.append(f"| {workload} | " + " | ".join(cells) + f" | {ratio} |")
    return "\n".join(lines)


def details(contender: Contender, workloads: list[str], connections: list[int]) -> str:
    """Latencies and CPU time of one contender."""
    lines = [
        f"| {contender.name} | connections | requests/s | p50 ms | p99 ms | p99.9 ms | CPU us/request |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for workload in workloads:
        for number in connections:
            outcome = contender.outcomes.get((workload, number))
            if isinstance(outcome, Outcome):
                lines.append(
                    f"| {workload} | {number} | {outcome.requests_per_s:,.0f} | {outcome.p50_ms:.2f} | "
                    f"{outcome.p99_ms:.2f} | {outcome.p999_ms:.2f} | {outcome.cpu_us:.0f} |"
                )
    return "\n".join(lines)


def _cell(outcome: Outcome | str | None) -> str:
    if outcome is None:
        return "-"
    if isinstance(outcome, str):
        return outcome
    return f"{outcome.requests_per_s:,.0f}" + (f" ({outcome.errors} errors)" if outcome.errors else "")


def write(
    folder: Path, machine: str, contenders: list[Contender], left_out: dict[str, str], extra: dict[str, Any]
) -> None:
    """docs/benchmarks: README.md, results.json and a plot for each number of connections."""
    folder.mkdir(parents=True, exist_ok=True)
    workloads = list(dict.fromkeys(workload for each in contenders for workload, _ in each.outcomes))
    connections = sorted({number for each in contenders for _, number in each.outcomes})
    parts = [_INTRODUCTION, f"Machine: {machine}.", _servers(contenders)]
    parts += [f"Left out: {name}: {reason}." for name, reason in left_out.items()]
    for number in connections:
        plot = folder / f"connections-{number}.svg"
        plot.write_text(bars(contenders, workloads, number))
        parts += [
            f"## {number} connections",
            f"![requests per second]({plot.name})",
            table(contenders, workloads, number),
        ]
    parts.append("## Tabletop's bounds, and what of them it reaches")
    parts += [f"- {name}: {value}" for name, value in extra.items()]
    parts.append("## Latency and cost")
    parts += [details(each, workloads, connections) for each in contenders]
    (folder / "README.md").write_text("\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n")
    results = {
        "machine": machine,
        "left_out": left_out,
        "extra": extra,
        "contenders": [
            {
                "name": each.name,
                "version": each.version,
                "start_s": each.start_s,
                "load_s": each.load_s,
                "peak_memory_mb": each.peak_memory_mb,
                "outcomes": [
                    {"workload": workload, "connections": number}
                    | (asdict(outcome) if isinstance(outcome, Outcome) else {"instead": outcome})
                    for (workload, number), outcome in each.outcomes.items()
                ],
            }
            for each in contenders
        ],
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")


_INTRODUCTION = """# Benchmarks

Written by `make bench`: every server that can be installed on the machine gets the same 10,000 items of 1 KB with one GSI, and
the same requests, signed, from wrk. Server and load generator have a core each. Peers keep their data in memory; Tabletop is
shown in memory (verifying each signature and evaluating the user's policy, which no peer does) and durable (fsync before
each answer). A cell with words is what a server answered where the right answer was not given. "ratio" is Tabletop in
memory against the best peer."""


def _servers(contenders: list[Contender]) -> str:
    lines = ["| Server | version | start, s | 10,000 items loaded, s | peak memory, MB |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {each.name} | {each.version or '-'} | {each.start_s:.2f} | {each.load_s:.1f} | {each.peak_memory_mb:.0f} |"
        for each in contenders
    ]
    return "\n".join(lines)
