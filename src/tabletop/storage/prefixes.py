"""The first byte of every key: which package owns what lies below it. One place, so that none can collide."""

from __future__ import annotations

META = b"\x01"
"""The store's own records (secrets, counters that number things)."""
DYNAMODB = b"\x10"
"""Followed by one of the kinds in ``tabletop.dynamodb.keys``."""
IAM = b"\x20"
FUNCTIONS = b"\x30"
LOGS = b"\x40"
METRICS = b"\x50"
