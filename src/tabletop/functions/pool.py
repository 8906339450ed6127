"""All sandboxes: who is idle, who is busy, how many there may be, and when one ends.

A sandbox belongs to one *edition*: a function version as it was configured at one moment (its revision). Invocations
take an idle one of their edition, or start one. At the bound the longest idle sandbox of any function makes room; when
all are busy, the invocation is refused as AWS refuses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions.limits import Settings
from tabletop.functions.sandbox import Sandbox

_log = Log("functions")

_CLOSE_LOOK_S = 0.01
_CLOSE_LOOKS_MAX = 500


@dataclass(frozen=True, slots=True)
class Edition:
    account: str
    region: str
    name: str
    version: str
    revision: str

    def belongs_to(self, account: str, region: str, name: str) -> bool:
        return (self.account, self.region, self.name) == (account, region, name)


def edition_of(record: dict[str, Any]) -> Edition:
    return Edition(
        record["account"],
        record["region"],
        record["name"],
        record["version"],
        record.get("edition") or record["revision"],
    )


class Pool:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._idle: dict[Edition, list[Sandbox]] = {}
        self._busy: dict[Sandbox, Edition] = {}
        self._new: set[Sandbox] = set()
        """Of the busy ones those that were never given back: perhaps not initialised yet."""
        self._starting = 0
        self._endings: set[asyncio.Task[None]] = set()
        self._kept: Mapping[Edition, int] = {}
        self._closed = False

    @property
    def count(self) -> int:
        return self._starting + len(self._busy) + sum(map(len, self._idle.values()))

    def keep(self, kept: Mapping[Edition, int]) -> None:
        """From now on so many idle sandboxes of each of these do not end for being idle, nor make room."""
        self._kept = kept

    def ready(self, edition: Edition, remaining_s: float) -> int:
        """How many sandboxes of the edition are initialised and have credentials for ``remaining_s`` longer."""
        until = self._clock() + remaining_s
        there = [*self._idle.get(edition, ()), *(sandbox for sandbox, of in self._busy.items() if of == edition)]
        there = [sandbox for sandbox in there if sandbox not in self._new]
        return sum(1 for sandbox in there if sandbox.alive and not sandbox.retired and sandbox.expires >= until)

    def take_warm(self, edition: Edition, remaining_s: float) -> Sandbox | None:
        """An idle sandbox whose credentials last ``remaining_s`` longer, now busy; the one that was used last."""
        idle = self._idle.get(edition)
        while idle:
            sandbox = idle.pop()
            if sandbox.alive and not sandbox.retired and sandbox.expires >= self._clock() + remaining_s:
                self._busy[sandbox] = edition
                return sandbox
            self._end(sandbox)
        self._idle.pop(edition, None)
        return None

    async def start(self, edition: Edition, make: Callable[[], Awaitable[Sandbox]]) -> Sandbox:
        """A new sandbox, busy, not yet opened. Raises TooManyRequestsException when there is no room for it."""
        if self.count >= self._settings.concurrency_max:
            self._end_longest_idle()
        if self._starting + len(self._busy) >= self._settings.concurrency_max:
            raise ApiError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                status=429,
                fields={"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User"},
            )
        self._starting += 1
        try:
            sandbox = await make()
        finally:
            self._starting -= 1
        self._busy[sandbox] = edition
        self._new.add(sandbox)
        if self._closed:
            del self._busy[sandbox]
            self._new.discard(sandbox)
            self._end(sandbox)
            raise ApiError("ServiceException", "The server is stopping.", status=500, fields={"Type": "Service"})
        return sandbox

    def replace(self, spent: Sandbox, fresh: Sandbox) -> None:
        """``fresh`` takes the place of ``spent`` among the busy ones."""
        self._busy[fresh] = self._busy.pop(spent)
        self._new.discard(spent)
        self._new.add(fresh)
        self._end(spent)

    def codes_in_use(self) -> set[str]:
        """Hashes of the code that some sandbox runs."""
        return {sandbox.code_hash for sandbox in self._all()}

    def give_back(self, sandbox: Sandbox) -> None:
        """A busy sandbox is free again, when its extensions are done as well; one that is spent or retired ends."""
        if not (sandbox.settled or sandbox.retired or self._closed) and sandbox.alive:
            task = asyncio.get_running_loop().create_task(self._give_back_later(sandbox))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)
            return
        edition = self._busy.pop(sandbox)
        self._new.discard(sandbox)
        if sandbox.retired or self._closed or not sandbox.alive:
            self._end(sandbox)
            return
        sandbox.idle_since = self._clock()
        self._idle.setdefault(edition, []).append(sandbox)

    async def _give_back_later(self, sandbox: Sandbox) -> None:
        await sandbox.settle()
        self.give_back(sandbox)

    def retire(self, account: str, region: str, name: str, version: str | None = None) -> None:
        """The function changed or is gone: its idle sandboxes end now, busy ones when they are done.

        ``version``: of that version only.
        """

        def concerned(edition: Edition) -> bool:
            return edition.belongs_to(account, region, name) and version in (None, edition.version)

        for edition in [edition for edition in self._idle if concerned(edition)]:
            for sandbox in self._idle.pop(edition):
                self._end(sandbox)
        for sandbox, edition in self._busy.items():
            if concerned(edition):
                sandbox.retired = True

    def end_idle(self) -> None:
        """End what has been idle for too long, or whose credentials have run out."""
        now = self._clock()
        for edition, sandboxes in list(self._idle.items()):
            kept: list[Sandbox] = []
            bound = self._kept.get(edition, 0)
            # Those that were used last come first: they have the longest to live.
            for sandbox in reversed(sandboxes):
                fresh = now - sandbox.idle_since < self._settings.idle_life_s or len(kept) < bound
                if fresh and now < sandbox.expires and sandbox.alive:
                    kept.append(sandbox)
                else:
                    self._end(sandbox)
            if kept:
                self._idle[edition] = kept[::-1]
            else:
                del self._idle[edition]

    async def settle_logs(self) -> None:
        """Return when every sandbox's log so far is in the store."""
        for sandbox in self._all():
            await sandbox.journal.settle()
        while self._endings:
            await asyncio.wait(set(self._endings))

    async def close(self) -> None:
        """End every sandbox, busy ones too, and let none start."""
        self._closed = True
        for sandbox in self._all():
            self._end(sandbox)
        self._idle.clear()
        for _ in range(_CLOSE_LOOKS_MAX):
            if self._endings:
                await asyncio.wait(set(self._endings))
            elif self._busy or self._starting:
                await asyncio.sleep(_CLOSE_LOOK_S)
            else:
                return

    def _all(self) -> list[Sandbox]:
        return [*self._busy, *(sandbox for idle in self._idle.values() for sandbox in idle)]

    def _end_longest_idle(self) -> None:
        oldest: tuple[float, Edition] | None = None
        for edition, sandboxes in self._idle.items():
            if len(sandboxes) > self._kept.get(edition, 0) and (oldest is None or sandboxes[0].idle_since < oldest[0]):
                oldest = (sandboxes[0].idle_since, edition)
        if oldest is not None:
            self._end(self._idle[oldest[1]].pop(0))

    def _end(self, sandbox: Sandbox) -> None:
        task = asyncio.get_running_loop().create_task(_close(sandbox))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


async def _close(sandbox: Sandbox) -> None:
    try:
        await sandbox.close()
        await sandbox.journal.settle()
    except Exception as error:
        _log.error("could not end a sandbox", error=error, pid=sandbox.pid)
