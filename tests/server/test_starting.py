"""What keeps a server from starting, and what it says then."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tabletop.base.errors import StartupError
from tabletop.base.settings import Settings
from tabletop.server import state as states
from tabletop.server.main import disk_faults_stop_the_start
from tabletop.server.state import ServerState, hold_data_directory, register, running_servers


# A full disk is one line that names it, never a traceback.
def test_full_disk() -> None:
    words = "cannot start: No space left on device at /data/x"
    with pytest.raises(StartupError, match=words), disk_faults_stop_the_start():
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")


# A newer server's state may say more; `stop` must still find it.
def test_state_of_another_version() -> None:
    text = '{"pid": 1, "started": 2.0, "version": "9", "directory": "/d", "address": "http://x", "invented": true}'
    state = ServerState.from_json(text)
    assert (state.pid, state.address, state.ready) == (1, "http://x", True)
    assert ServerState.from_json(state.to_json()) == state


# A server answers a moment before its address is written down. `tabletop import`, called in that moment, must find it
# and not refuse its directory as another process's.
def test_a_server_that_starts_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_directory=tmp_path)
    held = hold_data_directory(tmp_path)
    held.write(ServerState(pid=1, started=0.0, version="1", directory=str(tmp_path)).to_json())
    assert running_servers(settings) == []

    ready = ServerState(pid=1, started=0.0, version="1", directory=str(tmp_path), address="http://x")
    monkeypatch.setattr(states, "sleep", lambda _: held.write(ready.to_json()))
    assert running_servers(settings, wait_s=1.0) == [ready]
    held.release()


# Where killed servers were is forgotten after a day; what runs is not, however long it has run.
def test_old_notes_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    runs = tmp_path / "runs"
    held = hold_data_directory(runs)
    held.write(ServerState(pid=1, started=0.0, version="1", directory=str(runs), address="http://x").to_json())
    old = [register(tmp_path / "killed", 4001), register(runs, 4002)]
    for note in old:
        os.utime(note, (0, 0))
    new = register(tmp_path / "killed", 4003)
    assert sorted(note.name for note in new.parent.iterdir()) == ["4002", "4003"]
    held.release()
