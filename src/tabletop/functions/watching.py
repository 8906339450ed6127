"""Code from a folder in place of the stored code: ``tabletop lambda watch NAME FOLDER``.

The command holds a small file below the service's folder (a kernel lock, so that a killed command leaves none) and writes
there which function is meant, where its code is, and a number that grows with each edit. The server looks every fifth of a
second: sandboxes of the function end when the number changes, and new ones run the folder's code. When nobody holds the file
any more, the stored code runs again. Only $LATEST is watched; published versions stay what they are.

    DATA/functions/watching/ACCOUNT.REGION.NAME    {"account", "region", "name", "folder", "edits", "debug_port", "wait"}
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabletop.base.files import HeldFile, hold, private_directory, read_held
from tabletop.base.log import Log
from tabletop.functions.limits import INIT_TIMEOUT_S, TIMEOUT_S_MAX
from tabletop.functions.names import LATEST

_log = Log("functions")

LOOK_S = 0.2
_WATCHES_MAX = 100
_FILES_MAX = 20_000
SKIPPED = frozenset(
    {".git", ".hg", ".venv", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Folders whose changes are not looked for."""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Watch:
    account: str
    region: str
    name: str
    folder: str
    edits: int = 0
    debug_port: int = 0
    """Where a debugger can attach; 0: nowhere."""
    wait: bool = False
    """The function does not begin before a debugger has attached."""

    @property
    def key(self) -> Key:
        return self.account, self.region, self.name


class Watches:
    """The server's side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Key, Watch] = {}

    def look(self) -> list[Key]:
        """The functions whose code is another one since the last look: some microseconds where nobody watches."""
        try:
            paths = sorted(os.listdir(self._folder))[:_WATCHES_MAX]
        except OSError:
            paths = []
        found: dict[Key, Watch] = {}
        for name in paths:
            watch = _read(self._folder / name)
            if watch is not None:
                found[watch.key] = watch
        known, self._known = self._known, found
        for key in found.keys() - known.keys():
            _log.info("a function runs the code of a folder", function=key[2], folder=found[key].folder)
        return [key for key in known.keys() | found.keys() if known.get(key) != found.get(key)]

    def of(self, record: dict[str, Any]) -> Watch | None:
        if not self._known or record["version"] != LATEST:
            return None
        return self._known.get((record["account"], record["region"], record["name"]))

    def time_limits(self, record: dict[str, Any]) -> tuple[float, float]:
        """Seconds for (an initialisation, an invocation). Who debugs has all the time that AWS ever gives."""
        watch = self.of(record)
        if watch is not None and watch.debug_port:
            return TIMEOUT_S_MAX, TIMEOUT_S_MAX
        return INIT_TIMEOUT_S, record["timeout"]


def start(directory: Path, watch: Watch) -> HeldFile | None:
    """The command's side: hold the watch of this server's data directory; None where another command has it."""
    folder = private_directory(directory / "functions" / "watching")
    held = hold(folder / ".".join(watch.key))
    if held is not None:
        write(held, watch)
    return held


def write(held: HeldFile, watch: Watch) -> None:
    held.write(json.dumps(asdict(watch)))


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """(time of change, size) of each file, by its path below ``folder``; the first 20,000."""
    found: dict[str, tuple[int, int]] = {}
    waiting = [str(folder)]
    start_at = len(str(folder)) + 1
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir():
                    if entry.name not in SKIPPED and not entry.is_symlink():
                        waiting.append(entry.path)
                    continue
                status = entry.stat()
            except OSError:
                continue
            found[entry.path[start_at:]] = (status.st_mtime_ns, status.st_size)
            if len(found) >= _FILES_MAX:
                return found
    return found


def debugger_environment(watch: Watch, runtime: str, environment: dict[str, str]) -> dict[str, str]:
    """What makes the runtime listen for a debugger, beside ``environment``."""
    if not watch.debug_port:
        return {}
    if runtime.startswith("nodejs"):
        flag = "--inspect-brk" if watch.wait else "--inspect"
        return {"NODE_OPTIONS": f"{environment.get('NODE_OPTIONS', '')} {flag}=127.0.0.1:{watch.debug_port}".strip()}
    return {"TABLETOP_DEBUG_PORT": str(watch.debug_port), "TABLETOP_DEBUG_WAIT": "1" if watch.wait else ""}


def _read(path: Path) -> Watch | None:
    text = read_held(path)
    if not text:
        return None
    try:
        return Watch(**json.loads(text))
    except (ValueError, TypeError):
        # Half written: the next look sees the whole.
        return None
