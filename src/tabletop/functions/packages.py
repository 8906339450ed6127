"""Deployment packages: what a zip must be, and how it becomes a folder of code.

A zip is hostile until shown otherwise. Before anything is written, its directory is read: no absolute path, no ``..``,
no link or device, no encryption, and no more than 250 MB in all (the declared sizes bound what is extracted: a member
that holds more than it declares fails its checksum). Unpacking goes to a folder of its own that is renamed when
complete, so that a folder with its final name is always whole. Runs in a thread: nothing here touches the event loop.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path

from tabletop.base.errors import ApiError
from tabletop.functions import limits

_COULD_NOT_UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    UnicodeError,
    ValueError,
    IsADirectoryError,
    NotADirectoryError,
    FileExistsError,
    FileNotFoundError,
)
"""What zipfile and the file system raise for zips that lie, are encrypted, or name one path as file and folder."""

_ZIP_VERSION_UNIX = 3


def unpack(zip_bytes: bytes, folder: Path) -> None:
    """Make ``folder`` hold the package's files, read-only. Does nothing where it is there already.

    Raises ApiError (in AWS's words) for a package that is refused; then nothing is left behind.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder.parent))
    try:
        try:
            with zipfile.ZipFile(io.BytesIO(zip_bytes)) as package:
                for member in _checked_members(package):
                    _extract(package, member, unfinished)
        except _BROKEN as error:
            raise _refused(_COULD_NOT_UNZIP) from error
        _make_read_only(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another thread unpacked the same package in the meantime.
            if not folder.is_dir():
                raise
    finally:
        remove(unfinished)


def unzipped_bytes(zip_bytes: bytes) -> int:
    """How much a package that ``unpack`` has found good holds."""
    with zipfile.ZipFile(io.BytesIO(zip_bytes)) as package:
        return sum(member.file_size for member in package.infolist())


def remove(folder: Path) -> None:
    """Remove a folder that ``unpack`` made, or what is left of it."""
    if not folder.exists():
        return
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _checked_members(package: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = package.infolist()
    if not members:
        raise _refused("Uploaded file must be a non-empty zip")
    if len(members) > limits.ZIP_ENTRIES_MAX:
        raise _refused(_COULD_NOT_UNZIP)
    if sum(member.file_size for member in members) > limits.UNZIPPED_BYTES_MAX:
        raise _refused(f"Unzipped size must be smaller than {limits.UNZIPPED_BYTES_MAX} bytes")
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16) if member.create_system == _ZIP_VERSION_UNIX else 0
        parts = member.filename.replace("\\", "/").split("/")
        if (
            kind not in (0, stat.S_IFREG, stat.S_IFDIR)
            or ".." in parts
            or parts[0] == ""
            or ":" in parts[0]
            or "\0" in member.orig_filename
        ):
            raise _refused(_COULD_NOT_UNZIP)
    return members


def _extract(package: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder.joinpath(*(part for part in member.filename.split("/") if part not in ("", ".")))
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name that comes twice: the later one wins, as with unzip -o.
    target.unlink(missing_ok=True)
    with package.open(member) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1024 * 1024)
    executable = (member.external_attr >> 16) & 0o111
    target.chmod(0o555 if executable else 0o444)


def _make_read_only(folder: Path) -> None:
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o555)


def _refused(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message)
