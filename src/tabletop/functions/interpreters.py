"""Which program runs which runtime on this machine: looked for once, tried for real, and named honestly.

A Python runtime is served by an interpreter of exactly that version, if there is one that runs and can import some
boto3 (``sdks``); otherwise by the interpreter that runs the server, and the function's log says so. ``tabletop lambda
runtimes`` shows the same search.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions import sdks

_log = Log("functions")

BOOTSTRAPS = Path(__file__).parent / "bootstraps"

CURRENT = frozenset(
    [
        "nodejs18.x",
        "nodejs20.x",
        "nodejs22.x",
        "nodejs24.x",
        "nodejs26.x",
        "python3.8",
        "python3.9",
        "python3.10",
        "python3.11",
        "python3.12",
        "python3.13",
        "python3.14",
        "python3.15",
        "provided",
        "provided.al2",
        "provided.al2023",
    ]
)
"""Runtimes that can be asked for here. Retired and foreign ones are refused when a function is made."""

_PROBE_TIMEOUT_S = 10
_QUESTION = f"""
import importlib.util, json, sys
found = {{}}
for name in {sdks.PACKAGES!r}:
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin:
        found[name] = spec.origin
print(json.dumps([".".join(map(str, sys.version_info[:3])), sys.executable, sys.base_prefix, found]))
"""


@dataclass(frozen=True, slots=True)
class Program:
    """How to start a runtime. ``remark`` is what the function's log must say about it, or ""."""

    executable: str
    options: tuple[str, ...] = ()
    script: str = ""
    """Our bootstrap that it runs; "" for a runtime that the function brings."""
    remark: str = ""
    version: str = ""
    """For people: "Python 3.9.18"."""
    folders: tuple[Path, ...] = ()
    """What it needs to see beside the system's own folders."""
    sdk: Path | None = None
    """Folder with boto3."""
    sdk_sources: tuple[tuple[str, str], ...] = ()
    """What is in ``sdk``: (name, real path)."""

    def command(self, bootstraps: str) -> tuple[str, ...]:
        """``bootstraps`` is the folder of our bootstraps, as the program sees it."""
        script = (f"{bootstraps}/{self.script}",) if self.script else ()
        return (self.executable, *self.options, *script)

    @property
    def folder(self) -> str:
        return str(Path(self.executable).parent)


@dataclass(frozen=True, slots=True)
class _Python:
    """An interpreter as it described itself."""

    executable: str
    version: str
    prefix: Path
    own_sdk: dict[str, str]


class Interpreters:
    """The machine's programs. ``sdk`` is a folder that this object owns; ``installed`` holds a folder for each runtime
    that a boto3 of its own was installed for.
    """

    def __init__(self, sdk: Path, installed: Path) -> None:
        self._sdk = sdk
        self._installed = installed
        self._found: dict[tuple[str, int], Program] = {}
        self._lock = threading.Lock()

    def program(self, runtime: str) -> Program:
        """Blocking (may start processes): call it in a thread. Raises ApiError where nothing here can run it."""
        # What is installed while the server runs counts from then on.
        key = (runtime, _changed(self._installed / runtime))
        known = self._found.get(key)
        if known is not None:
            # Without the lock: somebody may hold it for seconds while a slow interpreter is tried.
            return known
        with self._lock:
            if key not in self._found:
                sdks.link(self._sdk / "server", sdks.server_sources())
                self._found[key] = self._find(runtime)
            return self._found[key]

    def _find(self, runtime: str) -> Program:
        if runtime.startswith("provided"):
            # Bootstraps in Python find at least the interpreter that runs the server.
            return Program("./bootstrap", version="the function's own bootstrap", folders=(Path(sys.base_prefix),))
        if runtime.startswith("nodejs"):
            return _find_node(runtime)
        return self._find_python(runtime)

    def _find_python(self, runtime: str) -> Program:
        wanted = runtime.removeprefix("python")
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        server_python: str = getattr(sys, "_base_executable", None) or sys.executable
        instead = _Python(server_python, ".".join(map(str, sys.version_info[:3])), Path(sys.base_prefix), {})
        server_program = _python_program(instead, self._sdk / "server")
        if wanted == own:
            return server_program
        reason, advice = "is not on this machine", ""
        for candidate in _pythons(wanted):
            described = _describe(candidate, wanted)
            if described is None:
                continue
            for sdk in self._sdks(runtime, described):
                if _imports(described, sdk):
                    return _python_program(described, sdk)
            reason = "cannot import the boto3 that is installed here"
            advice = f" (an older one: tabletop lambda runtimes --install {runtime})"
        remark = f"TABLETOP runtime {runtime} {reason}: running with Python {instead.version}{advice}"
        _log.warning(
            "another runtime runs instead",
            runtime=runtime,
            reason=reason,
            instead="Python " + instead.version,
            remedy=advice.strip(" ()"),
        )
        return replace(server_program, remark=remark)

    def _sdks(self, runtime: str, described: _Python) -> list[Path]:
        """Folders with a boto3 that it may be able to import, the one that was chosen for it first."""
        folders = [self._installed / runtime, self._sdk / "server"]
        if "boto3" in described.own_sdk:
            own = self._sdk / runtime
            sdks.link(own, sdks.sources_from(described.own_sdk))
            folders.append(own)
        return [folder for folder in folders if folder.is_dir()]


