"""What a process notes beside the store while it takes no writes, so that `tabletop status` can say it.

STORE/refusing.PID    the reason, as long as the process with that id refuses writes because a commit failed

The note is written as well as a failing disk permits, and is not synced; the log has the same. One of a process that is gone
means nothing and is removed by whoever comes by.
"""

from __future__ import annotations

import os
from pathlib import Path

from tabletop.base.files import is_running, read_note, remove_note, write_note

_PREFIX = "refusing."


def note(store: Path, reason: str) -> None:
    write_note(_own(store), reason)


def forget(store: Path) -> None:
    remove_note(_own(store))


def noted(store: Path) -> dict[int, str]:
    """Process id to reason, of the living processes that refuse writes."""
    found: dict[int, str] = {}
    for path in sorted(store.glob(f"{_PREFIX}*")):
        pid = path.suffix[1:]
        if pid.isdigit() and is_running(int(pid)):
            found[int(pid)] = read_note(path)
        else:
            remove_note(path)
    return found


def _own(store: Path) -> Path:
    return store / f"{_PREFIX}{os.getpid()}"
