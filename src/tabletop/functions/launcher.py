"""From a function version's record to a sandbox that is ready to be opened: program, code, credentials, log stream."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabletop.base import randomness
from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.files import boot_id, read_note, write_note
from tabletop.functions import enclosures, layers, limits, packages, registry
from tabletop.functions.enclosures import Contents, Enclosure
from tabletop.functions.environment import sandbox_environment
from tabletop.functions.interpreters import Interpreters
from tabletop.functions.journal import Journal
from tabletop.functions.limits import Settings
from tabletop.functions.ports import Listen, Logs, Roles
from tabletop.functions.processes import kill_leftovers
from tabletop.functions.sandbox import Launch, Sandbox
from tabletop.functions.watching import Watches, debugger_environment
from tabletop.storage.store import Store

ISOLATION_NOTE = "isolation"
"""File below the service's folder that names the kind of isolation, for ``tabletop status``."""
BOOT_NOTE = "boot"
"""File below the service's folder that tells in which run of the machine its code was unpacked."""
_UNUSED_CODE_AGE_S = 300.0
_UNUSED_LAYERS_AGE_S = 2 * 3600.0
"""Longer than a sandbox lives: its credentials end after an hour."""
_MEBIBYTE = 1024 * 1024
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Launcher:
    """Owns the folders below ``folder``: unpacked code, merged layers, running sandboxes, links to the SDK."""

    def __init__(
        self,
        *,
        store: Store,
        logs: Logs,
        roles: Roles,
        listen: Listen,
        clock: Clock,
        settings: Settings,
        folder: Path,
        endpoint_url: str,
        isolation: str,
        installed: Path,
    ) -> None:
        self._store = store
        self._logs = logs
        self._roles = roles
        self._listen = listen
        self._clock = clock
        self._settings = settings
        self._code = folder / "code"
        self._layers = folder / "layers"
        self._running = folder / "sandboxes"
        self._endpoint_url = endpoint_url
        self._folder = folder
        self._isolation = isolation
        self._enclosure: Enclosure | None = None
        self._enclosure_lock = threading.Lock()
        self.watches = Watches(folder / "watching")
        self.interpreters = Interpreters(folder / "sdk", installed)

    def sweep(self) -> None:
        """End and remove what an earlier server left behind: sandboxes, half-unpacked code. Blocking.

        Code that was unpacked before the machine started goes too: it is not synced, and of files that were young when power
        failed the names may be all that is left. It is unpacked again from the store when it is needed.
        """
        boot = boot_id()
        note = self._folder / BOOT_NOTE
        if not boot or read_note(note) != boot:
            for unpacked in (*self._code.glob("*"), *self._layers.glob("*")):
                packages.remove(unpacked)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_note(note, boot)
        for home in self._running.glob("*"):
            kill_leftovers(home)
            packages.remove(home)
        for unfinished in (*self._code.glob("unpacking-*"), *self._layers.glob("unpacking-*")):
            packages.remove(unfinished)

    def remove_unused_code(self, in_use: set[str]) -> None:
        """Remove unpacked code that neither the store nor a sandbox knows any more. Blocking."""
        for folder in self._code.glob("*"):
            # What was made just now may belong to a function whose creation is under way.
            if folder.name in in_use or self._clock() - folder.stat().st_mtime < _UNUSED_CODE_AGE_S:
                continue
            with self._store.view() as view:
                known = registry.has_code(view, folder.name)
            if not known:
                packages.remove(folder)
        self._remove_unused_layers()

    def _remove_unused_layers(self) -> None:
        """Merged layers that no version has, and that no sandbox can still have: each marks its folder at its start."""
        old = [path for path in self._layers.glob("*") if self._clock() - path.stat().st_mtime > _UNUSED_LAYERS_AGE_S]
        if not old:
            return
        with self._store.view() as view:
            known = {layers.folder_name(record.get("layers") or []) for _, record in registry.versions.below(view)}
        for folder in old:
            if folder.name not in known:
                packages.remove(folder)

    def find_programs(self) -> None:
        """Find out how functions are isolated, and look for the programs of every runtime that some function uses:
        before the first one needs it. Blocking.
        """
        self.enclosure()
        with self._store.view() as view:
            runtimes = {record["runtime"] for _, record in registry.versions.below(view)}
        for runtime in sorted(runtimes):
            self.find_program(runtime)

    def find_program(self, runtime: str) -> None:
        """The same for one runtime. That there is none is told when it is needed."""
        with contextlib.suppress(ApiError):
            self.interpreters.program(runtime)

    def enclosure(self) -> Enclosure:
        """What isolates functions here: tried once. Blocking."""
        with self._enclosure_lock:
            found = self._enclosure
            if found is None:
                # The folder of this service lies in the data directory.
                hidden = (self._folder.parent, Path.home())
                found = enclosures.find(self._isolation, hidden, self._folder / "trial")
                self._folder.mkdir(parents=True, exist_ok=True)
                (self._folder / ISOLATION_NOTE).write_text(found.kind)
                self._enclosure = found
            return found

    def code_folder(self, code_hash: str) -> Path:
        return self._code / code_hash

    async def make(self, record: dict[str, Any], *, initialization: str = "on-demand") -> Sandbox:
        """A sandbox for this version. Raises ApiError where the role, the runtime or the code is not to be had."""
        program = await asyncio.to_thread(self.interpreters.program, record["runtime"])
        enclosure = await asyncio.to_thread(self.enclosure) if self._enclosure is None else self._enclosure
        watch = self.watches.of(record)
        if watch is None:
            code = await asyncio.to_thread(self._unpacked, record["code_hash"])
        else:
            code = Path(watch.folder)
        try:
            credentials = await self._roles.role_credentials(
                record["role"], record["name"], self._settings.credentials_life_s
            )
        except ApiError as error:
            raise ApiError(
                "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.", status=403
            ) from error
        identity = randomness.random_bytes(16).hex()
        group = record["logging"]["LogGroup"]
        stream = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d/") + f"[{record['version']}]{identity}"
        home = self._running / identity
        opt = await asyncio.to_thread(self._merged, record["layers"]) if record.get("layers") else None
        contents = Contents(program, code, opt, home, record["ephemeral"] * _MEBIBYTE)
        place = enclosure.place(contents)
        command, entry = program.command(place.runtime), None
        if record["runtime"].startswith("provided"):
            command, entry = (f"{place.task_root}/bootstrap",), code / "bootstrap"
            if opt is not None and not entry.exists() and (opt / "bootstrap").exists():
                command, entry = (f"{place.layers}/bootstrap",), opt / "bootstrap"

        def environment(runtime_api: str) -> dict[str, str]:
            variables = sandbox_environment(
                record,
                initialization=initialization,
                credentials=credentials,
                runtime_api=runtime_api,
                endpoint_url=self._endpoint_url,
                place=place,
                program_folder=program.folder,
                log_group=group,
                log_stream=stream,
            )
            return variables | (debugger_environment(watch, record["runtime"], variables) if watch else {})

        extensions = tuple(f"{place.layers}/extensions/{name}" for name in _extensions(opt))
        if extensions:
            command = ("/bin/sh", f"{place.runtime}/extensions.sh", *extensions, "--", *command)
        launch = Launch(
            arguments=enclosure.enclose(contents, command),
            environment=environment,
            code=code,
            home=home,
            memory_bytes=record["memory"] * _MEBIBYTE,
            ephemeral_bytes=record["ephemeral"] * _MEBIBYTE,
            enclosed=enclosure.encloses,
            entry=entry,
            extensions=extensions,
            function={
                "functionName": record["name"],
                "functionVersion": record["version"],
                "handler": record["handler"],
                "accountId": record["account"],
            },
        )
        journal = Journal(self._logs, record["account"], record["region"], group, stream, self._clock)
        sandbox = Sandbox(launch, journal, self._listen, self._clock, self._settings)
        sandbox.expires = credentials.expiration
        isolation_remark = "" if enclosure.encloses or self._isolation == "none" else enclosures.REMARK_NONE
        watch_remark = "" if watch is None else f"TABLETOP running the code of {watch.folder}"
        architecture_remark = _architecture_remark(record["architectures"][0])
        for remark in (program.remark, architecture_remark, isolation_remark, watch_remark):
            if remark:
                journal.line(remark)
        return sandbox

    def _merged(self, layered: list[dict[str, Any]]) -> Path:
        return layers.merge(layered, self._layers, self._unpacked)

    def _unpacked(self, code_hash: str) -> Path:
        folder = self.code_folder(code_hash)
        if not folder.is_dir():
            with self._store.view() as view:
                zip_bytes = registry.code_bytes(view, code_hash)
            if zip_bytes is None:
                raise ApiError("ResourceNotFoundException", "The function's code is gone.", status=404)
            packages.unpack(zip_bytes, folder)
        return folder


def _extensions(opt: Path | None) -> list[str]:
    """Names of the external extensions that layers bring: executable files in /opt/extensions."""
    if opt is None or not (opt / "extensions").is_dir():
        return []
    found = [path for path in sorted((opt / "extensions").iterdir()) if path.is_file() and os.access(path, os.X_OK)]
    return [path.name for path in found[: limits.EXTENSIONS_MAX]]


def _architecture_remark(wanted: str) -> str:
    machine = platform.machine()
    if _ARCHITECTURES.get(machine, machine) == wanted:
        return ""
    return f"TABLETOP this machine is {machine}: the function asks for {wanted}, and runs as it is"
