"""The condition keys of a request: AWS's global ones, worked out only when a policy asks for them.

A service adds its own (``dynamodb:leadingkeys``), and those about the resource and the request (``aws:resourcetag/...``), as
``access.Facts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tabletop.base.access import ConditionValue, Facts
from tabletop.base.call import Call


@dataclass(frozen=True, slots=True)
class Caller:
    """What the stored records say about the caller, beyond its Principal. ``role_arn`` only for a role's session."""

    tags: Mapping[str, str] = field(default_factory=dict)
    role_arn: str = ""
    source_identity: str = ""
    issued_at: float | None = None
    mfa_at: float | None = None


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _principal_arn(call: Call, caller: Caller) -> str:
    # For a session aws:PrincipalArn is the role's ARN, not the session's.
    return caller.role_arn or call.principal.arn


def _kind(call: Call, _: Caller) -> str:
    return {"root": "Account", "user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}[
        call.principal.kind
    ]


def _user_name(call: Call, _: Caller) -> str | None:
    return call.principal.name if call.principal.kind == "user" else None


def _mfa_present(_: Call, caller: Caller) -> str | None:
    # Of long-term keys the key does not exist.
    if caller.mfa_at is not None:
        return "true"
    return None if caller.issued_at is None else "false"


_GLOBAL: dict[str, Callable[[Call, Caller], str | None]] = {
    "aws:principalarn": _principal_arn,
    "aws:principalaccount": lambda call, _: call.principal.account,
    "aws:principaltype": _kind,
    "aws:userid": lambda call, _: call.principal.unique_id,
    "aws:username": _user_name,
    "aws:sourceip": lambda call, _: call.source_ip,
    "aws:useragent": lambda call, _: call.user_agent or None,
    "aws:securetransport": lambda call, _: "true" if call.secure_transport else "false",
    "aws:currenttime": lambda call, _: _date(call.now),
    "aws:epochtime": lambda call, _: str(int(call.now)),
    "aws:requestedregion": lambda call, _: call.region,
    "aws:resourceaccount": lambda call, _: call.account,
    "aws:sourceidentity": lambda _, caller: caller.source_identity or None,
    "aws:principalisawsservice": lambda _, __: "false",
    "aws:viaawsservice": lambda _, __: "false",
    "aws:multifactorauthpresent": _mfa_present,
    "aws:multifactorauthage": lambda call, caller: (
        None if caller.mfa_at is None else str(int(call.now - caller.mfa_at))
    ),
    "aws:tokenissuetime": lambda _, caller: None if caller.issued_at is None else _date(caller.issued_at),
}
_PRINCIPAL_TAG = "aws:principaltag/"


class RequestContext(Mapping[str, ConditionValue]):
    """The keys of one request's target ``number``. Look-ups only: iterating gives the global keys that have a value."""

    __slots__ = ("_call", "_caller", "_facts", "number")

    def __init__(self, call: Call, caller: Caller, facts: Facts, number: int = 0) -> None:
        self._call = call
        self._caller = caller
        self._facts = facts
        self.number = number

    def __getitem__(self, key: str) -> ConditionValue:
        value: ConditionValue | None = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        look_up = _GLOBAL.get(key)
        value: ConditionValue | None
        if look_up is not None:
            value = look_up(self._call, self._caller)
            if value is None:
                value = self._facts.value(self.number, key)
        elif key.startswith(_PRINCIPAL_TAG):
            value = self._principal_tag(key[len(_PRINCIPAL_TAG) :])
        else:
            value = self._facts.value(self.number, key)
        return default if value is None else value

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in _GLOBAL if self.get(key) is not None)
        yield from (_PRINCIPAL_TAG + name.lower() for name in self._caller.tags)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _principal_tag(self, name: str) -> str | None:
        return next((value for tag, value in self._caller.tags.items() if tag.lower() == name), None)
