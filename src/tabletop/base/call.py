"""The context of one request: who asks, for which account and region, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ROOT_ACCOUNT = "000000000000"
"""The account of the well-known test keys, as the tutorial's ARNs have it."""

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. ``arn`` is what GetCallerIdentity answers; ``unique_id`` its UserId (AIDA..., AROA...:session)."""

    kind: Literal["root", "user", "assumed-role", "federated-user"]
    account: str
    arn: str
    unique_id: str
    name: str = ""
    """User or role name, of a federated user that of its user; empty for the root."""
    session_name: str = ""

    @property
    def unrestricted(self) -> bool:
        """True for the account's root, whose calls no identity policy limits."""
        return self.kind == "root"


@dataclass(slots=True)
class Call:
    """One request's context, made by the gateway and handed to the operation.

    ``account`` is the one whose resources are meant: the principal's own, unless the request names tables of another.
    ``now`` is seconds since the epoch as the clock had it when the request was admitted.
    """

    request_id: str
    account: str
    region: str
    principal: Principal
    now: float
    access_key_id: str = ""
    source_ip: str = "127.0.0.1"
    user_agent: str = ""
    secure_transport: bool = False
    host: str = "localhost:4566"
    """The Host header as the client sent it: what DescribeEndpoints gives back."""
    tags: dict[str, str] = field(default_factory=dict)
