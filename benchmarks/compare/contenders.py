"""What a server did in the run."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.compare.load import Outcome

OURS = "Tabletop"


@dataclass(slots=True)
class Contender:
    """A server and what it did. ``outcomes``: (workload, connections) -> outcome, or what it answered instead."""

    name: str
    version: str = ""
    outcomes: dict[tuple[str, int], Outcome | str] = field(default_factory=dict)
    start_s: float = 0.0
    load_s: float = 0.0
    """Time to take the 10,000 items by BatchWriteItem, one client."""
    peak_memory_mb: float = 0.0

    def rate(self, workload: str, connections: int) -> float:
        outcome = self.outcomes.get((workload, connections))
        return outcome.requests_per_s if isinstance(outcome, Outcome) and not outcome.errors else 0.0


def best_peer(contenders: list[Contender], workload: str, connections: int) -> tuple[str, float]:
    peers = [each for each in contenders if not each.name.startswith(OURS)]
    rates = [(each.rate(workload, connections), each.name) for each in peers]
    rate, name = max(rates, default=(0.0, "nobody"))
    return name, rate
