"""The LMDB engine: one environment, one map of keys to values, any number of reading processes, one writer.

LMDB keeps a copy-on-write B+tree in a memory-mapped file. A view is a read transaction: it costs a microsecond, takes
no lock, and sees one commit for as long as it lives (and keeps that commit's pages from being used again: so views are
short). The write lock is in shared memory and robust: when its holder is killed, the next writer takes it over.

Durable: LMDB's default, which syncs the data pages and then the meta page within each commit. Not durable (in memory): the
same engine in a temporary directory, without sync; there is no second code path.

After a failed commit the store refuses writes for a while, then opens the environment anew, settles the file, and tries
again. That is safe, unlike in stores that write in place (PostgreSQL's lesson: Linux takes a page whose write failed for clean,
so a second fsync may succeed without it). What an answered commit consists of was synced before, and LMDB writes to no page of
the last two commits; what a failed commit wrote are free pages, which a later one writes anew, whole, before it refers to
them. Only the two *meta pages* are written in place. Four things are needed:

- Linux tells each descriptor of a failed write once. LMDB has one for pages, and one that syncs by itself for meta pages: after
  a failed sync the first commit that succeeds would be told of it when its meta page is on the disk already (seen on ext4:
  ``python -m benchmarks.torture --disk``). New descriptors are told of nothing that was told before. So the environment is
  opened anew after each failed commit, when no long read goes on, or has gone on for too long.
- When a meta page could not be written, LMDB puts the old one back into the page cache, and refuses everything from then on,
  reads too. The environment is then opened anew at once: reads go on. On a file system that has become read-only, as ext4
  does when its journal fails, it is opened for reading alone, and tried again.
- The disk may have kept the new meta page all the same, and with it a commit whose pages are taken for free. Before the first
  write after opening, the meta pages are therefore written as they are, and synced: a sync alone might find them clean. That is
  done with LMDB's write lock held, so that no other process writes meanwhile. A server that was killed and starts does so too.
- ext4 gives new pages blocks that count as unwritten until a write has succeeded. When one fails, it forgets in its cached pages
  that they are: the same page written again, and synced without an error, reads as zeros after a power cut (seen on Linux
  6.18). New pages are those behind the last commit's. Before the first write after opening they are cut off, so that they are
  new to the file system too.

Two gaps are left, each for a disk that fails and a power cut after it. With several workers: the disk reports a meta page of one
as not written, and keeps it, and power fails in the milliseconds in which another's next commit, which is told of the same
fault, is being written. On ext4: a page before the last commit's end that LMDB numbered and never wrote (a page that was
made and dropped in one transaction) is new to the file system as well, and is not cut off.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from operator import add
from pathlib import Path
from struct import Struct
from typing import Any

import lmdb

from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.base.files import check_writable, settle
from tabletop.base.log import Log
from tabletop.storage import failures
from tabletop.storage.committer import InlineCommitter, ThreadedCommitter
from tabletop.storage.environment import allocate_lock_file, is_out_of_space, open_environment
from tabletop.storage.format import prepare_directory
from tabletop.storage.store import COUNTER_WIDTH_MAX, Answer, Batch, Plan, Request, View

KEY_BYTES_MAX = 1978
RETRY_S = 5.0
"""After a commit that failed: how long no write is tried."""
SPACE_RETRY_S = 0.0
"""The same where it failed for want of space: a smaller one may fit, and room may be made at any time."""
_META_PAGES = 2
_FULL = "the disk is full"
_MAP_FULL = "the data has reached the size of the store's map"

_log = Log("storage")

_ROWS = {width: Struct(f">{width}q") for width in range(1, COUNTER_WIDTH_MAX + 1)}
"""A counter's stored form, by the number of its members."""


class _LmdbView:
    """A View over one LMDB transaction."""

    __slots__ = ("_transaction", "get")

    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction
        self.get = transaction.get

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        with self._transaction.cursor() as cursor:
            if reverse:
                # The first key at or behind ``stop`` may not exist: then the last key of all is where to begin.
                if not (cursor.prev() if cursor.set_range(stop) else cursor.last()):
                    return
                for key, value in cursor.iterprev():
                    if key < start:
                        return
                    yield key, value
            elif cursor.set_range(start):
                for key, value in cursor:
                    if key >= stop:
                        return
                    yield key, value


class _ReadView(AbstractContextManager["_LmdbView"]):
    """Opens a read transaction on entering, ends it on leaving."""

    __slots__ = ("_store", "_transaction")

    def __init__(self, store: LmdbStore) -> None:
        self._store = store

    def __enter__(self) -> _LmdbView:
        environment = self._store.environment
        try:
            self._transaction = environment.begin()
        except (lmdb.PanicError, AttributeError):
            if environment is not None:
                _log.error("the store has failed and is opened again")
            self._transaction = self._store.reopen(environment).begin()
        return _LmdbView(self._transaction)

    def __exit__(self, *_: object) -> None:
        self._transaction.abort()


