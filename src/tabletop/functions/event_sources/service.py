"""All mappings of the store: each kept in the state that its users want, and woken when its stream has grown.

Writes may happen in another process, so nobody tells: a watcher reads, many times a second, the one row of each watched
stream that every change rewrites (a lookup of about a microsecond), and wakes whoever reads that stream. Without an
enabled mapping it sleeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from tabletop.base.errors import StorageUnavailable
from tabletop.base.log import Log
from tabletop.dynamodb import keys
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.delivery import Means
from tabletop.functions.event_sources.mappings import Path, arn_of, path_of
from tabletop.functions.event_sources.runner import Runner
from tabletop.storage.store import View

_log = Log("functions")

WATCH_S = 0.02
QUIET_WATCH_S = 0.04
QUIET_AFTER_LOOKS = 500
"""Between two looks at the streams, and when nothing was seen for so many: a warm function has a write well within 100 ms.
Measured with one mapping: 0.4 % of a core, and half of it when it is quiet; median delay 15 ms, p99 37 ms.
"""
STOP_GRACE_S = 1.0
"""A batch that ends within it when the server stops is not delivered again after the next start."""
_RETRY_S = 1.0


class _Keeper:
    """One mapping's task, what tells it that the mapping has changed, and its runner while it is enabled."""

    def __init__(self, means: Means, path: Path) -> None:
        self._means = means
        self._path = path
        self._changed = asyncio.Event()
        self._closing = False
        self.runner: Runner | None = None

    def change(self) -> None:
        self._changed.set()
        if self.runner is not None:
            self.runner.wake.set()

    def close(self) -> None:
        """Start no more batches, and end when what is under way has ended."""
        self._closing = True
        self.change()

    async def keep(self, watch: Callable[[], None]) -> None:
        """Until the mapping is gone. ``watch`` is called when there is a stream to watch."""
        while not self._closing:
            try:
                if not await self._keep_once(watch):
                    return
            except StorageUnavailable as error:
                _log.warning("the store takes no writes; a mapping waits", mapping=self._path[2], fault=str(error))
                await asyncio.sleep(_RETRY_S)
            except Exception as error:
                _log.error("a mapping failed within Tabletop", mapping=self._path[2], error=error)
                await asyncio.sleep(_RETRY_S)

    async def _keep_once(self, watch: Callable[[], None]) -> bool:
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
        watch()
        try:
            await self.runner.run(self._changed)
        finally:
            self.runner = None
        return True


class EventSources:
    def __init__(self, means: Means) -> None:
        self.means = means
        self._keepers: dict[Path, tuple[_Keeper, asyncio.Task[None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._quiet_looks = 0
        self._seen: WeakKeyDictionary[Runner, bytes | None] = WeakKeyDictionary()
        """The row that each runner was last woken for."""

    def start(self) -> None:
        """Go on where an earlier server ended."""
        with self.means.store.view() as view:
            paths = [path_of(mapping) for mapping in mappings.everywhere(view)]
        for path in paths:
            self.changed(path)

    async def stop(self) -> None:
        """Start no more batches. What does not end within a moment will be delivered again."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = [task for _, task in self._keepers.values()]
        for keeper, _ in self._keepers.values():
            keeper.close()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_GRACE_S)
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
        task = asyncio.get_running_loop().create_task(keeper.keep(self.watch), name="mapping")
        self._keepers[path] = keeper, task
        task.add_done_callback(lambda _: self._keepers.pop(path, None))

    def watch(self) -> None:
        """There is a stream to watch: begin, unless it is being done."""
        if self._timer is None and not self._stopped:
            self._timer = asyncio.get_running_loop().call_later(WATCH_S, self._look)

    def _look(self) -> None:
        """Wake those whose streams have grown, and look again soon. A timer and no task: that takes half the time."""
        self._timer = None
        runners = [keeper.runner for keeper, _ in self._keepers.values() if keeper.runner is not None]
        if not runners or self._stopped:
            self._seen.clear()
            return
        self._quiet_looks += 1
        try:
            with self.means.store.view() as view:
                for runner in runners:
                    number = runner.stream_number
                    if number is not None and self._has_grown(view, runner, number):
                        self._quiet_looks = 0
                        runner.wake.set()
        except Exception as error:
            _log.error("the streams could not be looked at", error=error)
        wait_s = WATCH_S if self._quiet_looks < QUIET_AFTER_LOOKS else QUIET_WATCH_S
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _has_grown(self, view: View, runner: Runner, number: int) -> bool:
        row = view.get(keys.sequence_key(number))
        if self._seen.get(runner) == row:
            return False
        self._seen[runner] = row
        return True
