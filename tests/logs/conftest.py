"""A store in a dict with sorted keys, and CloudWatch Logs over it."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.logs import Logs
from tabletop.storage.store import Batch, read_counter

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


class DictView:
    version = None

    def __init__(self, content: dict[bytes, bytes]) -> None:
        self._content = content
        self._keys = sorted(content)

    def get(self, key: bytes) -> bytes | None:
        return self._content.get(key)

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        keys = self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]
        for key in reversed(keys) if reverse else keys:
            yield key, self._content[key]


class DictStore:
    durable = False

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.content: dict[bytes, bytes] = {}
        self.writes_max = 0
        """The most keys that one plan wrote."""

    @contextmanager
    def view(self) -> Iterator[DictView]:
        yield DictView(dict(self.content))

    async def commit(self, plan: Any, request: Any) -> Any:
        view = DictView(dict(self.content))
        answer, batch = plan(view, request, self.clock())
        self._apply(view, batch or Batch())
        return answer

    def submit(self, plan: Any, request: Any, done: Any) -> None:
        raise NotImplementedError

    def _apply(self, view: DictView, batch: Batch) -> None:
        self.writes_max = max(self.writes_max, len(batch.writes))
        for key, value in batch.writes.items():
            assert len(key) <= 1978
            if value is None:
                self.content.pop(key, None)
            else:
                self.content[key] = value
        for counter, amounts in batch.amounts.items():
            total = map(int.__add__, read_counter(view, counter, len(amounts)), amounts)
            self.content[counter] = b"".join(each.to_bytes(8, "big", signed=True) for each in total)


class Client:
    """Calls operations by name, as the root of the account: ``client("PutLogEvents", logGroupName=...)``."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_800_000_000.0)
        self.store = DictStore(self.clock)
        self.logs = Logs(self.store)

    @property
    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    @property
    def call(self) -> Call:
        return Call("request", ACCOUNT, REGION, ROOT, self.clock())

    def __call__(self, action: str, /, **params: Any) -> dict[str, Any]:
        return asyncio.run(self.logs.handle("logs", self.call, action, params))

    def append(self, group: str, stream: str, *events: tuple[int, str]) -> None:
        asyncio.run(self.logs.append(ACCOUNT, REGION, group, stream, list(events)))

    def maintain(self) -> bool:
        return asyncio.run(self.logs.maintain())

    def stream(self, group: str = "g", stream: str = "s") -> dict[str, str]:
        """A new group with one stream; the parameters that name them."""
        self("CreateLogGroup", logGroupName=group)
        self("CreateLogStream", logGroupName=group, logStreamName=stream)
        return {"logGroupName": group, "logStreamName": stream}


@pytest.fixture
def client() -> Client:
    return Client()
