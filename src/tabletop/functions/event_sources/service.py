"""All mappings of the store: each kept in the state that its users want, and woken when its stream has grown.

Writes may happen in another process, so nobody tells: a watcher reads, many times a second, the one row of each watched
stream that every change rewrites (a lookup of about a microsecond), and wakes whoever reads that stream. Without an
enabled mapping it sleeps.
"""

from __future__ import annotations

import asyncio

from tabletop.base.errors import StorageUnavailable
from tabletop.base.log import Log
from tabletop.dynamodb import keys
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.delivery import Means
from tabletop.functions.event_sources.mappings import Path, arn_of, path_of
from tabletop.functions.event_sources.runner import Runner

_log = Log("functions")

WATCH_S = 0.02
QUIET_WATCH_S = 0.04
QUIET_AFTER_LOOKS = 500
"""Between two looks at the streams, and when nothing was seen for so many: a warm function has a write well within 100 ms.
Measured with one mapping: 0.5 % of a core, and half of it when it is quiet.
"""
_RETRY_S = 1.0


class _Keeper:
    """One mapping's task, what tells it that the mapping has changed, and its runner while it is enabled."""

    def __init__(self, means: Means, path: Path) -> None:
        self._means = means
        self._path = path
        self._changed = asyncio.Event()
        self.runner: Runner | None = None

    def change(self) -> None:
        self._changed.set()
        if self.runner is not None:
            self.runner.wake.set()

    async def keep(self, watch: asyncio.Event) -> None:
        """Until the mapping is gone. ``watch`` is set when there is a stream to watch."""
        while True:
            try:
                if not await self._keep_once(watch):
                    return
            except StorageUnavailable as error:
                _log.warning("the store takes no writes; a mapping waits", mapping=self._path[2], fault=str(error))
                await asyncio.sleep(_RETRY_S)
            except Exception as error:
                _log.error("a mapping failed within Tabletop", mapping=self._path[2], error=error)
                await asyncio.sleep(_RETRY_S)

    async def _keep_once(self, watch: asyncio.Event) -> bool:
        self._changed.clear()
        store = self._means.store
        with store.view() as view:
            mapping = mappings.mappings.get(view, *self._path)
        if mapping is None:
            return False
        if mapping["state"] == "Deleting":
            await store.commit(mappings.remove, self._path)
            return False
        if mapping["state"] not in ("Enabled", "Disabled"):
            await store.commit(mappings.settle, (self._path, mapping["edition"]))
        if not mapping["enabled"]:
            await self._changed.wait()
            return True
        self.runner = Runner(self._means, mapping)
        _log.info("a mapping delivers", mapping=arn_of(mapping), source=mapping["source"])
        watch.set()
        try:
            await self.runner.run(self._changed)
        finally:
            self.runner = None
        return True


class EventSources:
    def __init__(self, means: Means) -> None:
        self.means = means
        self._keepers: dict[Path, tuple[_Keeper, asyncio.Task[None]]] = {}
        self._watch = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Go on where an earlier server ended."""
        self._watcher = asyncio.get_running_loop().create_task(self._watch_streams(), name="watch streams")
        with self.means.store.view() as view:
            paths = [path_of(mapping) for mapping in mappings.everywhere(view)]
        for path in paths:
            self.changed(path)

    async def stop(self) -> None:
        """Deliver nothing more. What was under way will be delivered again."""
        tasks = [task for _, task in self._keepers.values()]
        if self._watcher is not None:
            tasks.append(self._watcher)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def changed(self, path: Path) -> None:
        """The mapping was made, changed or marked for its end."""
        kept = self._keepers.get(path)
        if kept is not None:
            kept[0].change()
            return
        keeper = _Keeper(self.means, path)
        task = asyncio.get_running_loop().create_task(keeper.keep(self._watch), name="mapping")
        self._keepers[path] = keeper, task
        task.add_done_callback(lambda _: self._keepers.pop(path, None))

    async def _watch_streams(self) -> None:
        seen: dict[int, bytes | None] = {}
        quiet_looks = 0
        while True:
            quiet_looks += 1
            readers: dict[int, list[Runner]] = {}
            for keeper, _ in self._keepers.values():
                runner = keeper.runner
                if runner is not None and runner.stream_number is not None:
                    readers.setdefault(runner.stream_number, []).append(runner)
            if not any(keeper.runner is not None for keeper, _ in self._keepers.values()):
                self._watch.clear()
                seen.clear()
                await self._watch.wait()
                continue
            with self.means.store.view() as view:
                rows = {number: view.get(keys.sequence_key(number)) for number in readers}
            for number, row in rows.items():
                if seen.get(number) != row:
                    quiet_looks = 0
                    for runner in readers[number]:
                        runner.wake.set()
            seen = rows
            await asyncio.sleep(WATCH_S if quiet_looks < QUIET_AFTER_LOOKS else QUIET_WATCH_S)
