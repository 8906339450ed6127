"""What a running server tells other processes of its user: in the text of the file that it holds while it runs.

That file is ``DATA/lock``, also of the temporary directory of a server in memory. As the file is locked by the server
itself, its process id cannot be a stranger's who came by it after a crash.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import sleep

from tabletop.base.clock import system_clock
from tabletop.base.errors import StartupError
from tabletop.base.files import (
    LOCK_NAME,
    HeldFile,
    default_data_directory,
    hold,
    private_directory,
    read_held,
    runtime_directory,
    temporary_directories,
    write_atomically,
)
from tabletop.base.settings import Settings

_SERVERS = "servers"
_LOOK_S = 0.02
_NOTE_KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A running server. ``started`` in seconds since the epoch; ``address`` is empty until it serves."""

    pid: int
    started: float
    version: str
    address: str = ""
    port: int = 0
    directory: str
    """Where its data is; for a server in memory a temporary directory."""
    in_memory: bool = False
    workers: int = 1
    region: str = ""
    auth: str = "enforce"

    @property
    def ready(self) -> bool:
        return bool(self.address)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerState:
        """Members that another version added are passed over. Raises ValueError or TypeError."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


def hold_data_directory(directory: Path) -> HeldFile:
    """Take the directory for this process, made where missing. Raises StartupError when another process uses it."""
    private_directory(directory)
    held = hold(directory / LOCK_NAME)
    if held is None:
        other = state_in(directory)
        who = f" by process {other.pid}" if other else " by another process"
        where = f", which serves at {other.address}" if other and other.ready else ""
        raise StartupError(f"the data directory {directory} is in use{who}{where}")
    return held


def state_in(directory: Path) -> ServerState | None:
    """The server that runs on this data directory, if one does."""
    text = read_held(directory / LOCK_NAME)
    if not text:
        return None
    try:
        return ServerState.from_json(text)
    except (ValueError, TypeError, AttributeError):
        # Held by an offline tool, by another version, or caught between its lock and its first write.
        return None


def register(directory: Path, port: int) -> Path:
    """Note where the server at this port has its data, so that `tabletop status` and `stop` find it without --data.

    The note is no proof: who reads it looks at the directory's lock. Remove it when the server ends.
    """
    note = private_directory(runtime_directory() / _SERVERS) / str(port)
    _drop_old_notes(note.parent)
    write_atomically(note, str(directory.resolve()).encode())
    return note


def _drop_old_notes(folder: Path) -> None:
    """Servers that were killed leave their notes. Only old ones go: a new one may be of a server that starts now."""
    for note in folder.iterdir():
        with suppress(OSError):
            if note.stat().st_mtime < system_clock() - _NOTE_KEPT_S and state_in(Path(note.read_text())) is None:
                note.unlink()


def registered_at(port: int) -> ServerState | None:
    """This user's server at the port, where one runs there."""
    note = runtime_directory() / _SERVERS / str(port)
    state = state_in(Path(note.read_text())) if note.is_file() else None
    return state if state is not None and state.port == port else None


def _registered() -> list[Path]:
    folder = runtime_directory() / _SERVERS
    notes = sorted(folder.iterdir()) if folder.is_dir() else []
    return [Path(note.read_text()) for note in notes if note.name.isdigit()]


def running_servers(settings: Settings, *, wait_s: float = 0.0) -> list[ServerState]:
    """This user's servers: on the given data directory; without one, on the default one, in memory, and all others.

    A server that is starting answers a moment before it says where; it is waited for up to ``wait_s`` seconds.
    """
    places = [settings.data_directory or default_data_directory()]
    if settings.data_directory is None:
        places += [*temporary_directories(), *_registered()]
    found = [state_in(place) for place in places]
    for _ in range(int(wait_s / _LOOK_S)):
        if all(state is None or state.ready for state in found):
            break
        sleep(_LOOK_S)
        found = [state_in(place) for place in places]
    return list({state.pid: state for state in found if state is not None and state.ready}.values())
