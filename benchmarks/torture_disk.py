"""A disk that takes no further block for a while, below a real file system; Linux, and root.

ext4 lies in a file, the file in a small tmpfs. When that is full, the kernel cannot write back what programs have written: a sync
fails as on a failing disk, the pages are taken for clean afterwards, and each descriptor is told once.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SPACE_MB = 256
DISK_MB = 224
BLOCK_BYTES = 4096
PIECE_BYTES = 1 << 20
UNMOUNTED_WITHIN_S = 20.0
SHUTDOWN, WITHOUT_JOURNAL = 0x8004587D, 2
"""ext4's request to stop as at a power cut, of Linux's headers."""


@dataclass(slots=True)
class FailingDisk:
    folder: Path
    mounted: Path
    """Where the file system is."""
    image: Path
    """What the disk has."""
    device: str

    @contextmanager
    def full(self) -> Iterator[None]:
        filler = self.image.with_name("filler")
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * PIECE_BYTES) == PIECE_BYTES:
                pass
        try:
            yield
        finally:
            filler.unlink()

    def cut_power(self) -> None:
        """What only the page cache has is lost. Nobody may use the file system at this moment."""
        folder = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_JOURNAL))
        finally:
            os.close(folder)
        _unmount(self.mounted)
        _run("mount", self.device, self.mounted)
        for note in self.mounted.glob("*/functions/boot"):
            note.write_text("the machine's run before")


@contextmanager
def failing_disk(folder: Path, *, journal_fails: bool) -> Iterator[FailingDisk]:
    """``journal_fails``: and with it all writing, until the file system is mounted again. Raises RuntimeError."""
    space, mounted = folder / "space", folder / "disk"
    space.mkdir(parents=True)
    mounted.mkdir()
    image = space / "image"
    with ExitStack() as made:
        _run("mount", "-t", "tmpfs", "-o", f"size={SPACE_MB}m", "tmpfs", space)
        made.callback(_unmount, space)
        with image.open("wb") as file:
            file.truncate(DISK_MB << 20)
        _run("mkfs.ext4", "-q", "-b", BLOCK_BYTES, "-E", "nodiscard,lazy_itable_init=0", image)
        if not journal_fails:
            _fill(image)
            _empty_free_blocks(image)
        device = _run("losetup", "--find", "--show", image).strip()
        made.callback(_run, "losetup", "--detach", device)
        # One page a time: of a longer write that ends early Linux's loop device says that it succeeded.
        Path(f"/sys/block/{Path(device).name}/queue/max_sectors_kb").write_text("4")
        _run("mount", device, mounted)
        made.callback(_unmount, mounted)
        yield FailingDisk(folder, mounted, image, device)


def _fill(image: Path) -> None:
    """Give all blocks their space, the journal's too."""
    with image.open("r+b") as file:
        for at in range(0, DISK_MB << 20, PIECE_BYTES):
            file.seek(at)
            piece = file.read(PIECE_BYTES)
            file.seek(at)
            file.write(piece)


def _empty_free_blocks(image: Path) -> None:
    for line in _run("dumpe2fs", image).splitlines():
        if line.startswith("  Free blocks: "):
            for span in filter(None, line.removeprefix("  Free blocks: ").split(", ")):
                first, _, last = span.partition("-")
                offset = int(first) * BLOCK_BYTES
                length = (int(last or first) + 1) * BLOCK_BYTES - offset
                _run("fallocate", "--punch-hole", "--offset", offset, "--length", length, image)


def _unmount(folder: Path) -> None:
    """Processes of functions end a moment after their server was killed."""
    ended = time.monotonic() + UNMOUNTED_WITHIN_S
    while True:
        try:
            _run("umount", folder)
        except RuntimeError:
            if time.monotonic() > ended:
                raise
            time.sleep(0.1)
        else:
            return


def _run(*command: object) -> str:
    try:
        words = [str(word) for word in command]
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{command[0]}: {getattr(error, 'stderr', '') or error}") from error
