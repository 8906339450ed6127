"""The functions that CloudWatch Logs' subscription filters call: ``logs.ports.Subscribers`` over the Lambda service."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call, Principal
from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.randomness import new_uuid
from tabletop.functions import Functions
from tabletop.iam.service_principals import service_may

_NOT_NOW = frozenset({"TooManyRequestsException", "ServiceException", "InternalServerError"})


class FunctionSubscribers:
    def __init__(self, functions: Functions, clock: Clock) -> None:
        self._functions = functions
        self._clock = clock

    async def reachable(self, account: str, region: str, destination_arn: str, source_arn: str) -> bool:
        try:
            policy = await self._ask(account, region, "GetPolicy", FunctionName=destination_arn)
        except ApiError:
            return False
        return service_may(
            ("logs.amazonaws.com", f"logs.{region}.amazonaws.com"),
            "lambda:InvokeFunction",
            destination_arn,
            policy["Policy"],
            account=account,
            source_arn=source_arn,
        )

    async def own_log_group(self, account: str, region: str, destination_arn: str) -> str | None:
        try:
            function = await self._ask(account, region, "GetFunctionConfiguration", FunctionName=destination_arn)
        except ApiError:
            return None
        group: str = function["LoggingConfig"]["LogGroup"]
        return group

    async def deliver(self, account: str, region: str, destination_arn: str, payload: bytes) -> bool:
        try:
            await self._ask(
                account, region, "Invoke", FunctionName=destination_arn, InvocationType="Event", Payload=payload
            )
        except ApiError as error:
            if error.code in _NOT_NOW:
                return False
            raise
        return True

    async def _ask(self, account: str, region: str, action: str, **params: Any) -> dict[str, Any]:
        principal = Principal("root", account, f"arn:aws:iam::{account}:root", account)
        call = Call(new_uuid(), account, region, principal, self._clock())
        return await self._functions.handle("lambda", call, action, params)
