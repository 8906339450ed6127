"""A whole Functions service for tests: the real store (in memory), the real HTTP server for the Runtime API, and small
stand-ins for roles and logs that only remember.
"""

from __future__ import annotations

import asyncio
import io
import textwrap
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tabletop.base import clock, randomness
from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError
from tabletop.functions import Functions
from tabletop.storage.engine import LmdbStore

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
ENDPOINT = "http://127.0.0.1:1"


@dataclass
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: float


class RememberedRoles:
    def __init__(self) -> None:
        self.refused = False
        self.forbidden: set[str] = set()
        self.issued = 0
        self.life_s: float | None = None

    def check_lambda_role(self, role_arn: str) -> None:
        if self.refused or not role_arn.endswith("role/worker"):
            raise ApiError(
                "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
            )

    def authorize_role(self, role_arn: str, region: str, targets: Sequence[tuple[str, str]]) -> None:
        for action, resource in targets:
            if action in self.forbidden:
                raise ApiError("AccessDeniedException", f"not authorized to perform: {action} on {resource}")

    def check_resource_policy(self, document: str) -> None:
        if "Statement" not in document:
            raise ApiError("ValidationException", "Invalid policy document")

    async def role_credentials(self, role_arn: str, session_name: str, duration_s: int) -> Credentials:
        self.check_lambda_role(role_arn)
        self.issued += 1
        life = duration_s if self.life_s is None else self.life_s
        return Credentials(f"ASIA{self.issued:016d}", "secret", f"token-{session_name}", clock.system_clock() + life)


class RememberedLogs:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, int, str]] = []

    async def append(self, account: str, region: str, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        await asyncio.sleep(0)
        self.events.extend((group, stream, *event) for event in events)

    @property
    def messages(self) -> list[str]:
        return [message for *_, message in self.events]

    @property
    def text(self) -> str:
        return "".join(self.messages)


def zip_of(files: dict[str, str | bytes]) -> bytes:
    """A package with these files, readable and executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o100755 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(member, textwrap.dedent(content) if isinstance(content, str) else content)
    return buffer.getvalue()


@dataclass
class Desk:
    """What a test has before it: the service and its neighbours."""

    service: Functions
    store: LmdbStore
    logs: RememberedLogs
    roles: RememberedRoles
    data: Path
    calls: list[str] = field(default_factory=list)

    async def ask(self, action: str, **params: Any) -> dict[str, Any]:
        return await self.service.handle("lambda", self.call(), action, params)

    async def refused(self, action: str, **params: Any) -> ApiError:
        with pytest.raises(ApiError) as caught:
            await self.ask(action, **params)
        return caught.value

    async def create(self, source: str | dict[str, str | bytes], name: str = "f", **params: Any) -> dict[str, Any]:
        files = {"main.py": source} if isinstance(source, str) else source
        settings = {"Runtime": "python3.11", "Handler": "main.handler", "Role": ROLE, **params}
        return await self.ask("CreateFunction", FunctionName=name, Code={"ZipFile": zip_of(files)}, **settings)

    async def invoke(self, payload: Any = None, name: str = "f", **params: Any) -> dict[str, Any]:
        """Invoke's answer, with the payload parsed."""
        answer = await self.ask("Invoke", FunctionName=name, Payload=orjson.dumps(payload), **params)
        if answer.get("Payload"):
            answer["Payload"] = orjson.loads(answer["Payload"])
        return answer

    @staticmethod
    def call() -> Call:
        root = Principal(kind="root", account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", unique_id=ACCOUNT)
        return Call(
            request_id=randomness.new_uuid(),
            account=ACCOUNT,
            region="us-east-1",
            principal=root,
            now=clock.system_clock(),
            host="127.0.0.1:1",
        )


def running_with(mark: str) -> list[int]:
    """The processes with this word among their arguments: a sandbox's own ids mean nothing outside of it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


Run = Callable[..., None]
"""``at_desk(scene, **settings)``: see conftest."""
