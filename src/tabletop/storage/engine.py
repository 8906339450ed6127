"""The LMDB engine: one environment, one map of keys to values, any number of reading processes, one writer.

LMDB keeps a copy-on-write B+tree in a memory-mapped file. A view is a read transaction: it costs a microsecond, takes
no lock, and sees one commit for as long as it lives (and keeps that commit's pages from being used again: so views are
short). The write lock is in shared memory and robust: when its holder is killed, the next writer takes it over.

Durable: LMDB's default, which syncs the data pages and then the meta page within each commit. Not durable (in memory): the
same engine in a temporary directory, without sync; there is no second code path.

The map is opened far larger than any data (a sparse file; only used pages take space), since every process would have
to agree on growing it. Where the address space is limited, smaller maps are tried.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from operator import add
from pathlib import Path
from struct import Struct
from typing import Any

import lmdb

from tabletop.base.clock import Clock, system_clock
from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.storage.committer import InlineCommitter, ThreadedCommitter
from tabletop.storage.format import prepare_directory
from tabletop.storage.store import COUNTER_WIDTH_MAX, Answer, Batch, Plan, Request, View

KEY_BYTES_MAX = 1978
MAP_BYTES = (1 << 42, 1 << 40, 1 << 37, 1 << 34)
"""4 TiB, and what is tried when the platform refuses that much address space."""
READERS_MAX = 1024
LOCK_FILE_BYTES = 64 * (READERS_MAX + 2)
"""A place of 64 bytes for each reader, and the head."""
_FULL = "the disk is full"

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

    __slots__ = ("_environment", "_transaction")

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def __enter__(self) -> _LmdbView:
        self._transaction = self._environment.begin()
        return _LmdbView(self._transaction)

    def __exit__(self, *_: object) -> None:
        self._transaction.abort()


class _LmdbWrite(_LmdbView):
    """The write transaction: a view that sees its own writes. Faults of the world become StorageUnavailable."""

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
            raise StorageUnavailable("the store could not take a write", str(error)) from error

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
            raise StorageUnavailable("the store could not take a write", str(error)) from error

    def commit(self) -> None:
        self._open = False
        try:
            self._transaction.commit()
        except lmdb.Error as error:
            self._engine.refuse_writes(error)
            reason = _FULL if _is_out_of_space(error) else "the store could not make a write durable"
            raise StorageUnavailable(reason, str(error)) from error

    def abort(self) -> None:
        if self._open:
            self._open = False
            self._transaction.abort()


class LmdbStore:
    """A Store (``tabletop.storage.store``) in one LMDB environment."""

    def __init__(self, path: Path, *, durable: bool, clock: Clock, temporary: Path | None = None) -> None:
        self.durable = durable
        self.path = path
        self._temporary = temporary
        self._failure: str | None = None
        self._environment = _open_environment(path, durable)
        self._committer = ThreadedCommitter(self, clock) if durable else InlineCommitter(self, clock)
        self.submit = self._committer.submit
        self._closed = False

    def view(self) -> AbstractContextManager[View]:
        return _ReadView(self._environment)

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
        if self._failure is not None:
            raise StorageUnavailable("the store takes no writes since a commit failed", self._failure)
        try:
            return _LmdbWrite(self, self._environment.begin(write=True))
        except lmdb.Error as error:
            raise StorageUnavailable("the store could not begin a write", str(error)) from error

    def refuse_writes(self, error: BaseException) -> None:
        """After a commit failed for another reason than want of space, nobody knows what the disk kept: write no more."""
        if not (isinstance(error, lmdb.MapFullError | lmdb.DiskError) or _is_out_of_space(error)):
            self._failure = str(error)

    @property
    def used_bytes(self) -> int:
        """What the data takes on the disk, free pages included."""
        return int(self._environment.info()["last_pgno"] + 1) * int(self._environment.stat()["psize"])

    def clear_stale_readers(self) -> int:
        """Free the places of readers whose process was killed; how many there were."""
        return int(self._environment.reader_check())

    def close(self) -> None:
        """Commit what is queued and close. The store cannot be used afterwards."""
        if self._closed:
            return
        self._closed = True
        self._committer.close()
        self._environment.close()
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
        _allocate_lock_file(path)
        return LmdbStore(path, durable=durable, clock=clock, temporary=temporary)
    except OSError as error:
        raise StartupError(f"the data directory {directory} cannot be used: {error.strerror or error}") from error
    except lmdb.Error as error:
        raise StartupError(f"the store in {directory} cannot be opened: {error}") from error


def _allocate_lock_file(path: Path) -> None:
    """Give LMDB's lock file its blocks: it is mapped, and a hole that a full disk cannot fill would kill the process."""
    with (path / "lock.mdb").open("ab") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, LOCK_FILE_BYTES)


def _open_environment(path: Path, durable: bool) -> Any:
    for map_bytes in MAP_BYTES:
        with suppress(lmdb.MemoryError):
            try:
                return lmdb.open(
                    str(path),
                    map_size=map_bytes,
                    max_readers=READERS_MAX,
                    max_spare_txns=16,
                    sync=durable,
                    metasync=durable,
                    readahead=False,
                    meminit=False,
                    lib_version=1,
                )
            except lmdb.Error as error:
                if "Cannot allocate memory" not in str(error):
                    raise
    raise StartupError(f"this machine does not let Tabletop map even {MAP_BYTES[-1] >> 30} GiB of memory")


_OUT_OF_SPACE = (
    *(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    errno.errorcode[errno.ENOSPC],
    # A disk that fills within one write takes the first part of it.
    "MDB_SHORT_WRITE",
)


def _is_out_of_space(error: BaseException) -> bool:
    """Want of space fails a commit before its meta page is written: the disk keeps the commit before, and all is known.

    A meta page that could not be written is another matter: LMDB itself then takes no further write.
    """
    text = str(error)
    return any(name in text for name in _OUT_OF_SPACE)
