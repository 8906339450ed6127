"""The LMDB environment: how it is opened, and which of its errors want nothing but space.

The map is opened far larger than any data (a sparse file; only used pages take space), since every process would have
to agree on growing it. Where the address space is limited, smaller maps are tried.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import lmdb

from tabletop.base.errors import StartupError

MAP_BYTES = (1 << 42, 1 << 40, 1 << 37, 1 << 34)
"""4 TiB, and what is tried when the platform refuses that much address space."""
READERS_MAX = 1024
LOCK_FILE_BYTES = 64 * (READERS_MAX + 2)
"""A place of 64 bytes for each reader, and the head."""

_OUT_OF_SPACE = (
    *(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    errno.errorcode[errno.ENOSPC],
    # A disk that fills within one write takes the first part of it.
    "MDB_SHORT_WRITE",
)


def open_environment(path: Path, durable: bool) -> Any:
    """For reading alone where the file system has become read-only, as Linux makes one whose journal cannot be written."""
    try:
        return _open_environment(path, durable, readonly=False)
    except lmdb.Error as error:
        if os.strerror(errno.EROFS) not in str(error):
            raise
    # Without a lock file: nobody writes.
    return _open_environment(path, durable, readonly=True)


def _open_environment(path: Path, durable: bool, *, readonly: bool) -> Any:
    for map_bytes in MAP_BYTES:
        with suppress(lmdb.MemoryError):
            try:
                return lmdb.open(
                    str(path),
                    map_size=map_bytes,
                    max_readers=READERS_MAX,
                    max_spare_txns=16,
                    readonly=readonly,
                    lock=not readonly,
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


def allocate_lock_file(path: Path) -> None:
    """Give LMDB's lock file its blocks: it is mapped, and a hole that a full disk cannot fill would kill the process."""
    with (path / "lock.mdb").open("ab") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, LOCK_FILE_BYTES)


def is_out_of_space(error: BaseException) -> bool:
    """Want of space fails a commit before its meta page is written: the disk keeps the commit before, and all is known.

    A meta page that could not be written is another matter: LMDB itself then takes no further write.
    """
    text = str(error)
    return any(name in text for name in _OUT_OF_SPACE)
