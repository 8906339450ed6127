"""What a commit that failed leaves on the disk and in the page cache, and that no later commit rests on it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from tabletop.base import files
from tabletop.base.clock import ManualClock
from tabletop.base.errors import StorageUnavailable
from tabletop.storage import checker
from tabletop.storage.committer import commit_one
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.recovery import RETRY_S
from tabletop.storage.store import Batch, View

PAGE = os.sysconf("SC_PAGE_SIZE")
META_PAGES = 2
NO_SPACE = lmdb.Error("mdb_txn_commit: No space left on device")
FAULT = lmdb.Error("mdb_txn_commit: Input/output error")


def put(view: View, request: dict[bytes, bytes], now: float) -> tuple[None, Batch]:
    batch = Batch()
    for key, value in request.items():
        batch.put(b"\x10" + key, value)
    return None, batch


def write(store: LmdbStore, **items: bytes) -> None:
    commit_one(store, time.time, put, {key.encode(): value for key, value in items.items()})


def content(directory: Path) -> dict[str, bytes]:
    """What a server that starts on this directory finds; the store must be whole."""
    store = open_store(directory)
    try:
        with store.view() as view:
            assert list(checker.problems(view)) == []
            return {key[1:].decode(): value for key, value in view.range(b"\x10", b"\x11")}
    finally:
        store.close()


def is_found_whole(directory: Path, wanted: dict[str, bytes]) -> bool:
    """In a process of its own: a map that is not whole may end it."""
    read = f"import {Path(__file__).stem} as t; print(sorted(t.content(t.Path({str(directory)!r})).items()))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", read]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)
    return done.stdout.strip() == str(sorted(wanted.items()))


def pages_of(directory: Path) -> list[bytes]:
    raw = (directory / "store" / "data.mdb").read_bytes()
    return [raw[at : at + PAGE] for at in range(0, len(raw), PAGE)]


def put_pages(directory: Path, pages: list[bytes]) -> None:
    open_store(directory).close()
    (directory / "store" / "data.mdb").write_bytes(b"".join(pages))


@contextmanager
def rewritten(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, bytes]]:
    """The pages that are written again as they are, by number."""
    pwrite = os.pwrite
    pages: dict[int, bytes] = {}

    def noted(descriptor: int, raw: bytes, at: int) -> int:
        for offset in range(0, len(raw), PAGE):
            assert (at + offset) // PAGE not in pages, "written again twice"
            pages[(at + offset) // PAGE] = raw[offset : offset + PAGE]
        return pwrite(descriptor, raw, at)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "pwrite", noted)
        yield pages


# The disk reports a meta page as not written, and keeps it. The page cache gets the old one back, and the kernel takes it for
# clean: its own try to write it failed, which another process was told. The next commit uses the pages of the refused one
# again; power fails when they are on the disk and its meta page is not. What was acknowledged is there, and nothing else,
# because the meta pages were written again. Without that the disk would have the root of the refused commit, and not its pages.
def test_a_refused_meta_page_that_the_disk_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    store = open_store(data)
    acknowledged = {f"a{number}": b"%d" % (number % 10) * 700 for number in range(40)}
    for name, value in acknowledged.items():
        write(store, **{name: value})
    before = pages_of(data)
    write(store, a1=b"refused" * 100, refused=b"x" * 700)
    store.close()
    disk = pages_of(data)
    (kept,) = (page for page in range(META_PAGES) if disk[page] != before[page])
    cached = [*disk]
    cached[kept] = before[kept]
    put_pages(data, cached)

    store = open_store(data)
    with rewritten(monkeypatch) as again:
        write(store, a2=b"after" * 140, after=b"y" * 700)
    store.close()
    assert sorted(again) == list(range(META_PAGES))
    disk[META_PAGES:] = pages_of(data)[META_PAGES:]
    put_pages(tmp_path / "without", disk)
    assert not is_found_whole(tmp_path / "without", acknowledged)
    put_pages(tmp_path / "with", [again[page] for page in range(META_PAGES)] + disk[META_PAGES:])
    assert is_found_whole(tmp_path / "with", acknowledged)


# Only the first write after opening does that: the others sync within their commit alone.
def test_meta_pages_are_written_again_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    with rewritten(monkeypatch) as again:
        for number in range(3):
            write(store, a=b"%d" % number)
    store.close()
    assert sorted(again) == list(range(META_PAGES))


# Pages behind the last commit's are a refused commit's. They are cut off before the next write: ext4 takes new pages whose write
# failed for old ones, and would lose what is written to them next at a power cut. Nothing that is stored lies there.
def test_pages_of_a_refused_commit_are_cut_off(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    write(store, a=b"1" * 9000)
    length = store.used_bytes
    file = tmp_path / "store" / "data.mdb"
    store.refuse_writes(NO_SPACE)
    with file.open("ab") as tail:
        tail.truncate(length + 20 * PAGE)
    store.recover()
    sizes: list[int] = []
    commit_one(store, time.time, lambda view, request, now: (sizes.append(file.stat().st_size), None), None)
    assert sizes == [length]
    write(store, b=b"2" * 90_000)
    store.close()
    assert content(tmp_path) == {"a": b"1" * 9000, "b": b"2" * 90_000}


# A file system that became read-only is left open as it is: reads go on. When it takes writes again, so does the store.
def test_reads_go_on_where_the_file_cannot_be_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    write(store, a=b"1")
    store.refuse_writes(FAULT)
    with monkeypatch.context() as patch:
        patch.setattr("tabletop.storage.recovery.check_writable", _read_only)
        stopwatch.advance(RETRY_S)
        store.recover()
        assert store.failed
        with store.view() as view:
            assert view.get(b"\x10a") == b"1"
    stopwatch.advance(RETRY_S)
    store.recover()
    write(store, b=b"2")
    store.close()


# The environment that has failed itself is opened for reading alone there, and refuses writes until it can be opened for both.
def test_a_failed_environment_is_opened_for_reading_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    write(store, a=b"1")
    opened = lmdb.open

    def opening(path: str, **more: object) -> object:
        if not more["readonly"]:
            raise lmdb.Error(f"{path}: {os.strerror(errno.EROFS)}")
        return opened(path, **more)

    with monkeypatch.context() as patch:
        patch.setattr("lmdb.open", opening)
        store.reopen(store.environment)
        with store.view() as view:
            assert view.get(b"\x10a") == b"1"
        with pytest.raises(StorageUnavailable):
            write(store, b=b"2")
        assert store.failed
        stopwatch.advance(RETRY_S)
        store.recover()
        assert store.failed
    stopwatch.advance(RETRY_S)
    store.recover()
    write(store, b=b"2")
    store.close()
    assert content(tmp_path) == {"a": b"1", "b": b"2"}


def _read_only(path: Path) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


# The disk kept a meta page that it reported as not written, LMDB put the old one back into the page cache, memory was short, and
# what is read again is the refused commit's. Its pages are free for LMDB: a write now, and a power cut, would leave them half
# overwritten below a meta page that counts. Nothing is written, and the next opening takes the commit for the last one.
def test_a_refused_commit_that_comes_back_from_the_disk(tmp_path: Path) -> None:
    first = tmp_path / "first"
    store = open_store(first)
    for number in range(40):
        write(store, **{f"a{number}": b"%d" % (number % 10) * 700})
    store.close()
    before = pages_of(first)
    store = open_store(first)
    write(store, a1=b"refused" * 100, refused=b"x" * 700)
    store.close()
    disk = pages_of(first)
    whole = content(first)
    (kept,) = (page for page in range(META_PAGES) if disk[page] != before[page])
    cached = [*disk]
    cached[kept] = before[kept]
    data = tmp_path / "data"
    put_pages(data, cached)
    stopwatch = ManualClock()
    store = LmdbStore(data / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    with (data / "store" / "data.mdb").open("r+b") as file:
        file.seek(kept * PAGE)
        file.write(disk[kept])
    with pytest.raises(StorageUnavailable):
        write(store, a2=b"after" * 140)
    assert pages_of(data) == disk
    with store.view() as view:
        assert view.get(b"\x10a1") == b"1" * 700
    stopwatch.advance(RETRY_S)
    store.recover()
    write(store, a2=b"after" * 140)
    store.close()
    assert content(data) == whole | {"a2": b"after" * 140}


# What a killed server left in the page cache is on the disk before it is shown to anybody: a power cut cannot take back what was
# read. The first write need not do it again.
def test_a_start_settles_before_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    with rewritten(monkeypatch) as again:
        store.settle()
        assert sorted(again) == list(range(META_PAGES))
        write(store, a=b"1")
    store.close()
    assert content(tmp_path) == {"a": b"1"}


# A disk that refuses then keeps no server from starting: it reads, refuses writes, and tries again.
def test_a_start_on_a_failing_disk_serves_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    write(store, a=b"1")
    store.close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", failing)
        store.settle()
    assert store.failed
    with store.view() as view:
        assert view.get(b"\x10a") == b"1"
    with pytest.raises(StorageUnavailable):
        write(store, b=b"2")
    stopwatch.advance(RETRY_S)
    store.recover()
    write(store, b=b"2")
    store.close()
    assert content(tmp_path) == {"a": b"1", "b": b"2"}


# They are written while no other process can commit: one that did meanwhile would lose its own meta page.
def test_meta_pages_are_written_again_under_the_write_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    other = f"import lmdb; lmdb.open({str(tmp_path / 'store')!r}, map_size=1 << 24, lib_version=1).begin(write=True).abort()"
    finished: list[bool] = []
    fsync = os.fsync

    def syncing(descriptor: int) -> None:
        with subprocess.Popen([sys.executable, "-c", other]) as process:
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                process.kill()
            finished.append(process.wait() == 0)
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", syncing)
        write(store, a=b"1")
    store.close()
    assert finished == [False]


# After a failed commit the next one uses new descriptors: on those of before, Linux would tell of the old failure once more,
# when the meta page is on the disk. For want of space that is tried again at once, after another fault some seconds later.
@pytest.mark.parametrize(("error", "wait_s"), [(NO_SPACE, 0.0), (FAULT, RETRY_S)], ids=["space", "fault"])
def test_a_failed_commit_has_the_store_opened_anew(tmp_path: Path, error: Exception, wait_s: float) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    write(store, a=b"1")
    before = store.environment
    store.refuse_writes(error)
    if wait_s:
        store.recover()
        assert store.failed
        assert store.environment is before
    stopwatch.advance(wait_s)
    store.recover()
    assert not store.failed
    assert store.environment is not before
    write(store, b=b"2")
    store.close()
    assert content(tmp_path) == {"a": b"1", "b": b"2"}


# A read that takes long keeps its view while writes wait to be tried again; one that takes too long does not hold them up.
def test_a_long_read_is_waited_for(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    stopwatch = ManualClock()
    store = LmdbStore(tmp_path / "store", durable=True, clock=ManualClock(), stopwatch=stopwatch)
    write(store, a=b"1")
    store.refuse_writes(FAULT)
    with store.view() as view:
        stopwatch.advance(RETRY_S + 1)
        store.recover()
        assert store.failed
        assert view.get(b"\x10a") == b"1"
    store.recover()
    assert not store.failed
    store.refuse_writes(FAULT)
    with pytest.raises(StorageUnavailable):
        write(store, b=b"2")
    with store.view():
        stopwatch.advance(2 * RETRY_S)
        store.recover()
        assert not store.failed
    store.close()
