"""Compaction in place and beside, readers that were killed, and a map that is full."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.storage import checker, compaction
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, View

P = b"\x10"
READER = """
import sys
from pathlib import Path
from tabletop.storage.engine import open_store
store = open_store(Path(sys.argv[1]))
with store.view() as view:
    print(view.get(b"\\x10kept"), flush=True)
    sys.stdin.read()
"""


def put_all(view: View, writes: dict[bytes, bytes | None], now: float) -> tuple[None, Batch]:
    batch = Batch()
    batch.writes.update(writes)
    return None, batch


def commit(store: LmdbStore, writes: dict[bytes, bytes | None]) -> None:
    asyncio.run(store.commit(put_all, writes))


def filled(directory: Path) -> dict[bytes, bytes]:
    """A store with much that was deleted; what it holds."""
    store = open_store(directory)
    commit(store, {P + b"%d" % number: b"x" * 50_000 for number in range(100)})
    commit(store, {P + b"%d" % number: None for number in range(100)} | {P + b"kept": b"here"})
    with store.view() as view:
        content = dict(view.range(b"\0", b"\xff" * 8))
    store.close()
    return content


def content_of(directory: Path) -> dict[bytes, bytes]:
    store = open_store(directory)
    try:
        with store.view() as view:
            assert list(checker.problems(view)) == []
            return dict(view.range(b"\0", b"\xff" * 8))
    finally:
        store.close()


def reader_of(directory: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "b'here'\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


# In place: the file shrinks, what it holds is the same, and it takes writes as before, again and again.
def test_compaction_in_place(tmp_path: Path) -> None:
    content = filled(tmp_path)
    saved = compaction.compact(tmp_path)
    assert saved.before_bytes > 5_000_000
    assert saved.after_bytes < 100_000
    assert (tmp_path / "store" / "data.mdb").stat().st_size == saved.after_bytes
    assert content_of(tmp_path) == content
    for number in range(3):
        store = open_store(tmp_path)
        commit(store, {P + b"after%d" % number: b"y"})
        store.close()
        compaction.compact(tmp_path)
        content |= {P + b"after%d" % number: b"y"}
        assert content_of(tmp_path) == content
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["data.mdb", "lock.mdb"]


# Somebody has the store open: nothing is exchanged beneath him, and it is said.
def test_not_in_place_beneath_a_reader(tmp_path: Path) -> None:
    content = filled(tmp_path)
    reader = reader_of(tmp_path)
    try:
        with pytest.raises(StartupError, match="another process reads the store"):
            compaction.compact(tmp_path)
    finally:
        end(reader)
    assert content_of(tmp_path) == content
    assert compaction.compact(tmp_path).after_bytes < 100_000


# Beside a store that is open and written to: one moment of it, a data directory of its own.
def test_copy_beside_a_writer(tmp_path: Path) -> None:
    content = filled(tmp_path / "db")
    reader = reader_of(tmp_path / "db")
    try:
        compaction.copy(tmp_path / "db", tmp_path / "backup", 1.0)
    finally:
        end(reader)
    assert content_of(tmp_path / "backup") == content
    with pytest.raises(StartupError, match="is not empty"):
        compaction.copy(tmp_path / "db", tmp_path / "backup", 1.0)


# A killed compaction leaves its beginning behind; the next one is not in its way.
def test_what_a_killed_compaction_left(tmp_path: Path) -> None:
    content = filled(tmp_path)
    (tmp_path / "store" / "compact").mkdir()
    (tmp_path / "store" / "compact" / "data.mdb").write_bytes(b"half a copy")
    assert content_of(tmp_path) == content
    compaction.compact(tmp_path)
    assert content_of(tmp_path) == content


# A reader that was killed keeps pages from being used again until its place is cleared, and no longer: the file stops growing.
def test_a_killed_reader_does_not_hold_pages(tmp_path: Path) -> None:
    filled(tmp_path)
    store = open_store(tmp_path)
    reader = reader_of(tmp_path)
    os.kill(reader.pid, signal.SIGKILL)
    end(reader)
    for number in range(60):
        commit(store, {P + b"big": b"%d" % number * 50_000})
    held_bytes = store.used_bytes
    assert store.clear_stale_readers() == 1
    assert store.clear_stale_readers() == 0
    for number in range(200):
        commit(store, {P + b"big": b"%d" % number * 50_000})
    assert store.used_bytes <= held_bytes + 2_000_000
    store.close()


# The map is full: the write is refused with that reason, reads go on, and what is deleted makes room again.
def test_a_full_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabletop.storage.environment.MAP_BYTES", (4 << 20,))
    store = open_store(tmp_path)
    stored, reason = 0, ""
    for number in range(100):
        try:
            commit(store, {P + b"%d" % number: b"x" * 100_000})
        except StorageUnavailable as error:
            reason = str(error.args[0])
            break
        stored += 1
    assert reason == "the data has reached the size of the store's map"
    assert stored > 10
    with store.view() as view:
        assert view.get(P + b"0") == b"x" * 100_000
    for number in range(stored):
        commit(store, {P + b"%d" % number: None})
    commit(store, {P + b"again": b"x" * 100_000})
    store.close()
