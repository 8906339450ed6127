"""Giving back what deleted data left: a copy without free pages, beside the store or in its place.

LMDB reuses free pages and never shrinks its file. A compacting copy holds what is stored and nothing else.

*Beside it*, also while a server writes: the copy is one moment of the store, read in a view of its own (pages that were in use at
that moment are kept until it ends, so the file may grow meanwhile). *In its place*, only while nobody uses the store: the copy
is made and compared, synced, and renamed over the old file; a kill at any point leaves the one or the other, whole.

In its place is not for a running server, and cannot be: every process has the old file mapped, and LMDB's lock file counts the
transactions of the file that it was made for. For the same reason the lock file is made anew with the exchange, under the
lock that each process holds shared which has the store open: so nobody can have.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import lmdb

from tabletop.base.errors import StartupError
from tabletop.base.files import free_space_bytes, replace_durably, sync_file
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.format import prepare_directory

DATA, LOCK = "data.mdb", "lock.mdb"
_PARTIAL = "compact"
"""Folder below the store in which the copy is made; what a killed compaction left there is removed by the next."""


@dataclass(frozen=True, slots=True)
class Saved:
    before_bytes: int
    after_bytes: int
    entries_before: int
    entries_after: int


def compact(directory: Path) -> Saved:
    """Replace the store of a data directory, which the caller holds, by a copy without free pages. Raises StartupError."""
    folder = directory / "store" / _PARTIAL
    _remove(folder)
    try:
        saved = _copied(directory, folder)
        if saved.entries_before != saved.entries_after:
            raise StartupError("the copy has not as many entries as the store, which is left as it is")
        _exchange(directory / "store", folder / DATA)
        return saved
    finally:
        _remove(folder)


def copy(directory: Path, target: Path, now: float) -> Saved:
    """A data directory at ``target`` (new, or empty) with what the store holds at this moment. Raises StartupError."""
    if target.exists() and any(target.iterdir()):
        raise StartupError(f"{target} is not empty")
    prepare_directory(target, now)
    return _copied(directory, target / "store")


def _copied(directory: Path, folder: Path) -> Saved:
    store = open_store(directory)
    try:
        folder.mkdir(exist_ok=True)
        before_bytes, entries_before = store.used_bytes, store.entries
        if free_space_bytes(folder) < store.live_bytes:
            raise StartupError(
                f"the copy needs {store.live_bytes:,} bytes, and the disk has {free_space_bytes(folder):,}"
            )
        with _disk_faults(folder):
            store.environment.copy(str(folder), compact=True)
            sync_file(folder / DATA)
        after_bytes, entries_after = _read_through(folder)
    finally:
        store.close()
    return Saved(before_bytes, after_bytes, entries_before, entries_after)


def _read_through(folder: Path) -> tuple[int, int]:
    """Size and number of entries of a copy, when it can be read from end to end. Raises StartupError."""
    twin = LmdbStore(folder, durable=True, clock=lambda: 0.0)
    try:
        with twin.view() as view:
            read = sum(1 for _ in view.range(b"\0", b"\xff" * 8))
        if read != twin.entries:
            raise StartupError("the copy cannot be read to its end")
        return twin.used_bytes, read
    finally:
        twin.close()
        with suppress(FileNotFoundError):
            (folder / LOCK).unlink()


def _exchange(store: Path, copied: Path) -> None:
    descriptor = os.open(store / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            # LMDB's own byte, which whoever has the store open holds shared.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except OSError as error:
            raise StartupError(f"another process reads the store in {store}: try again when it has ended") from error
        with _disk_faults(store):
            replace_durably(copied, store / DATA)
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


class _disk_faults:
    """What the disk refuses is a line for the user."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | lmdb.Error):
            raise StartupError(f"the copy cannot be written below {self._path}: {error}") from error


def _remove(folder: Path) -> None:
    for name in (DATA, LOCK):
        with suppress(FileNotFoundError, NotADirectoryError):
            (folder / name).unlink()
    with suppress(FileNotFoundError):
        folder.rmdir()
