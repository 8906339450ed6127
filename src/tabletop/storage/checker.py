"""Proves a store whole, as far as bytes go: keys in order, each owned by someone, values readable to the last byte.

What the values mean is proved by the packages that own them (``tabletop.dynamodb.checker``).
"""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.storage import prefixes
from tabletop.storage.engine import KEY_BYTES_MAX
from tabletop.storage.store import View

OWNERS = {
    prefixes.META: "the store",
    prefixes.DYNAMODB: "DynamoDB",
    prefixes.IAM: "IAM",
    prefixes.FUNCTIONS: "Lambda",
    prefixes.LOGS: "CloudWatch Logs",
    prefixes.METRICS: "metrics",
}


def problems(view: View) -> Iterator[str]:
    """One line for each thing that is wrong; nothing for a whole store. Reads all of it once."""
    last = b""
    for key, value in view.range(b"\0", b"\xff" * KEY_BYTES_MAX):
        if key <= last:
            yield f"keys out of order: {last.hex()} is followed by {key.hex()}"
        if key[:1] not in OWNERS:
            yield f"key {key.hex()} belongs to nobody ({len(value)} bytes)"
        last = key
