"""Code from a folder in place of the stored code: edits count, and the stored code comes back."""

from __future__ import annotations

import asyncio
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from functions_desk import ACCOUNT, Desk, Run

from tabletop.functions import limits, watching
from tabletop.functions.watching import Watch

STORED = "def handler(event, context):\n    return 'stored'\n"


def folder_with(path: Path, source: str) -> Path:
    path.mkdir(exist_ok=True)
    (path / "main.py").write_text(source)
    return path


async def invoked_until(desk: Desk, expected: object) -> None:
    """Bounded by the promise: an edit counts in under a second."""
    for _ in range(20):
        answer = (await desk.invoke())["Payload"]
        if answer == expected:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{answer} and not {expected}")


# While the watch is held the folder's code runs; an edit counts in under a second; when the holder is gone, however it
# went, the stored code runs again. Published versions are left alone.
def test_watch_runs_the_folder(at_desk: Run, tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        await desk.create(STORED)
        await desk.ask("PublishVersion", FunctionName="f")
        assert (await desk.invoke())["Payload"] == "stored"
        folder = folder_with(tmp_path / "src", STORED.replace("stored", "one"))
        watch = Watch(ACCOUNT, "us-east-1", "f", str(folder))
        held = watching.start(desk.data, watch)
        assert held is not None
        watching.write(held, watch)
        await invoked_until(desk, "one")
        folder_with(folder, STORED.replace("stored", "two"))
        watching.write(held, replace(watch, edits=1))
        await invoked_until(desk, "two")
        assert (await desk.invoke(Qualifier="1"))["Payload"] == "stored"
        held.release()
        await invoked_until(desk, "stored")
        await desk.service.settle()
        assert f"TABLETOP running the code of {folder}\n" in desk.logs.messages

    at_desk(scene)


# A function is watched by one command at a time.
def test_one_watch_for_each_function(tmp_path: Path) -> None:
    watch = Watch(ACCOUNT, "us-east-1", "f", "/x")
    held = watching.start(tmp_path, watch)
    assert held is not None
    assert watching.start(tmp_path, watch) is None
    held.release()
    again = watching.start(tmp_path, watch)
    assert again is not None
    again.release()


# What is no watch (half written, of another version, left by a dead command) is none, and disturbs no other.
def test_files_that_are_no_watch(tmp_path: Path) -> None:
    watches = watching.Watches(tmp_path / "functions" / "watching")
    assert watches.look() == []
    good, bad = Watch(ACCOUNT, "r", "good", "/x"), Watch(ACCOUNT, "r", "bad", "/x")
    held = [watching.start(tmp_path, watch) for watch in (good, bad)]
    assert held[0] is not None
    assert held[1] is not None
    watching.write(held[0], good)
    held[1].write('{"account": "0"')
    (tmp_path / "functions" / "watching" / "left").write_text("{}")
    assert watches.look() == [good.key]
    assert watches.look() == []
    held[0].release()
    assert watches.look() == [good.key]
    held[1].release()


# Any change of a file is seen: content, a new one, one that is gone; below skipped folders it is not.
def test_snapshot(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "src", "x")
    first = watching.snapshot(folder)
    assert set(first) == {"main.py"}
    (folder / "lib").mkdir()
    (folder / "lib" / "more.py").write_text("")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("")
    assert set(watching.snapshot(folder)) == {"main.py", "lib/more.py"}
    (folder / "main.py").write_text("xy")
    assert watching.snapshot(folder)["main.py"] != first["main.py"]
    (folder / "main.py").unlink()
    assert set(watching.snapshot(folder)) == {"lib/more.py"}


# Who debugs is not hurried by time limits; nobody else gets more.
def test_time_limits(tmp_path: Path) -> None:
    watches = watching.Watches(tmp_path / "functions" / "watching")
    record = {"account": ACCOUNT, "region": "r", "name": "f", "version": "$LATEST", "timeout": 3}
    assert watches.time_limits(record) == (limits.INIT_TIMEOUT_S, 3)
    watch = Watch(ACCOUNT, "r", "f", "/x", debug_port=5678)
    held = watching.start(tmp_path, watch)
    assert held is not None
    watching.write(held, watch)
    watches.look()
    assert watches.time_limits(record) == (900, 900)
    assert watches.time_limits({**record, "version": "1"}) == (limits.INIT_TIMEOUT_S, 3)
    held.release()


# Node.js brings its debugger: a client can connect to the port. Python's is told of in the log where debugpy is missing.
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_debugger_can_attach(at_desk: Run, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def scene(desk: Desk) -> None:
        await desk.create({"main.js": "exports.handler = async () => 'stored'"}, Runtime="nodejs20.x")
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "main.js").write_text("exports.handler = async () => 'folder'")
        watch = Watch(ACCOUNT, "us-east-1", "f", str(tmp_path / "src"), debug_port=port)
        held = watching.start(desk.data, watch)
        assert held is not None
        watching.write(held, watch)
        await invoked_until(desk, "folder")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        held.release()
        await desk.create(STORED, name="g")
        watch = replace(watch, name="g", folder=str(folder_with(tmp_path / "python", STORED)))
        held = watching.start(desk.data, watch)
        assert held is not None
        watching.write(held, watch)
        await asyncio.sleep(2 * watching.LOOK_S)
        assert (await desk.invoke(name="g"))["Payload"] == "stored"
        held.release()
        await desk.service.settle()
        assert "TABLETOP no debugger: debugpy is not in the folder" in desk.logs.text

    at_desk(scene)
