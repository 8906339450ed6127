"""The LMDB engine: one environment, one map of keys to values, any number of reading processes, one writer.

LMDB keeps a copy-on-write B+tree in a memory-mapped file. A view is a read transaction: it costs a microsecond, takes
no lock, and sees one commit for as long as it lives (and keeps that commit's pages from being used again: so views are
short). The write lock is in shared memory and robust: when its holder is killed, the next writer takes it over.

Durable: LMDB's default, which syncs the data pages and then the meta page within each commit. Not durable (in memory): the
same engine in a temporary directory, without sync; there is no second code path.

What happens when the disk fails: ``recovery``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from operator import add
from pathlib import Path
from struct import Struct
from typing import Any

import lmdb

from tabletop.base.clock import Clock, Stopwatch, system_clock, system_stopwatch
from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.base.log import Log
from tabletop.storage.committer import InlineCommitter, ThreadedCommitter
from tabletop.storage.environment import allocate_lock_file, is_out_of_space
from tabletop.storage.format import prepare_directory
from tabletop.storage.recovery import FULL, RecoveringEnvironment
from tabletop.storage.store import COUNTER_WIDTH_MAX, Answer, Batch, Plan, Request, View

KEY_BYTES_MAX = 1978
_EPOCH_BITS = 32
_MAP_FULL = "the data has reached the size of the store's map"

_log = Log("storage")

_ROWS = {width: Struct(f">{width}q") for width in range(1, COUNTER_WIDTH_MAX + 1)}
"""A counter's stored form, by the number of its members."""


class _LmdbView:
    """A View over one LMDB transaction of the ``epoch``th environment that this process has opened."""

    __slots__ = ("_epoch", "_transaction", "get")

    def __init__(self, transaction: Any, epoch: int) -> None:
        self._transaction = transaction
        self._epoch = epoch
        self.get = transaction.get

    @property
    def version(self) -> int | None:
        return int(self._transaction.id()) << _EPOCH_BITS | self._epoch

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
        return _LmdbView(self._transaction, self._store.epoch)

    def __exit__(self, *_: object) -> None:
        self._transaction.abort()


class _LmdbWrite(_LmdbView):
    """The write transaction: a view that sees its own writes. Faults of the world become StorageUnavailable.

    It holds the store's lock until it ends: the environment stays open meanwhile.
    """

    __slots__ = ("_engine", "_open")

    def __init__(self, engine: LmdbStore, transaction: Any) -> None:
        super().__init__(transaction, 0)
        self._engine = engine
        self._open = True

    @property
    def version(self) -> int | None:
        return None

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
            reason = FULL if is_out_of_space(error) else "the store could not make a write durable"
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


class LmdbStore(RecoveringEnvironment):
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
        super().__init__(path, durable=durable, stopwatch=stopwatch)
        self._temporary = temporary
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
        return _LmdbWrite(self, self.begin_transaction())

    def close(self) -> None:
        """Commit what is queued and close. The store cannot be used afterwards."""
        if self._closed:
            return
        self._closed = True
        self._committer.close()
        self.close_environment()
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
