"""WarmThroughput as descriptions show it: what a table or index takes at once."""

from __future__ import annotations

from typing import Any

ON_DEMAND_WARM_READ = 12_000
ON_DEMAND_WARM_WRITE = 4_000
"""What a new on-demand table sustains at once (developer guide, "Understanding DynamoDB warm throughput")."""


def warm_throughput(mode: str, warm: dict[str, int] | None, throughput: dict[str, Any], status: str) -> dict[str, Any]:
    return {**warm_units(mode, warm, throughput), "Status": status}


def warm_units(mode: str, warm: dict[str, int] | None, throughput: dict[str, Any]) -> dict[str, int]:
    """What was asked for, but no less than the table's billing mode gives by itself."""
    on_demand = mode == "PAY_PER_REQUEST"
    least = {
        "ReadUnitsPerSecond": ON_DEMAND_WARM_READ if on_demand else throughput["read"],
        "WriteUnitsPerSecond": ON_DEMAND_WARM_WRITE if on_demand else throughput["write"],
    }
    return {member: max((warm or {}).get(member, 0), units) for member, units in least.items()}
