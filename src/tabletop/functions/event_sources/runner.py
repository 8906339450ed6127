"""One enabled mapping at work: readers filled, lanes started, checkpoints stored, and what is in the way noted.

One loop for each mapping, which runs when something has happened: the stream has grown (the service watches that), a batch is
done, a wait is over, or for a look around every few seconds. Whatever it finds in the way (role, stream, function) keeps
it from starting batches, but ends nothing: it looks again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tabletop.base.access import KeyFacts
from tabletop.base.errors import ApiError, StorageUnavailable
from tabletop.base.log import Log
from tabletop.dynamodb.streams import shards
from tabletop.functions import registry
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.delivery import CALL_FAILED, OK, Delivery, Means, problem_of, reference_of
from tabletop.functions.event_sources.lanes import GiveUp, Lane, Rest, Window
from tabletop.functions.event_sources.mappings import Advance, Record, arn_of, path_of
from tabletop.functions.event_sources.patterns import compile_patterns
from tabletop.functions.event_sources.reader import Reader
from tabletop.functions.event_sources.rules import Rules, rules_of
from tabletop.functions.ports import Roles
from tabletop.storage.store import View

_log = Log("functions")

LOOK_S = 5.0
"""Between two looks around while nothing happens: a role, function or stream that is gone is noticed within it."""
ACCESS_LIFE_S = 1.0
"""For so long a permission that was found given is taken for given."""
IDLE_CHECKPOINT_S = 30.0
"""Progress over filtered-out changes alone is stored so often; after a crash they are filtered once more."""
COMMIT_RETRY_S = 1.0

_STREAM_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream")
_NO_STREAM = "PROBLEM: Stream not found"
_DISABLED = "PROBLEM: The stream is disabled and all of its records are processed"
_LOST = "PROBLEM: Records were trimmed from the stream before they were processed"


def check_access(roles: Roles, role_arn: str, stream: Record) -> None:
    """Raises ApiError unless the function's role, or the stream's own policy, allows AWS's four actions."""
    arn = stream["arn"]
    pairs = [(f"dynamodb:{action}", arn) for action in _STREAM_ACTIONS]
    pairs.append(("dynamodb:ListStreams", arn.partition("/stream/")[0] + "/stream/*"))
    roles.authorize_role(role_arn, stream["region"], pairs, KeyFacts({}, stream.get("policy")))


def no_access(stream_arn: str) -> str:
    """AWS's words."""
    return (
        f"Cannot access stream {stream_arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
        "DescribeStream, and ListStreams Actions on your stream in IAM."
    )


