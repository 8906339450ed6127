"""An in-memory Store, a clock of our own, and requests signed by botocore."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel

from tabletop.base.call import ROOT_ACCOUNT, Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.iam.authentication import root_of
from tabletop.iam.service import Iam
from tabletop.wire.http import HttpRequest

KEY = bytes(range(32))
NOW = 1_750_000_000.0
ROOT = root_of(ROOT_ACCOUNT)


class DictView:
    def __init__(self, content: dict[bytes, bytes], version: int | None = None) -> None:
        self._content = content
        self.version = version

    def get(self, key: bytes) -> bytes | None:
        return self._content.get(key)

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        keys = sorted((key for key in self._content if start <= key < stop), reverse=reverse)
        return iter([(key, self._content[key]) for key in keys])


class DictStore:
    """A Store over a dict. It runs every plan twice, since plans must bear that."""

    durable = False

    def __init__(self, clock: ManualClock) -> None:
        self.content: dict[bytes, bytes] = {}
        self.commits = 0
        self._clock = clock

    @contextmanager
    def view(self) -> Iterator[DictView]:
        yield DictView(dict(self.content), self.commits)

    async def commit(self, plan: Callable[..., Any], request: Any) -> Any:
        return self._run(plan, request)

    def submit(self, plan: Callable[..., Any], request: Any, done: Callable[[Any], None]) -> None:
        done(self._run(plan, request))

    def _run(self, plan: Callable[..., Any], request: Any) -> Any:
        first, _ = plan(DictView(self.content), request, self._clock())
        answer, batch = plan(DictView(self.content), request, self._clock())
        assert first == answer
        self.commits += bool(batch)
        for key, value in batch.writes.items() if batch else ():
            if value is None:
                self.content.pop(key, None)
            else:
                self.content[key] = value
        return answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store(clock: ManualClock) -> DictStore:
    return DictStore(clock)


@pytest.fixture
def iam(store: DictStore) -> Iam:
    return Iam(store, secret_key=KEY)


MODELS = {name: ServiceModel(Loader().load_service_model(name, "service-2")) for name in ("iam", "sts")}


def check_shape(shape: Any, value: Any) -> None:
    """Every member of the answer is one of the model's, of its type, and none that the model requires is missing."""
    if shape is None:
        assert value == {}
    elif shape.type_name == "structure":
        assert set(shape.required_members) <= value.keys() <= shape.members.keys()
        for name, member in value.items():
            check_shape(shape.members[name], member)
    elif shape.type_name == "list":
        for member in value:
            check_shape(shape.member, member)
    else:
        kinds = {"string": str, "blob": bytes, "timestamp": float, "boolean": bool, "integer": int, "map": dict}
        assert type(value) is kinds[shape.type_name]


class Api:
    """The operations as a caller sees them: ``api("CreateRole", RoleName=...)``. Answers must fit botocore's model."""

    def __init__(self, iam: Iam, clock: ManualClock) -> None:
        self.iam = iam
        self.clock = clock

    def __call__(self, action: str, *, service: str = "iam", principal: Principal = ROOT, **params: Any) -> Any:
        answer = asyncio.run(self.iam.handle(service, self.call(principal), action, params))
        check_shape(MODELS[service].operation_model(action).output_shape, answer)
        return answer

    def refusal(self, action: str, **params: Any) -> tuple[str, int, str]:
        with pytest.raises(ApiError) as caught:
            self(action, **params)
        return caught.value.code, caught.value.status, caught.value.message or ""

    def call(self, principal: Principal = ROOT, access_key_id: str = "") -> Call:
        return Call("REQUEST", principal.account, "us-east-1", principal, self.clock(), access_key_id)

    def role_credentials(self, role_arn: str, session_name: str = "session", duration_s: int = 900) -> Any:
        return asyncio.run(self.iam.role_credentials(role_arn, session_name, duration_s))


@pytest.fixture
def api(iam: Iam, clock: ManualClock) -> Api:
    return Api(iam, clock)


def signed(
    key_id: str = "test",
    secret: str = "test",
    *,
    token: str | None = None,
    body: bytes = b'{"TableName":"Users"}',
    service: str = "dynamodb",
    region: str = "eu-west-1",
    method: str = "POST",
    path: str = "/",
    presigned_s: int = 0,
    at: float = NOW,
) -> HttpRequest:
    """A request as botocore signs it at the moment ``at``; with ``presigned_s`` in its query string, without a body."""
    body = b"" if presigned_s else body
    headers = {"x-amz-target": "DynamoDB_20120810.GetItem"} if service == "dynamodb" and not presigned_s else {}
    request = AWSRequest(method, "http://localhost:4566" + path, headers=headers, data=body)
    credentials = Credentials(key_id, secret, token)
    with _frozen(at):
        if presigned_s:
            SigV4QueryAuth(credentials, service, region, expires=presigned_s).add_auth(request)
        else:
            SigV4Auth(credentials, service, region).add_auth(request)
    prepared = request.prepare()
    sent = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()
    }
    sent.setdefault("host", "localhost:4566")
    target = prepared.url.removeprefix("http://localhost:4566")
    return HttpRequest(method=method, target=target, headers=sent, body=body)


@contextmanager
def _frozen(at: float) -> Iterator[None]:
    """botocore's signer takes the time from one function; it is ours for a moment."""
    import datetime

    import botocore.auth

    with pytest.MonkeyPatch.context() as patch:
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC).replace(tzinfo=None)
        patch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moment)
        yield
