"""The door to the disk for everything but the store: directories, small files, and who holds what.

    DATA/lock    flocked by the server (or offline tool) that uses the data directory; its text is JSON about the holder

A lock is the kernel's (flock), so a killed holder leaves none behind; the text is only as true as the lock is held.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from tabletop.base.errors import StartupError

PRIVATE_FILE_MODE = 0o600
PRIVATE_DIRECTORY_MODE = 0o700
LOCK_NAME = "lock"
_TEMPORARY_PREFIX = "tabletop-server-"
_HELD_TEXT_BYTES_MAX = 64 * 1024


def default_data_directory() -> Path:
    """Where data lives unless the user says otherwise: the platform's folder for a user's application data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("tabletop", appauthor=False))


def runtimes_directory() -> Path:
    """Where ``tabletop lambda runtimes --install`` keeps what a Lambda runtime needs, for all servers of this user."""
    chosen = os.environ.get("TABLETOP_RUNTIMES")
    return Path(chosen).absolute() if chosen else default_data_directory() / "runtimes"


def runtime_directory() -> Path:
    """The folder for what a server without a data directory leaves (its log). Made if missing."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK):
        return private_directory(Path(base) / "tabletop")
    return private_directory(Path(tempfile.gettempdir()) / f"tabletop-{os.getuid()}")


def private_directory(path: Path) -> Path:
    """Make the directory (and those above it), closed to others. Raises StartupError, also where it is not ours."""
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
        if path.stat().st_uid != os.getuid() and os.getuid() != 0:
            raise StartupError(f"the directory {path} belongs to another user")
    except OSError as error:
        raise StartupError(f"the directory {path} cannot be used: {error.strerror}") from error
    return path


class HeldFile:
    """A file that this process holds alone for as long as it lives or until ``release``. Its text tells others who."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        """Replace the text. Readers may see it half written for a moment: it is one small write, not an atomic one."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def release(self) -> None:
        """Let go, leaving the file empty. The file stays: to remove it would race with the next holder."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def hold(path: Path) -> HeldFile | None:
    """Take the file for this process, made where missing; None when another process holds it. Raises StartupError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    except OSError as error:
        raise StartupError(f"the file {path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise StartupError(f"the file {path} cannot be locked: {error.strerror}") from error
    return HeldFile(descriptor)


def read_held(path: Path) -> str | None:
    """The text of a file that some process holds now; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.pread(descriptor, _HELD_TEXT_BYTES_MAX, 0).decode("utf-8", "replace")
    finally:
        os.close(descriptor)
    return None


def open_files_max() -> int:
    """How many files this process may have open at once."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def can_open_files() -> bool:
    """False when this process, or the system, has no file descriptor left."""
    try:
        os.close(os.open("/", os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def raise_open_files_limit() -> int:
    """Let this process, and those that it starts, open as many files as the system lets it; how many that is.

    The usual soft limit (1,024) is there for programs that use select(); every connection is a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems name no hard limit, and yet take none above their kernel's.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return open_files_max()


def temporary_directory() -> tuple[Path, HeldFile]:
    """A new private directory in memory (/dev/shm) where the platform has that, and its held lock.

    ``remove_directory`` it in the end. Those of killed servers, which nobody holds any more, are removed now.
    """
    base = _temporary_base()
    for stale in base.glob(f"{_TEMPORARY_PREFIX}*"):
        with suppress(OSError, StartupError):
            if stale.stat().st_uid == os.getuid() and (held := hold(stale / LOCK_NAME)) is not None:
                remove_directory(stale)
                held.release()
    # Under its final name only when it is locked: another server's start would take it for a killed one's.
    starting = Path(tempfile.mkdtemp(prefix="tabletop-starting-", dir=base))
    held = hold(starting / LOCK_NAME)
    assert held is not None
    path = base / starting.name.replace("tabletop-starting-", _TEMPORARY_PREFIX)
    starting.rename(path)
    return path, held


def temporary_directories() -> list[Path]:
    """The directories that servers of this user made with ``temporary_directory``."""
    uid = os.getuid()
    return [path for path in sorted(_temporary_base().glob(f"{_TEMPORARY_PREFIX}*")) if path.stat().st_uid == uid]


def _temporary_base() -> Path:
    shared_memory = Path("/dev/shm")
    usable = shared_memory.is_dir() and os.access(shared_memory, os.W_OK)
    return shared_memory if usable else Path(tempfile.gettempdir())


def remove_directory(path: Path) -> None:
    """Remove a directory and what is in it; no error where it is gone already."""
    shutil.rmtree(path, ignore_errors=True)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a small file: after a crash it has the old content or the new. Durable on return. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(source: Path, target: Path) -> None:
    """Put a file, whose content is durable, in the place of another of the same disk. Durable on return. Raises OSError."""
    source.replace(target)
    sync_directory(target.parent)


def copy_private(source: Path, target: Path) -> None:
    """Copy a key file, where there is one."""
    content = read_private(source)
    if content is not None:
        write_private(target, content)


def sync_file(path: Path) -> None:
    """Make durable what any process has written to the file. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path: Path) -> None:
    """Raises OSError where a file cannot be opened for writing. Not for one that this process has POSIX locks of."""
    os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))


def settle(path: Path, *, head_bytes: int, length: int) -> None:
    """Cut off what lies behind ``length``, write the first bytes as they are read now, and make all durable. Raises OSError.

    A sync alone writes what the kernel knows to be dirty: not pages whose write it tried and failed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size > length:
            os.ftruncate(descriptor, length)
        head = os.pread(descriptor, head_bytes, 0)
        if os.pwrite(descriptor, head, 0) != len(head):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Write a key or password file that only its owner can read."""
    write_atomically(path, content, mode=PRIVATE_FILE_MODE)


def read_private(path: Path) -> bytes | None:
    """A key file's content; None where there is none. Others lose their permissions on it. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            os.fchmod(file.fileno(), PRIVATE_FILE_MODE)
        return file.read()


def free_space_bytes(path: Path) -> int:
    """What is left on the disk of a directory."""
    return shutil.disk_usage(path).free


def boot_id() -> str:
    """Tells this run of the machine from others; empty where that cannot be told."""
    return read_note(Path("/proc/sys/kernel/random/boot_id")).strip()


def write_note(path: Path, text: str) -> None:
    """Leave a few words for other processes, where the disk lets us: neither durable nor atomic, and never an error."""
    with suppress(OSError):
        path.write_text(text)


def read_note(path: Path) -> str:
    """What a note says; nothing where it is gone."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def remove_note(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """True while a process with this id lives, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
