"""A table's stream as its record keeps it: {"enabled", "view", "label"}; the label is the time of its making."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def new_stream(specification: dict[str, Any] | None, now: float) -> dict[str, Any] | None:
    """The record's form of an enabled StreamSpecification; None where no stream is asked for."""
    if specification is None or not specification["StreamEnabled"]:
        return None
    label = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "")
    return {"enabled": True, "view": specification["StreamViewType"], "label": label}
