"""What keeps a server from starting, and what it says then."""

from __future__ import annotations

import errno

import pytest

from tabletop.base.errors import StartupError
from tabletop.server.main import disk_faults_stop_the_start
from tabletop.server.state import ServerState


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
