"""The policies that AWS manages (account ``aws``), as far as they are kept: ``aws_managed_table``, ``aws_managed_others``."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.iam.aws_managed_others import OTHERS
from tabletop.iam.aws_managed_table import IDS, POLICIES

_ARN = "arn:aws:iam::aws:policy"
_STARTED = 1_423_159_239.0  # 2015-02-05, when most of these were published


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """``unique_id`` is AWS's where it is known, else ours, made from the name so that it never changes."""

    name: str
    path: str
    statements: tuple[dict[str, Any], ...]
    description: str
    version: str = "v1"

    @property
    def arn(self) -> str:
        return f"{_ARN}{self.path}{self.name}"

    @property
    def document(self) -> str:
        return orjson.dumps({"Version": "2012-10-17", "Statement": list(self.statements)}).decode()

    @property
    def unique_id(self) -> str:
        if self.name in IDS:
            return IDS[self.name]
        digest = hashlib.sha256(self.name.encode()).digest()
        return "ANPA" + base64.b32encode(digest).decode()[:17]

    @property
    def created(self) -> float:
        return _STARTED


MANAGED: dict[str, ManagedPolicy] = {
    policy.arn: policy
    for policy in sorted((ManagedPolicy(*row) for row in (*POLICIES, *OTHERS)), key=lambda one: one.name)
}


def managed_document(policy_arn: str) -> str | None:
    policy = MANAGED.get(policy_arn)
    return None if policy is None else policy.document
