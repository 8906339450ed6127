"""Runs queries: chunk by chunk, each from a view of its own, so that none stops the event loop or holds a view for long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tabletop.base.errors import ApiError, StorageUnavailable
from tabletop.base.log import Log
from tabletop.logs import keys
from tabletop.logs.insights import runs
from tabletop.logs.insights.discovery import row_of
from tabletop.logs.insights.query import Query, compile_query
from tabletop.logs.insights.runs import Page, Path, Progress
from tabletop.logs.insights.stages import Filter, run_chunk, run_end
from tabletop.logs.insights.values import QueryFailed, Row, text_of
from tabletop.logs.keys import Position
from tabletop.logs.read import event_form, event_time
from tabletop.logs.records import GROUPS, Record
from tabletop.logs.search import Search, merged_events, streams_searched
from tabletop.logs.write import stored_bytes
from tabletop.storage.store import Store, View

CHUNK_EVENTS = 200
"""A few milliseconds' work: DynamoDB may be served between two chunks."""
CHUNK_BYTES = 1_048_576
PROGRESS_CHUNKS = 50
"""After so many a query's progress is stored, and it is seen whether it was stopped."""
RUNS_MAX = 4
_RETRY_S = 1.0
_IDLE_S = 60.0
_log = Log("logs")


class Runner:
    """``run`` runs queries until it is cancelled; ``wake`` tells it that one was begun."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken = asyncio.Event()
        self._running: dict[Path, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        try:
            while True:
                self._woken.clear()
                try:
                    self._begin_waiting()
                except Exception as error:
                    _log.error("queries could not be begun", fault=repr(error))
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                timer = asyncio.get_running_loop().call_later(_IDLE_S, self._woken.set)
                await self._woken.wait()
                timer.cancel()
        finally:
            for task in self._running.values():
                task.cancel()

    def _begin_waiting(self) -> None:
        with self._store.view() as view:
            waiting = [path for path in runs.unfinished(view) if path not in self._running]
        for path in waiting[: RUNS_MAX - len(self._running)]:
            self._running[path] = asyncio.create_task(self._one(path), name="query")

    async def _one(self, path: Path) -> None:
        try:
            await self.finish(path)
        except StorageUnavailable as error:
            _log.warning("a query waits for the store", query=path[2], fault=str(error))
            await asyncio.sleep(_RETRY_S)
        finally:
            del self._running[path]
            self._woken.set()

    async def finish(self, path: Path) -> None:
        """Run one query to its end, from its beginning."""
        try:
            await self._run(path)
        except QueryFailed as error:
            _log.warning("a query failed", query=path[2], reason=str(error))
            await self._store.commit(runs.progress, Progress(path, "Failed"))
        except StorageUnavailable:
            raise
        except Exception as error:
            _log.error("a query failed within Tabletop", query=path[2], fault=repr(error))
            await self._store.commit(runs.progress, Progress(path, "Failed"))

    async def _run(self, path: Path) -> None:
        with self._store.view() as view:
            record = runs.QUERIES.get(view, *path)
        if record is None:
            return
        try:
            query = compile_query(record["text"], record["limit"], newest_first=len(record["groups"]) == 1)
        except ApiError as error:
            raise QueryFailed(str(error.message)) from None
        run = _Run(path, record, query)
        chunks = 0
        if not await self._store.commit(runs.progress, run.progress("Running")):
            return
        while not run.done:
            with self._store.view() as view:
                run.read_chunk(view)
            chunks += 1
            if chunks % PROGRESS_CHUNKS == 0 and not await self._store.commit(runs.progress, run.progress("Running")):
                return
            await asyncio.sleep(0)
        run.end()
        for number in range(-(-len(run.results) // runs.ROWS_PER_PAGE)):
            part = run.results[number * runs.ROWS_PER_PAGE : (number + 1) * runs.ROWS_PER_PAGE]
            await self._store.commit(runs.put_page, Page(path, number, [run.shown(row) for row in part]))
        await self._store.commit(runs.progress, run.progress("Complete"))


class _Run:
    """One query under way: its place in its groups, newest event first, and what it found."""

    def __init__(self, path: Path, record: Record, query: Query) -> None:
        self._path = path
        self._record = record
        self._query = query
        self._groups: list[str] = list(record["groups"])
        self._place: Position | None = None
        self._scanned = self._bytes = 0
        self.results: list[Row] = []
        self.done = False

    def read_chunk(self, view: View) -> None:
        rows = list(self._rows(view, self._groups[0])) if self._groups else []
        self.results += run_chunk(self._query.stages, rows)
        self.done = not self._groups or any(stage.full for stage in self._query.stages)

    def _rows(self, view: View, name: str) -> Iterator[Row]:
        """One chunk's events of the group; when it has no more, the next group's turn has come."""
        account, region, _ = self._path
        group = GROUPS.get(view, account, region, name)
        events = self._events(view, group) if group is not None else iter(())
        size = 0
        for count, (position, stream, key, raw) in enumerate(events):
            if count == CHUNK_EVENTS or size >= CHUNK_BYTES:
                return
            event = event_form(key, raw) | {"logStreamName": stream}
            size += stored_bytes(raw[8:])
            self._scanned += 1
            self._bytes += stored_bytes(raw[8:])
            self._place = position
            row = row_of(event, account, name, (name, keys.stream_of(key), *position))
            row["@@now"] = self._record["created"] // 1000
            yield row
        self._groups.pop(0)
        self._place = None

    def _events(self, view: View, group: Record) -> Iterator[tuple[Position, str, bytes, bytes]]:
        start = Position(event_time(self._record["start"], 0), 0)
        stop = Position(event_time(self._record["stop"], 0) + 1, 0)
        if self._place is not None:
            stop = min(stop, self._place)
        search = Search(group["name"], None, "", start, stop, None, True, _every, 0)
        streams = list(streams_searched(view, group, search, start, stop))
        return merged_events(view, group, streams, start, stop, True)

    def end(self) -> None:
        self.results += run_end(self._query.stages)

    def shown(self, row: Row) -> list[tuple[str, str]]:
        """A row as it is answered: without the fields that it does not have."""
        found = [(name, text_of(row[name])) for name in self._query.shown if row.get(name) is not None]
        return found if self._query.aggregated else [*found, ("@ptr", row["@ptr"])]

    def progress(self, status: str) -> Progress:
        filters = [stage for stage in self._query.stages if isinstance(stage, Filter)]
        matched = filters[-1].passed if filters and not self._query.stats else self._scanned
        if filters and self._query.stats:
            matched = filters[0].passed
        rows = len(self.results) if status == "Complete" else 0
        return Progress(self._path, status, rows, matched, self._scanned, self._bytes)


def _every(message: str) -> bool:
    return True
