"""The least policy that allows what was done: one statement for all actions that were done on the same resources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_VARYING = (
    (re.compile(r"(arn:aws:logs:.*:log-stream:).+"), r"\1*"),
    (re.compile(r"(arn:aws:dynamodb:.*/stream/).+"), r"\1*"),
)
"""Names that are made anew by each invocation or change: all of their kind are allowed."""


def least_policy(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """``pairs``: (action, resource ARN)."""
    resources: dict[str, set[str]] = {}
    for action, resource in pairs:
        resources.setdefault(action, set()).add(_steady(resource))
    actions: dict[tuple[str, ...], list[str]] = {}
    for action in sorted(resources):
        actions.setdefault(tuple(sorted(resources[action])), []).append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": listed, "Resource": list(on)}
            for on, listed in sorted(actions.items(), key=lambda entry: entry[1])
        ],
    }


def _steady(resource: str) -> str:
    for pattern, replacement in _VARYING:
        resource = pattern.sub(replacement, resource)
    return resource
