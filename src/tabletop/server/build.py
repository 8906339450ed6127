"""Where stores, services and the gateway meet (``further`` for all but DynamoDB). Imports wait until then: tools start fast."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tabletop.base.clock import system_clock
from tabletop.base.log import Log
from tabletop.base.settings import Settings
from tabletop.wire.http import Handler

if TYPE_CHECKING:
    from tabletop.iam.service import Iam
    from tabletop.logs import Logs
    from tabletop.storage.engine import LmdbStore

Role = Literal["whole", "control", "worker"]
"""``whole``: one process has everything. ``control``: all services and background work, reached through workers.
``worker``: DynamoDB and its streams, without background work."""

_SWEEP_S = 30.0
"""Between two rounds of housekeeping: log retention, expired credentials, readers of killed processes."""

_ROOT_KEY = """The root key of this server, shown this once (a new one: tabletop root-key):
export AWS_ACCESS_KEY_ID={key.access_key_id}
export AWS_SECRET_ACCESS_KEY={key.secret}"""

_log = Log("server")


@dataclass(slots=True)
class Application:
    """What a process serves. ``start`` begins background work, the port being open; ``close`` ends all of it."""

    handler: Handler
    start: Callable[[], Awaitable[str]]
    """Tells what the data directory held: counts of tables, items, functions and roles, or that nothing is in it yet."""
    close: Callable[[], Awaitable[None]]
    notice: str = ""
    """What the user must be shown now, because it is never shown again."""


async def build(
    settings: Settings,
    directory: Path,
    *,
    durable: bool,
    role: Role,
    address: str,
    listen: Callable[..., Awaitable[Any]],
) -> Application:
    """Open the store in ``directory`` and put the services on it. Raises StartupError.

    ``address`` is what clients use (http://localhost:4566), known before anything serves; ``listen`` opens further
    HTTP listeners, for Lambda's Runtime API.
    """
    from tabletop.dynamodb import lifecycle
    from tabletop.storage.engine import open_store

    store = open_store(directory, durable=durable)
    try:
        lifecycle.Delays.table_delay_s = settings.table_delay_ms / 1000
        if role == "worker":
            return _worker(store, settings, directory)
        store.settle()
        return await _whole(store, settings, directory, address, listen)
    except BaseException:
        store.close()
        raise


def _worker(store: LmdbStore, settings: Settings, directory: Path) -> Application:
    """DynamoDB alone; the control process has the rest."""
    from tabletop.dynamodb.actions import load_all
    from tabletop.dynamodb.service import DynamoDb
    from tabletop.gateway.gateway import Further, Gateway
    from tabletop.iam.credentials import open_key_file
    from tabletop.iam.service import Iam

    iam = Iam(store, secret_key=open_key_file(directory / "secret.key"), auth=settings.auth)
    gateway = Gateway(
        store=store,
        dynamodb=DynamoDb(store, check_grammar=iam.check_resource_policy),
        iam=iam,
        clock=system_clock,
        further=Further(),
        region=settings.region,
    )

    tasks: list[asyncio.Task[None]] = []

    async def start() -> str:
        tasks.append(asyncio.create_task(asyncio.to_thread(load_all), name="load operations"))
        return ""

    async def close() -> None:
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    return Application(handler=gateway.handle, start=start, close=close)


async def _whole(
    store: LmdbStore, settings: Settings, directory: Path, address: str, listen: Callable[..., Awaitable[Any]]
) -> Application:
    """Every service, and the work that goes on beside requests.

    DynamoDB serves as soon as the port is open. The other services are loaded meanwhile, in ``start``: they are half of
    what is to be imported, and requests to them wait those moments.
    """
    from tabletop.dynamodb.background import WAKING_ACTIONS, Background
    from tabletop.dynamodb.service import DynamoDb
    from tabletop.gateway.gateway import Gateway
    from tabletop.iam.credentials import open_key_file
    from tabletop.iam.service import Iam

    iam = Iam(store, secret_key=open_key_file(directory / "secret.key"), auth=settings.auth)
    root_key = await iam.keep_root_key(settings.root_key)
    # With workers the requests come in elsewhere.
    background = Background(store, requests=None if settings.workers > 1 else lambda: gateway.requests)
    gateway = Gateway(
        store=store,
        dynamodb=DynamoDb(store, check_grammar=iam.check_resource_policy),
        iam=iam,
        clock=system_clock,
        further=None,
        region=settings.region,
        wakes=WAKING_ACTIONS,
        wake=background.wake,
    )
    tasks: list[asyncio.Task[None]] = []
    stops: list[Callable[[], Awaitable[None]]] = []

    async def start() -> str:
        await asyncio.to_thread(import_module, "tabletop.server.further")
        from tabletop.server import further

        logs, functions = further.services(store, iam, settings, directory, address, listen)
        gateway.serve(further.served(store, iam, logs, functions))
        loop = asyncio.get_running_loop()
        tasks.append(loop.create_task(background.run(), name="background"))
        tasks.append(loop.create_task(_housekeeping(store, iam, logs), name="housekeeping"))
        stops.append(functions.stop)
        await functions.start()
        tasks.append(loop.create_task(logs.deliver(), name="log subscriptions"))
        tasks.append(loop.create_task(asyncio.to_thread(further.load_rest), name="load the rest"))
        return _found(store)

    async def close() -> None:
        for stop in stops:
            await stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    notice = "" if root_key is None else _ROOT_KEY.format(key=root_key)
    return Application(handler=gateway.handle, start=start, close=close, notice=notice)


async def _housekeeping(store: LmdbStore, iam: Iam, logs: Logs) -> None:
    while True:
        try:
            store.clear_stale_readers()
            while await logs.maintain():
                await asyncio.sleep(0)
            while await iam.sweep():
                await asyncio.sleep(0)
        except Exception as error:
            _log.error("housekeeping failed", fault=repr(error))
        await asyncio.sleep(_SWEEP_S)


def _found(store: LmdbStore) -> str:
    """What the start-up line says of the data directory."""
    from tabletop.dynamodb.catalog import totals
    from tabletop.functions.registry import functions
    from tabletop.iam.records import ROLES

    with store.view() as view:
        tables, items = totals(view)
        counts = [(tables, "table"), (items, "item"), (functions.count(view), "function"), (ROLES.count(view), "role")]
    named = [f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    return ", ".join(named) or "nothing in it yet"
