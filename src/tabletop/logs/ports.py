"""What log groups' subscribers must offer: the server hands it in."""

from __future__ import annotations

from typing import Protocol


class Subscribers(Protocol):
    """The functions that subscription filters name by their ARNs, for the account and region of the log group."""

    async def reachable(self, account: str, region: str, destination_arn: str, source_arn: str) -> bool:
        """Is there such a function, and does its policy let CloudWatch Logs invoke it for this log group?"""
        ...

    async def own_log_group(self, account: str, region: str, destination_arn: str) -> str | None:
        """The log group that the function itself writes to; None where there is no such function."""
        ...

    async def deliver(self, account: str, region: str, destination_arn: str, payload: bytes) -> bool:
        """Invoke asynchronously. True: the event is durable there. False: not now, try again later.

        Raises ApiError where trying again would not help.
        """
        ...
