"""WarmThroughput as descriptions show it: what a table or index takes at once."""

from __future__ import annotations

from typing import Any

ON_DEMAND_WARM_READ = 12_000
ON_DEMAND_WARM_WRITE = 4_000
"""What a new on-demand table sustains at once (developer guide, "Understanding DynamoDB warm throughput")."""


def warm_throughput(mode: str, warm: dict[str, int] | None, throughput: dict[str, Any], status: str) -> dict[str, Any]:
    """What was asked for, but no less than the table's billing mode gives by itself."""
    on_demand = mode == "PAY_PER_REQUEST"
    asked = warm or {}
    return {
        "ReadUnitsPerSecond": max(
            asked.get("ReadUnitsPerSecond", 0), ON_DEMAND_WARM_READ if on_demand else throughput["read"]
        ),
        "WriteUnitsPerSecond": max(
            asked.get("WriteUnitsPerSecond", 0), ON_DEMAND_WARM_WRITE if on_demand else throughput["write"]
        ),
        "Status": status,
    }
