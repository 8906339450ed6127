"""What the functions service needs from its neighbours: the server hands these in."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from tabletop.base.access import NO_FACTS, Facts, Target
from tabletop.wire.http import Handler, Sinks


class RoleCredentials(Protocol):
    """Temporary credentials of a role; ``expiration`` in seconds since the epoch."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...
    @property
    def expiration(self) -> float: ...


class Roles(Protocol):
    def check_lambda_role(self, role_arn: str) -> None:
        """Raises ApiError, in CreateFunction's words, unless the role exists and the Lambda service may assume it."""
        ...

    async def role_credentials(self, role_arn: str, session_name: str, duration_s: int) -> RoleCredentials:
        """Raises ApiError when there is no such role or the Lambda service may not assume it."""
        ...

    def authorize_role(self, role_arn: str, region: str, targets: Sequence[Target], facts: Facts = NO_FACTS) -> None:
        """Raises ApiError unless Lambda may assume the role, and the role may do every (action, resource ARN)."""
        ...

    def check_resource_policy(self, document: str) -> None:
        """Raises ApiError for what is no policy of a resource."""
        ...


class Logs(Protocol):
    async def append(self, account: str, region: str, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        """Append (milliseconds since the epoch, message) in order; makes group and stream where they are missing."""
        ...


class Listener(Protocol):
    @property
    def port(self) -> int: ...
    def close(self) -> object:
        """Stop accepting and close what is open. May answer something to await."""
        ...


class Listen(Protocol):
    def __call__(self, handler: Handler, host: str, port: int, /, *, sinks: Sinks | None = None) -> Awaitable[Listener]:
        """Serve HTTP there; port 0 takes a free one."""
        ...
