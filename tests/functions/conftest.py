"""The fixture of these tests: a Functions service that is started before the test's scene and stopped after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from functions_desk import ENDPOINT, Desk, RememberedLogs, RememberedRoles, Run

from tabletop.functions import Functions, Settings, checker
from tabletop.server.listener import listen
from tabletop.storage.engine import open_store


@pytest.fixture
def at_desk(tmp_path: Path) -> Iterator[Run]:
    """``at_desk(test, isolation=..., **settings)`` runs ``async test(desk)`` with a started service, and stops it after."""
    store = open_store(None)

    def run(test: Callable[[Desk], Awaitable[None]], *, isolation: str = "auto", **settings: Any) -> None:
        async def whole() -> None:
            logs, roles = RememberedLogs(), RememberedRoles()
            service = Functions(
                store=store,
                logs=logs,
                iam=roles,
                listen=listen,
                data=tmp_path,
                endpoint_url=ENDPOINT,
                settings=Settings(**settings),
                isolation=isolation,
                installed=tmp_path / "runtimes",
            )
            await service.start()
            try:
                await asyncio.wait_for(test(Desk(service, store, logs, roles, tmp_path)), 60)
            finally:
                await service.stop()

        asyncio.run(whole())

    yield run
    with store.view() as view:
        found = list(checker.problems(view))
    store.close()
    assert found == []
