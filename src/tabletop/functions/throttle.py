"""Reserved concurrency: a function runs at most so many times at once, over all its versions.

What is not reserved is bounded by the pool: by the sandboxes that this machine is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.functions import registry
from tabletop.storage.store import Store


class Throttle:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[tuple[str, str, str], int] = {}

    @contextmanager
    def running(self, record: dict[str, Any]) -> Iterator[None]:
        """While inside, one more of this function runs. Raises TooManyRequestsException where that would be too many."""
        path = (record["account"], record["region"], record["name"])
        with self._store.view() as view:
            function = registry.functions.get(view, *path)
        reserved = None if function is None else function.get("reserved")
        running = self._running.get(path, 0)
        if reserved is not None and running >= reserved:
            raise ApiError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                status=429,
                fields={"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"},
            )
        self._running[path] = running + 1
        try:
            yield
        finally:
            left = self._running[path] - 1
            if left:
                self._running[path] = left
            else:
                del self._running[path]
