"""Operations over the large table against the same over the small one, in two servers side by side."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.compare.load import Outcome
from benchmarks.scale import data
from benchmarks.scale.serving import Served

ROUNDS = 2
"""Small and large by turns, so that what else the machine does meets both; the better round of each counts."""


def operations(small: Served, large: Served, seconds: int) -> Iterator[str]:
    """Rows of a table."""
    yield "| Operation | CPU µs, small | CPU µs, large | ratio | p50 ms, small | p50 ms, large | ratio |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name in data.BODIES:
        best: dict[int, Outcome] = {}
        for _ in range(ROUNDS):
            for served in (small, large):
                outcome = served.drive(data.requests(name, served.items, served.host), seconds)
                if outcome.errors:
                    raise RuntimeError(f"{name}: {outcome.errors} errors")
                known = best.get(served.items)
                if known is None or outcome.cpu_us < known.cpu_us:
                    best[served.items] = outcome
        few, many = best[small.items], best[large.items]
        yield (
            f"| {name} | {few.cpu_us:,.0f} | {many.cpu_us:,.0f} | {many.cpu_us / few.cpu_us:.2f} "
            f"| {few.p50_ms:.2f} | {many.p50_ms:.2f} | {many.p50_ms / few.p50_ms:.2f} |"
        )


def memory(small: Served, large: Served) -> Iterator[str]:
    yield "| | small | large |"
    yield "|---|---:|---:|"
    yield f"| start to first answer, s | {small.start_s:.2f} | {large.start_s:.2f} |"
    yield f"| memory of the process, map aside, MB | {small.private_mb():.0f} | {large.private_mb():.0f} |"
