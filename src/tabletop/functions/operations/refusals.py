"""Why an operation is not there: said to whoever asks for it."""

from __future__ import annotations

from tabletop.base.errors import ApiError

_REASONS = (
    ("CodeSigningConfig", "Code signing is not available in Tabletop: packages are not signed or checked."),
    ("CapacityProvider", "Capacity providers are not available in Tabletop: functions run on this machine."),
    ("ScalingConfig", "Capacity providers are not available in Tabletop: functions run on this machine."),
    ("Durable", "Durable functions are not available in Tabletop."),
)


def not_available(action: str) -> ApiError:
    reason = next((reason for part, reason in _REASONS if part in action), "")
    message = reason or f"Lambda's {action} is not available in Tabletop yet."
    return ApiError("UnknownOperationException", message, status=404)
