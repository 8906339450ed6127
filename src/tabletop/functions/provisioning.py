"""Provisioned concurrency: sandboxes that are started and initialised before anybody calls, and kept.

What is wanted is in the store (``attachments.provisioned``); what is there, the pool knows. One task brings the second
to the first: when something changes, and at every sweep (sandboxes end with their credentials). Its steps are bounded
by what is wanted, and a version whose initialisation fails is tried again at the next sweep only.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions import attachments, registry
from tabletop.functions.invocations import Invoker
from tabletop.functions.names import Reference
from tabletop.functions.pool import Edition, Pool, edition_of
from tabletop.storage.store import Store, View

_log = Log("functions")

_REMAINING_S = 120.0
"""A sandbox whose credentials end sooner is replaced ahead of time."""
_AT_ONCE_MAX = 4


class Provisioner:
    def __init__(self, store: Store, invoker: Invoker, pool: Pool) -> None:
        self._store = store
        self._invoker = invoker
        self._pool = pool
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures: dict[Edition, str] = {}

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="provisioned concurrency")
        self.wake()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Something may have changed."""
        self._changed.set()

    def state(self, view: View, reference: Reference, requested: int) -> tuple[str, int, str]:
        """(status, sandboxes that are ready, reason of a failure) of what the reference names."""
        edition = edition_of(registry.version_of(view, reference))
        ready = min(requested, self._pool.ready(edition, 0.0))
        if ready >= requested:
            return "READY", ready, ""
        reason = self._failures.get(edition, "")
        return ("FAILED" if reason else "IN_PROGRESS"), ready, reason

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._reconcile()
            except Exception as error:
                _log.error("provisioned concurrency could not be brought about", error=error)

    async def _reconcile(self) -> None:
        wanted = self._wanted()
        self._pool.keep({edition: count for edition, (_, count) in wanted.items()})
        self._failures = {edition: reason for edition, reason in self._failures.items() if edition in wanted}
        for edition, (record, count) in wanted.items():
            missing = count - self._pool.ready(edition, _REMAINING_S)
            while missing > 0 and not self._changed.is_set():
                step = min(missing, _AT_ONCE_MAX)
                reasons = await asyncio.gather(*(self._warm(record) for _ in range(step)))
                failed = [reason for reason in reasons if reason]
                if failed:
                    self._failures[edition] = failed[0]
                    _log.warning("provisioned concurrency failed", function=record["name"], reason=failed[0])
                    break
                missing -= step
            else:
                self._failures.pop(edition, None)

    async def _warm(self, record: dict[str, Any]) -> str:
        """Why there is not one more; "" where there is."""
        try:
            return "" if await self._invoker.warm(record) else "FUNCTION_ERROR_INIT_FAILURE"
        except ApiError as error:
            if error.code == "TooManyRequestsException":
                return "This machine has no room for so many sandboxes."
            return error.message or error.code

    def _wanted(self) -> dict[Edition, tuple[dict[str, Any], int]]:
        """Version records and counts by edition; several names of one version add up."""
        wanted: dict[Edition, tuple[dict[str, Any], int]] = {}
        with self._store.view() as view:
            for _, config in attachments.provisioned.below(view):
                reference = Reference(config["account"], config["region"], config["name"], config["qualifier"])
                try:
                    record = registry.version_of(view, reference)
                except ApiError:
                    continue
                edition = edition_of(record)
                wanted[edition] = (record, config["requested"] + (wanted[edition][1] if edition in wanted else 0))
        return wanted