class _LmdbWrite(_LmdbView):
    """The write transaction: a view that sees its own writes. Faults of the world become StorageUnavailable.

    It holds the store's lock until it ends: the environment stays open meanwhile.
    """

    __slots__ = ("_engine", "_open")

    def __init__(self, engine: LmdbStore, transaction: Any) -> None:
        super().__init__(transaction)
        self._engine = engine
        self._open = True

    def check(self, batch: Batch) -> None:
        for key in (*batch.writes, *batch.amounts):
            if not 0 < len(key) <= KEY_BYTES_MAX:
                raise ValueError("a key is longer than the engine takes", len(key))

    def apply(self, batch: Batch) -> None:
        transaction = self._transaction
        try:
            for key, value in batch.writes.items():
                if value is None:
                    transaction.delete(key)
                else:
                    transaction.put(key, value)
        except lmdb.Error as error:
            raise _untaken(error) from error

    def add(self, amounts: dict[bytes, tuple[int, ...]]) -> None:
        transaction = self._transaction
        try:
            for counter, row in amounts.items():
                raw = transaction.get(counter)
                form = _ROWS[len(row)]
                if raw is not None:
                    row = tuple(map(add, row, form.unpack(raw)))
                if any(row):
                    transaction.put(counter, form.pack(*row))
                elif raw is not None:
                    transaction.delete(counter)
        except lmdb.Error as error:
            raise _untaken(error) from error

    def commit(self) -> None:
        self._open = False
        try:
            self._transaction.commit()
        except lmdb.Error as error:
            self._engine.refuse_writes(error)
            reason = _FULL if is_out_of_space(error) else "the store could not make a write durable"
            raise StorageUnavailable(reason, str(error)) from error
        finally:
            self._engine.release()
        self._engine.committed()

    def abort(self) -> None:
        if self._open:
            self._open = False
            try:
                self._transaction.abort()
            finally:
                self._engine.release()


