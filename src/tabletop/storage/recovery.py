"""The LMDB environment of a store through failures: what happens after a commit that failed, and why that is safe.

After a failed commit the store refuses writes for a while, then opens the environment anew, settles the file, and tries
again. That is safe, unlike in stores that write in place (PostgreSQL's lesson: Linux takes a page whose write failed for clean,
so a second fsync may succeed without it). What an answered commit consists of was synced before its meta page was written, and
LMDB writes to no page of the last two commits: transaction T takes pages that were freed by T - 2 or before, which neither T - 1
nor T - 2 refers to. What a failed commit wrote are free pages, which a later one writes anew, whole, before it refers to them;
whether the cache or the disk has them meanwhile is the same to everybody. Only the two *meta pages* are written in place.

Readers do not look for the newer meta page: they take the number of the last commit from the lock file, which has it after the
meta page is synced. So nobody reads a commit that a power cut could take back, but who opens the file when no other process has
it open: LMDB then goes by the meta pages in the cache. The start of a server therefore settles before it serves.

Five things are needed:

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
- A meta page in the cache may go, clean as it seems, when memory is short, and be read again as the disk kept it: the number of
  the refused commit, which LMDB does not count, since its number is in the lock file. What such a commit consists of must not be
  overwritten before its meta page is. Before the first write after opening, the two are therefore compared; where they differ the
  store is opened anew once more, which makes that commit the last one (it is whole, and its clients were told that nobody knows).
- ext4 gives new pages blocks that count as unwritten until a write has succeeded. When one fails, it forgets in its cached pages
  that they are: the same page written again, and synced without an error, reads as zeros after a power cut (seen on Linux
  6.18). New pages are those behind the last commit's. Before the first write after opening they are cut off, so that they are
  new to the file system too.

Three gaps are left, each for a disk that fails and a power cut after it:

- With several workers: the disk reports a meta page of one as not written, and keeps it, and power fails in the milliseconds in
  which another's next commit, which is told of the same fault, is being written.
- On ext4: a page before the last commit's end that LMDB numbered and never wrote (a page that was made and dropped in one
  transaction) is new to the file system as well, and is not cut off.
- When a file system becomes read-only between a meta page and LMDB's putting back the old one, the cache keeps the new one, and
  reads go on with a commit that was refused and that the disk may not have.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import lmdb

from tabletop.base.clock import Stopwatch
from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.base.files import check_writable, settle
from tabletop.base.log import Log
from tabletop.storage import failures
from tabletop.storage.environment import is_out_of_space, open_environment

RETRY_S = 5.0
"""After a commit that failed: how long no write is tried."""
SPACE_RETRY_S = 0.0
"""The same where it failed for want of space: a smaller one may fit, and room may be made at any time."""
_META_PAGES = 2
FULL = "the disk is full"

_log = Log("storage")


class RecoveringEnvironment:
    """An LMDB environment that is opened anew after a commit that failed, and takes no writes meanwhile."""

    def __init__(self, path: Path, *, durable: bool, stopwatch: Stopwatch) -> None:
        self.durable = durable
        self.path = path
        self.failed = False
        """A commit failed: no write is taken until ``recover`` clears this."""
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
        self.epoch = 0
        """How many environments this process has opened in its place."""
        self.environment: Any = open_environment(path, durable)
        """None when it could not be opened again after a fault."""

    def begin_transaction(self) -> Any:
        """LMDB's write transaction. Whoever ends it calls ``release``. Raises StorageUnavailable."""
        if self.failed:
            reason = "the store takes no writes since a commit failed" if self._told else FULL
            raise StorageUnavailable(reason, self._failure)
        self._writing.acquire()
        try:
            transaction = self.environment.begin(write=True)
            try:
                self._settle(transaction)
            except BaseException:
                transaction.abort()
                raise
            return transaction
        except (lmdb.Error, OSError) as error:
            self.release()
            if not isinstance(error, lmdb.Error) or isinstance(error, lmdb.PanicError | lmdb.ReadonlyError):
                self.refuse_writes(error)
            raise StorageUnavailable("the store could not begin a write", str(error)) from error
        except BaseException:
            self.release()
            raise

    def settle(self) -> None:
        """At the start of a server, before anybody is shown what is stored: let the disk have what the page cache has.

        A disk that refuses is told of, and tried again, as after a failed commit; reads go on.
        """
        with suppress(StorageUnavailable):
            transaction = self.begin_transaction()
            try:
                transaction.abort()
            finally:
                self.release()

    def _settle(self, transaction: Any) -> None:
        """Once after opening, in a write transaction: let the disk have what the page cache has. Raises OSError."""
        if self._unsynced:
            if self.environment.info()["last_txnid"] != transaction.id() - 1:
                raise OSError(errno.EIO, "the disk kept a commit that it reported as not written")
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
                self.epoch += 1
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

    def close_environment(self) -> None:
        if self.environment is not None:
            self.environment.close()
        if self._told:
            failures.forget(self.path)
