"""How a mapping's batches are made and retried: the settings of a mapping's record, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
"""Of one event: AWS's quota for synchronous invocations."""
STATE_BYTES_MAX = 1024 * 1024
"""Of a tumbling window's state; beyond it the window ends early."""
RETENTION_S = 24 * 3600
"""No record is delivered that is older than a stream keeps it, whatever the mapping says."""
RETRY_DELAY_S = 0.2
RETRY_DELAY_S_MAX = 60.0
"""AWS does not document its waits between retries of a batch. Ours double from the first to the second value."""
REFUSAL_DELAY_S = 0.25
REFUSAL_DELAY_S_MAX = 30.0
"""The same where the function was not reached at all: throttled, gone, its role refused."""
WINDOW_GRACE_S = 1.0
"""Creation times are whole seconds: for so long after its end a window's last records may still appear."""


@dataclass(frozen=True, slots=True)
class Rules:
    batch_items_max: int = 100
    batching_window_s: float = 0.0
    parallelization: int = 1
    bisect: bool = False
    retries_max: int = -1
    """-1: until the record is too old."""
    age_s_max: float = RETENTION_S
    report_failures: bool = False
    tumbling_window_s: int = 0
    """0: none."""


def rules_of(mapping: dict[str, Any]) -> Rules:
    age_s = mapping["age_s"]
    return Rules(
        batch_items_max=mapping["batch_size"],
        batching_window_s=mapping["window_s"],
        parallelization=mapping["parallelization"],
        bisect=mapping["bisect"],
        retries_max=mapping["retries"],
        age_s_max=RETENTION_S if age_s == -1 else min(age_s, RETENTION_S),
        report_failures="ReportBatchItemFailures" in mapping["response_types"],
        tumbling_window_s=mapping["tumbling_s"],
    )


def delay_s(tries: int, first_s: float, longest_s: float) -> float:
    """The wait after the ``tries``-th failure, from 1."""
    return min(first_s * 2.0 ** min(tries - 1, 30), longest_s)