class LmdbStore:
    """A Store (``tabletop.storage.store``) in one LMDB environment."""

    def __init__(
        self,
        path: Path,
        *,
        durable: bool,
        clock: Clock,
        temporary: Path | None = None,
        stopwatch: Stopwatch = system_stopwatch,
    ) -> None:
        self.durable = durable
        self.path = path
        self.failed = False
        """A commit failed: no write is taken until ``recover`` clears this."""
        self._temporary = temporary
        self._stopwatch = stopwatch
        self._failure = ""
        """Why the last commit failed; empty once one succeeded."""
        self._told = False
        """The log and the status tell of it: it is not space alone that is wanted."""
        self._retry_at = 0.0
        self._unsynced = durable
        """The meta pages are to be written again, and the file synced, before the next write."""
        self._writing = threading.Lock()
        """Held by the write transaction, and while the environment is exchanged."""
        self.environment: Any = open_environment(path, durable)
        """None when it could not be opened again after a fault."""
        self._committer = ThreadedCommitter(self, clock) if durable else InlineCommitter(self, clock)
        self.submit = self._committer.submit
        self._closed = False

    def view(self) -> AbstractContextManager[View]:
        return _ReadView(self)

    async def commit(self, plan: Plan[Request, Answer], request: Request) -> Answer:
        import asyncio

        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(answer: Any) -> None:
            if not future.cancelled():
                future.set_result(answer)

        self.submit(plan, request, done)
        answer = await future
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def begin_write(self) -> _LmdbWrite:
        if self.failed:
            reason = "the store takes no writes since a commit failed" if self._told else _FULL
            raise StorageUnavailable(reason, self._failure)
        self._writing.acquire()
        try:
            transaction = self.environment.begin(write=True)
            try:
                self._settle()
            except BaseException:
                transaction.abort()
                raise
            return _LmdbWrite(self, transaction)
        except (lmdb.Error, OSError) as error:
            self.release()
            if not isinstance(error, lmdb.Error) or isinstance(error, lmdb.PanicError | lmdb.ReadonlyError):
                self.refuse_writes(error)
            raise StorageUnavailable("the store could not begin a write", str(error)) from error
        except BaseException:
            self.release()
            raise

    def _settle(self) -> None:
        """Once after opening, with LMDB's write lock held: let the disk have what the page cache has. Raises OSError."""
        if self._unsynced:
            page_bytes = int(self.environment.stat()["psize"])
            settle(self.path / "data.mdb", head_bytes=_META_PAGES * page_bytes, length=self.used_bytes)
            self._unsynced = False

    def release(self) -> None:
        """The write transaction has ended."""
        self._writing.release()

    def refuse_writes(self, error: BaseException) -> None:
        """Take no writes for ``RETRY_S`` or ``SPACE_RETRY_S``, and until the environment is opened anew (``recover``)."""
        if isinstance(error, lmdb.MapFullError):
            # Found before anything is written.
            return
        wants_space = is_out_of_space(error)
        self._failure = str(error)
        self._retry_at = self._stopwatch() + (SPACE_RETRY_S if wants_space else RETRY_S)
        self.failed = True
        if not wants_space:
            self._told = True
            _log.error(
                "a commit failed: reads go on, writes are refused and tried again at intervals",
                reason=self._failure,
                retry_s=RETRY_S,
            )
            failures.note(self.path, self._failure)

    def recover(self) -> None:
        """Let writes be tried again, when their time has come. On the thread that has the views."""
        waited_s = self._stopwatch() - self._retry_at
        if waited_s < 0 or (waited_s < RETRY_S and self._is_read()):
            return
        try:
            # What cannot be opened for writing now stays open as it is: reads go on.
            check_writable(self.path / "data.mdb")
            environment = self.reopen(self.environment)
        except (OSError, StorageUnavailable):
            self.failed = True
        else:
            self.failed = environment.flags()["readonly"]
        if self.failed:
            self._retry_at = self._stopwatch() + RETRY_S

    def _is_read(self) -> bool:
        """This process has views open."""
        if self.environment is None:
            return False
        rows = (line.split() for line in self.environment.readers().splitlines())
        return any(row[0] == str(os.getpid()) and row[-1] != "-" for row in rows)

    def reopen(self, environment: Any) -> Any:
        """Another environment in place of one that has failed. On the thread that has the views. Raises StorageUnavailable."""
        with self._writing:
            if self.environment is environment:
                self.environment = None
                if environment is not None:
                    environment.close()
                try:
                    self.environment = open_environment(self.path, self.durable)
                except (lmdb.Error, OSError, StartupError) as error:
                    raise StorageUnavailable("the store cannot be opened again", str(error)) from error
                self._unsynced = self.durable
        return self.environment

    def committed(self) -> None:
        """A commit succeeded."""
        if self._told:
            _log.warning("the store takes writes again", after=self._failure)
            failures.forget(self.path)
        self._failure, self._told = "", False

    @property
    def used_bytes(self) -> int:
        """What the data takes on the disk, free pages included."""
        return int(self.environment.info()["last_pgno"] + 1) * int(self.environment.stat()["psize"])

    @property
    def entries(self) -> int:
        """Keys that are stored."""
        return int(self.environment.stat()["entries"])

    @property
    def live_bytes(self) -> int:
        """What the data alone takes: a little more than its pages, which a copy without free pages fills."""
        stat = self.environment.stat()
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return int(pages + 16) * int(stat["psize"])

    def clear_stale_readers(self) -> int:
        """Free the places of readers whose process was killed; how many there were."""
        return int(self.environment.reader_check())

    def close(self) -> None:
        """Commit what is queued and close. The store cannot be used afterwards."""
        if self._closed:
            return
        self._closed = True
        self._committer.close()
        if self.environment is not None:
            self.environment.close()
        if self._told:
            failures.forget(self.path)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)


def open_store(directory: Path | None, *, durable: bool = True, clock: Clock = system_clock) -> LmdbStore:
    """Open the store in a data directory, made where there is none; None: an empty one in memory, gone when closed.

    Raises StartupError with one clear line: newer format, not ours, no permission, no space.
    """
    temporary = None
    if directory is None:
        shared_memory = Path("/dev/shm")
        temporary = Path(tempfile.mkdtemp(prefix="tabletop-", dir=shared_memory if shared_memory.is_dir() else None))
        directory, durable = temporary, False
    try:
        prepare_directory(directory, clock())
        path = directory / "store"
        path.mkdir(exist_ok=True)
        allocate_lock_file(path)
        return LmdbStore(path, durable=durable, clock=clock, temporary=temporary)
    except OSError as error:
        raise StartupError(f"the data directory {directory} cannot be used: {error.strerror or error}") from error
    except lmdb.Error as error:
        raise StartupError(f"the store in {directory} cannot be opened: {error}") from error


def _untaken(error: lmdb.Error) -> StorageUnavailable:
    reason = _MAP_FULL if isinstance(error, lmdb.MapFullError) else "the store could not take a write"
    return StorageUnavailable(reason, str(error))