class Runner:
    """``wake`` is set when there may be something to do. ``stream_number`` is for the watcher; None while there is none."""

    def __init__(self, means: Means, mapping: Record) -> None:
        self.wake = asyncio.Event()
        self.stream_number: int | None = None
        self._means = means
        self._mapping = mapping
        self._path = path_of(mapping)
        self._rules = rules_of(mapping)
        self._delivery = Delivery(means, mapping, self._rules)
        self._busy: dict[Lane, asyncio.Task[None]] = {}
        self._accessible_until = 0.0
        self._idle_checkpoint = means.clock() + IDLE_CHECKPOINT_S
        with means.store.view() as view:
            self._noted = mappings.result_of(view, self._path)
            self._readers = [self._reader(view, slice_) for slice_ in range(shards.SLICES)]
        self._hindered = self._noted.startswith("PROBLEM") and self._noted != CALL_FAILED
        """What was noted last is something that kept the mapping from delivering."""
        self._stored = {reader.slice: _entries(reader, self._rules) for reader in self._readers}

    def _reader(self, view: View, slice_: int) -> Reader:
        checkpoint = mappings.checkpoints.get(view, *self._path, str(slice_))
        assert checkpoint is not None, "a mapping has a checkpoint for each slice"
        rules, count = self._rules, self._rules.parallelization
        entries = checkpoint["lanes"]
        if len(entries) != count:
            # The items are dealt out anew: from where all lanes were done, some changes a second time.
            position = min(entry["position"] for entry in entries)
            entries = [{"position": position, "window": None}] * count
        lanes = [Lane(rules, position=entry["position"], window=_window(entry, rules)) for entry in entries]
        return Reader(slice_, lanes, rules.batch_items_max, compile_patterns(self._mapping["filters"]))

    async def run(self, changed: asyncio.Event) -> None:
        """Deliver until ``changed`` is set (with ``wake``), then until what is under way has ended."""
        loop = asyncio.get_running_loop()
        try:
            while not changed.is_set():
                self.wake.clear()
                rest_s = LOOK_S
                try:
                    rest_s = min(rest_s, await self._turn())
                except StorageUnavailable as error:
                    _log.warning("the store takes no writes; a mapping waits", mapping=self._arn, fault=str(error))
                    rest_s = COMMIT_RETRY_S
                except Exception as error:
                    _log.error("a mapping failed within Tabletop", mapping=self._arn, error=error)
                timer = loop.call_later(rest_s, self.wake.set)
                await self.wake.wait()
                timer.cancel()
            if self._busy:
                await asyncio.wait(set(self._busy.values()))
            await self._store_idle_progress()
        finally:
            for task in list(self._busy.values()):
                task.cancel()

    @property
    def _arn(self) -> str:
        return arn_of(self._mapping)

    async def _turn(self) -> float:
        """Look, read, start what is due; seconds until there may be more to do."""
        now = self._means.clock()
        problem = self._look(now)
        if problem is not None:
            await self._note(problem)
            self._hindered = True
            return LOOK_S
        if self._hindered:
            self._hindered = False
            await self._note(mappings.UNPROCESSED)
        if any(reader.lost for reader in self._readers):
            for reader in self._readers:
                reader.lost = False
            await self._note(_LOST)
        until = self._start(now)
        if not self._idle_checkpoint - IDLE_CHECKPOINT_S <= now < self._idle_checkpoint:
            self._idle_checkpoint = now + IDLE_CHECKPOINT_S
            await self._store_idle_progress()
        return max(0.0, until - now)

    def _look(self, now: float) -> str | None:
        """What keeps the mapping from delivering, or None after its readers have been filled."""
        mapping = self._mapping
        with self._means.store.view() as view:
            stream = mappings.stream_at(view, mapping["source"])
            self.stream_number = None if stream is None else stream["number"]
            if stream is None:
                return _NO_STREAM
            if now >= self._accessible_until:
                refusal = self._refusal(view, stream)
                if refusal is not None:
                    return refusal
                self._accessible_until = now + ACCESS_LIFE_S
            for reader in self._readers:
                reader.fill(view, stream, now)
        if not self._busy and all(reader.exhausted for reader in self._readers):
            return _DISABLED
        return None

    def _refusal(self, view: View, stream: Record) -> str | None:
        try:
            role = registry.version_of(view, reference_of(self._mapping))["role"]
        except ApiError as error:
            return problem_of(error)
        try:
            check_access(self._means.roles, role, stream)
        except ApiError:
            return f"PROBLEM: {no_access(stream['arn'])}"
        return None

    def _start(self, now: float) -> float:
        """Begin what is due in lanes that are free; when the next of them will be due."""
        until = now + LOOK_S
        for reader in self._readers:
            if reader.behind:
                # Its batches would be smaller than they can be.
                until = now
                continue
            for lane in reader.lanes:
                if lane in self._busy:
                    continue
                step = lane.next(now)
                if isinstance(step, Rest):
                    if step.until is not None:
                        until = min(until, step.until)
                    continue
                task = asyncio.get_running_loop().create_task(self._deliver(reader, lane, step), name="delivery")
                self._busy[lane] = task
        return until

    async def _deliver(self, reader: Reader, lane: Lane, step: Any) -> None:
        shard_id = reader.shard.id if reader.shard is not None else ""
        before = lane.position
        try:
            act = self._delivery.give_up if isinstance(step, GiveUp) else self._delivery.call
            try:
                result = await act(lane, step.batch, shard_id)
            except Exception as error:
                _log.error("a delivery failed within Tabletop", mapping=self._arn, error=error)
                lane.refused(self._means.clock())
                result = CALL_FAILED
            if result not in (OK, self._noted):
                _log.warning("a batch was not processed", mapping=self._arn, result=result)
            if lane.position != before or step.batch.window is not None or result != self._noted:
                await self._checkpoint([reader], result)
        except Exception as error:
            _log.error("a checkpoint failed within Tabletop", mapping=self._arn, error=error)
        finally:
            del self._busy[lane]
            self.wake.set()

    async def _checkpoint(self, readers: list[Reader], result: str | None) -> None:
        """Store where these readers' lanes stand; tried until it is durable, since the next batch rests on it."""
        while True:
            entries = {reader.slice: _entries(reader, self._rules) for reader in readers}
            changed = None if result == self._noted else result
            try:
                await self._means.store.commit(mappings.advance, Advance(self._path, tuple(entries.items()), changed))
            except StorageUnavailable as error:
                _log.warning("a checkpoint waits for the store", mapping=self._arn, fault=str(error))
                await asyncio.sleep(COMMIT_RETRY_S)
                continue
            self._stored.update(entries)
            if changed is not None:
                self._noted = changed
            return

    async def _store_idle_progress(self) -> None:
        moved = [reader for reader in self._readers if _entries(reader, self._rules) != self._stored[reader.slice]]
        if moved:
            await self._checkpoint(moved, None)

    async def _note(self, result: str) -> None:
        if result != self._noted:
            if result != mappings.UNPROCESSED:
                _log.warning("a mapping cannot deliver", mapping=self._arn, reason=result)
            await self._means.store.commit(mappings.advance, Advance(self._path, (), result))
            self._noted = result


def _entries(reader: Reader, rules: Rules) -> list[Record]:
    return [{"position": lane.position, "window": _stored_window(lane.window, rules)} for lane in reader.lanes]


def _stored_window(window: Window | None, rules: Rules) -> Record | None:
    if window is None:
        return None
    return {"start": window.start, "width_s": rules.tumbling_window_s, "state": window.state}


def _window(entry: Record, rules: Rules) -> Window | None:
    """The window that was open, unless windows are cut otherwise now."""
    stored = entry["window"]
    if stored is None or stored["width_s"] != rules.tumbling_window_s:
        return None
    return Window(stored["start"], stored["state"])