def _python_program(described: _Python, sdk: Path) -> Program:
    return Program(
        described.executable,
        ("-S",),
        "python.py",
        version=f"Python {described.version}",
        folders=(described.prefix,),
        sdk=sdk,
        sdk_sources=sdks.contents(sdk),
    )


def _describe(candidate: str, version: str) -> _Python | None:
    """None unless it runs and is of this version. Shims of version managers tell which program they stand for."""
    answer = _output_of([candidate, "-I", "-c", _QUESTION])
    try:
        found, executable, prefix, own_sdk = json.loads(answer)
    except ValueError:
        return None
    if not found.startswith(version + "."):
        return None
    return _Python(executable, found, Path(prefix), own_sdk)


def _imports(described: _Python, sdk: Path) -> bool:
    # The import also leaves compiled files behind, which the sandboxes themselves do not write.
    statements = f"import sys; sys.path.append({str(sdk)!r}); import boto3; print('yes')"
    return _output_of([described.executable, "-I", "-S", "-c", statements]) == "yes"


def _pythons(version: str) -> list[str]:
    """Interpreters that may be of this version: on the PATH, and where pyenv keeps its own."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = [Path(folder) / f"python{version}" for folder in folders if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates.extend(sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True))
    return [str(path) for path in dict.fromkeys(candidates) if os.access(path, os.X_OK)]


def _find_node(runtime: str) -> Program:
    found = shutil.which("node")
    version = _output_of([found, "--version"]).lstrip("v") if found else ""
    if not found or not version:
        raise ApiError(
            "InvalidRuntimeException",
            f"There is no node on this machine, which the runtime {runtime} needs.",
            status=502,
        )
    node = Path(found).resolve()
    # bin/node of an installation of its own needs the rest of it; a lone file needs nothing.
    folder = node.parent.parent if node.parent.name == "bin" and node.parent.parent != Path.home() else node
    program = Program(str(node), script="node.mjs", version=f"Node.js {version}", folders=(folder,))
    if version.split(".")[0] == runtime.removeprefix("nodejs").split(".")[0]:
        return program
    _log.warning("runtime is not on this machine; another runs instead", runtime=runtime, instead="Node.js " + version)
    return replace(program, remark=f"TABLETOP runtime {runtime} is not on this machine: running with Node.js {version}")


def _output_of(arguments: list[str]) -> str:
    """Standard output of a program that is run on its own, or "" when it fails."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home())}
    if "PYENV_ROOT" in os.environ:
        environment["PYENV_ROOT"] = os.environ["PYENV_ROOT"]
    try:
        done = subprocess.run(
            arguments,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
