"""The services beside DynamoDB: loaded when the port is open, so that DynamoDB need not wait for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tabletop.base.clock import system_clock
from tabletop.base.settings import Settings
from tabletop.dynamodb.actions import load_all
from tabletop.functions import Functions
from tabletop.functions.urls import HOST_MARK
from tabletop.gateway.function_urls import FunctionUrls
from tabletop.gateway.gateway import Further
from tabletop.iam.service import Iam
from tabletop.logs import Logs
from tabletop.server.subscribers import FunctionSubscribers
from tabletop.storage.store import Store
from tabletop.wire.models import service_model


def services(
    store: Store,
    iam: Iam,
    settings: Settings,
    directory: Path,
    address: str,
    listen: Callable[..., Awaitable[Any]],
) -> tuple[Logs, Functions]:
    logs = Logs(store)
    functions = Functions(
        store=store,
        logs=logs,
        iam=iam,
        listen=listen,
        data=directory,
        endpoint_url=address,
        isolation=settings.isolation,
    )
    logs.connect(FunctionSubscribers(functions, system_clock))
    return logs, functions


def load_rest() -> None:
    """Import and read what is otherwise loaded by the first request that needs it: it may come when no file can be opened."""
    load_all()
    import_module("tabletop.iam.families")
    for name in ("iam", "sts", "lambda", "logs"):
        service_model(name)


def served(store: Store, iam: Iam, logs: Logs, functions: Functions) -> Further:
    return Further(
        services=(iam, logs, functions),
        downloads=functions.download,
        download_path_prefix=functions.download_path_prefix,
        urls=FunctionUrls(store, iam, functions, system_clock).handle,
        urls_host_mark=HOST_MARK,
    )
