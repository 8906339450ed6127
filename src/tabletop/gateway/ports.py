"""What the gateway needs of a service behind it."""

from __future__ import annotations

from typing import Any, Protocol

from tabletop.base.access import Facts
from tabletop.base.call import Call
from tabletop.storage.store import View


class Service(Protocol):
    """A service that takes and gives values in the form of botocore's model (DynamoDB has its own, shorter way)."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """Names of the models that it answers for: ("iam", "sts")."""
        ...

    async def handle(self, service: str, call: Call, action: str, params: dict[str, Any], /) -> dict[str, Any]:
        """The answer's members. Raises ApiError."""
        ...

    def targets(self, service: str, action: str, call: Call, params: dict[str, Any], /) -> list[tuple[str, str]]:
        """(action, resource ARN) pairs that the caller's policies must allow."""
        ...

    def facts(self, view: View, service: str, action: str, call: Call, params: dict[str, Any], /) -> Facts:
        """What policies may ask about those. Made for limited callers only; costs nothing until it is asked."""
        ...
