"""The Limit parameter of the Streams API: its upper bound is documented, but not in the service model."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError


def check_limit(body: dict[str, Any], limit_max: int) -> int:
    """The request's Limit, or the most there can be. Raises ValidationException above that."""
    limit: int = body.get("Limit", limit_max)
    if limit > limit_max:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {limit_max}",
        )
    return limit
