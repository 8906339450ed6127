"""Which program runs which runtime on this machine: looked for once, tried for real, and named honestly.

A Python runtime is served by an interpreter of exactly that version, if there is one that runs and can import our
boto3; otherwise by the interpreter that runs the server. boto3 and what it needs are offered to functions through a
folder of links (``sdk``), and nothing else of the server's packages is: as on AWS, the function brings all else.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tabletop.base.errors import ApiError
from tabletop.base.log import Log

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

_SDK_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_SDK_DISTRIBUTIONS = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")
_PROBE_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Program:
    """How to start a runtime. ``remark`` is what the function's log must say about it, or ""."""

    arguments: tuple[str, ...]
    remark: str = ""

    @property
    def folder(self) -> str:
        return str(Path(self.arguments[0]).parent)


class Interpreters:
    """The machine's programs; ``sdk`` is a folder that this object owns."""

    def __init__(self, sdk: Path) -> None:
        self.sdk = sdk
        self._found: dict[str, Program] = {}
        self._lock = threading.Lock()

    def program(self, runtime: str) -> Program:
        """Blocking (may start processes): call it in a thread. Raises ApiError where nothing here can run it."""
        known = self._found.get(runtime)
        if known is not None:
            # Without the lock: somebody may hold it for seconds while a slow interpreter is tried.
            return known
        with self._lock:
            if runtime not in self._found:
                self._link_sdk()
                self._found[runtime] = self._find(runtime)
            return self._found[runtime]

    def _find(self, runtime: str) -> Program:
        if runtime.startswith("provided"):
            return Program(("./bootstrap",))
        if runtime.startswith("nodejs"):
            return _find_node(runtime)
        return self._find_python(runtime)

    def _find_python(self, runtime: str) -> Program:
        wanted = runtime.removeprefix("python")
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        script = str(BOOTSTRAPS / "python.py")
        server_python: str = getattr(sys, "_base_executable", None) or sys.executable
        if wanted != own:
            reason = "is not on this machine"
            for candidate in _pythons(wanted):
                if self._imports_sdk(candidate, wanted):
                    return Program((candidate, "-S", script))
                if self._runs(candidate, wanted, "pass"):
                    reason = "cannot import the boto3 that is installed here"
            instead = ".".join(map(str, sys.version_info[:3]))
            remark = f"TABLETOP runtime {runtime} {reason}: running with Python {instead}"
            _log.warning("another runtime runs instead", runtime=runtime, reason=reason, instead="Python " + instead)
            return Program((server_python, "-S", script), remark)
        return Program((server_python, "-S", script))

    def _imports_sdk(self, candidate: str, version: str) -> bool:
        # The import also leaves compiled files behind, which the sandboxes themselves do not write.
        return self._runs(candidate, version, f"sys.path.append({str(self.sdk)!r}); import boto3")

    def _runs(self, candidate: str, version: str, statements: str) -> bool:
        probe = f"import sys; assert sys.version.startswith('{version}.'); {statements}"
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
        try:
            done = subprocess.run(
                # -I: nothing of the present directory or of the user is imported; older Pythons know it too.
                [candidate, "-I", "-S", "-c", probe],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_PROBE_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def _link_sdk(self) -> None:
        self.sdk.mkdir(parents=True, exist_ok=True)
        for source in _sdk_sources():
            link = self.sdk / source.name
            if link.is_symlink() and link.readlink() == source:
                continue
            link.unlink(missing_ok=True)
            link.symlink_to(source)


def _sdk_sources() -> list[Path]:
    sources = []
    for name in _SDK_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            sources.append(origin.parent if origin.name == "__init__.py" else origin)
    for name in _SDK_DISTRIBUTIONS:
        try:
            description = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        folder = Path(str(description.locate_file("")))
        sources.extend(folder.glob(f"{name.replace('-', '_')}-*.dist-info"))
    return sources


def _pythons(version: str) -> list[str]:
    """Interpreters that may be of this version: on the PATH, and where pyenv keeps its own."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = [Path(folder) / f"python{version}" for folder in folders if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates.extend(sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True))
    return [str(path) for path in dict.fromkeys(candidates) if os.access(path, os.X_OK)]


def _find_node(runtime: str) -> Program:
    node = shutil.which("node")
    version = _output_of([node, "--version"]).lstrip("v") if node else ""
    if not node or not version:
        raise ApiError(
            "InvalidRuntimeException",
            f"There is no node on this machine, which the runtime {runtime} needs.",
            status=502,
        )
    arguments = (node, str(BOOTSTRAPS / "node.mjs"))
    if version.split(".")[0] == runtime.removeprefix("nodejs").split(".")[0]:
        return Program(arguments)
    _log.warning("runtime is not on this machine; another runs instead", runtime=runtime, instead="Node.js " + version)
    return Program(arguments, f"TABLETOP runtime {runtime} is not on this machine: running with Node.js {version}")


def _output_of(arguments: list[str]) -> str:
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
