"""What keeps a function from the store's files, from other functions and from its owner's home.

    bubblewrap   the program ``bwrap`` makes the function's own view of the system (user, mount, process and IPC namespaces)
    namespaces   the same view made by ``unshare``, ``mount`` and ``pivot_root``, where there is no bubblewrap
    none         a plain process of the server's user: what the owner can read, the function can read

The best that this machine permits is found by trying it, once, with the very arguments that functions get. Inside:

    /usr /bin /lib ... some of /etc      the system's, read-only; so are /var/task (code), /opt (layers) and /var/runtime
    /tmp                                 its own, in memory, no larger than EphemeralStorage
    /proc /dev                           its own processes, read-only; null, zero, full, random, urandom and tty

The function's environment is handed over on standard input and set inside: what it says (LD_PRELOAD, say) must not reach
the programs that make the enclosure, which run outside of it.

/proc is read-only because of servers that run as root, as they do in many containers: the kernel's settings below
/proc/sys belong to the machine's root, capabilities or not, and one of them (core_pattern) names a program to run.

Nothing else is there: no data directory, no home, no other function. The network stays that of the machine: functions
must reach the endpoint. So a function can reach the Runtime API of another one, if it finds its port.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tabletop.base.log import Log
from tabletop.functions.interpreters import BOOTSTRAPS, Program

_log = Log("functions")

Kind = Literal["bubblewrap", "namespaces", "none"]

MEANINGS: dict[str, str] = {
    "bubblewrap": "each function sees its own code and /tmp, nothing of the store or of your home (bubblewrap)",
    "namespaces": "each function sees its own code and /tmp, nothing of the store or of your home (namespaces)",
    "none": "none: functions are plain processes and can read whatever you can read",
}
REMARK_NONE = "TABLETOP this function is not isolated: bubblewrap and user namespaces are not to be had here"

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "fonts", "gai.conf", "group",
    "host.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
    "os-release", "passwd", "pki", "protocols", "resolv.conf", "services", "ssl", "timezone",
)  # fmt: skip
"""Of /etc only what programs need to run and to find hosts and certificates."""

OUTSIDE_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_SET_ENVIRONMENT = ("/bin/sh", "-c", 'eval "$(cat)"; exec "$@" </dev/null', "sh")

_ROOT_BYTES = 1024 * 1024
_PROBE_TIMEOUT_S = 10
_ENCLOSE = BOOTSTRAPS / "enclose.sh"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a function is to see, as the server knows it. ``layers`` is None where it has none."""

    program: Program
    code: Path
    layers: Path | None
    home: Path
    """The sandbox's own folder; the plain kind has its temporary files there."""
    ephemeral_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the function's processes find things."""

    task_root: str
    layers: str
    runtime: str
    temporary: str
    sdk: str


_INSIDE = Place("/var/task", "/opt", "/var/runtime", "/tmp", "/var/runtime/sdk")


class Enclosure:
    """One kind, ready to be used. ``hidden``: folders that must not be seen even where they lie in a visible one."""

    def __init__(self, kind: Kind, hidden: tuple[Path, ...] = (), variant: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self._hidden = tuple(folder.resolve() for folder in hidden)
        self._variant = variant

    @property
    def encloses(self) -> bool:
        return self.kind != "none"

    def place(self, contents: Contents) -> Place:
        if self.encloses:
            return _INSIDE
        return Place(
            str(contents.code),
            str(contents.layers or "/opt"),
            str(BOOTSTRAPS),
            str(contents.home / "tmp"),
            str(contents.program.sdk or ""),
        )

    def enclose(self, contents: Contents, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command that runs ``command`` inside, with the environment of ``given_environment`` on standard input."""
        if self.kind == "bubblewrap":
            return self._bubblewrap(contents, (*_SET_ENVIRONMENT, *command))
        if self.kind == "namespaces":
            return self._namespaces(contents, (*_SET_ENVIRONMENT, *command))
        return command

    def _bubblewrap(self, contents: Contents, command: tuple[str, ...]) -> tuple[str, ...]:
        arguments = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
        arguments += ["--cap-drop", "ALL", "--dev", "/dev", "--remount-ro", "/dev", *self._variant]
        for link, target in _links():
            arguments += ["--symlink", target, link]
        for source, target in _visible(contents):
            arguments += ["--ro-bind", source, target]
        for folder in self._masked(contents):
            arguments += ["--tmpfs", folder]
        # The size counts for the folder that is named next.
        arguments += ["--size", str(contents.ephemeral_bytes), "--tmpfs", "/tmp", "--dir", "/opt"]
        return (*arguments, "--remount-ro", "/", "--chdir", _INSIDE.task_root, "--", *command)

    def _namespaces(self, contents: Contents, command: tuple[str, ...]) -> tuple[str, ...]:
        arguments = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--ipc", "--uts", "--fork"]
        arguments += ["--kill-child", "--", "/bin/sh", str(_ENCLOSE), str(contents.home / "root")]
        arguments += [str(contents.ephemeral_bytes), str(_ROOT_BYTES)]
        for link, target in _links():
            arguments += ["link", target, link]
        for source, target in _visible(contents):
            arguments += ["show", source, target]
        for folder in self._masked(contents):
            arguments += ["hide", folder, folder]
        return (*arguments, "run", *command)

    def _masked(self, contents: Contents) -> Iterator[str]:
        shown = [Path(folder) for folder in _SYSTEM] + list(contents.program.folders)
        for hidden in self._hidden:
            if hidden.is_dir() and any(hidden.is_relative_to(folder) for folder in shown):
                yield str(hidden)


def given_environment(environment: dict[str, str]) -> bytes:
    """These variables, for the standard input of what ``enclose`` made."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()).encode()


def _links() -> Iterator[tuple[str, str]]:
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield name, str(path.readlink())


def _visible(contents: Contents) -> Iterator[tuple[str, str]]:
    """(what is there, where it is seen)."""
    for name in _SYSTEM:
        if Path(name).is_dir() and not Path(name).is_symlink():
            yield name, name
    for name in _ETC:
        path = Path("/etc", name)
        if path.exists():
            yield str(path), str(path)
    for folder in contents.program.folders:
        if not any(folder.is_relative_to(name) for name in _SYSTEM):
            yield str(folder), str(folder)
    yield str(contents.code), _INSIDE.task_root
    if contents.layers is not None:
        yield str(contents.layers), _INSIDE.layers
    for script in sorted(BOOTSTRAPS.iterdir()):
        if script.is_file():
            yield str(script), f"{_INSIDE.runtime}/{script.name}"
    for name, source in contents.program.sdk_sources:
        yield source, f"{_INSIDE.sdk}/{name}"


_PROC = ("--proc", "/proc", "--remount-ro", "/proc")
_KINDS: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    ("bubblewrap", "bwrap", (*_PROC, "--disable-userns")),
    ("bubblewrap", "bwrap", _PROC),
    # Containers often hide parts of /proc, and then permit no new one.
    ("bubblewrap", "bwrap", ("--dir", "/proc")),
    ("namespaces", "unshare", ()),
)


def find(wanted: str, hidden: tuple[Path, ...], scratch: Path, *, run: Callable[..., bool] | None = None) -> Enclosure:
    """The best kind that works here, or the ``wanted`` one ("auto": any). Blocking: starts programs.

    ``scratch`` is a folder for the trial, made and left empty.
    """
    attempt = run or _runs
    for kind, program, variant in _KINDS:
        if wanted not in ("auto", kind) or shutil.which(program) is None:
            continue
        enclosure = Enclosure(kind, hidden, variant)
        if attempt(enclosure, scratch):
            _log.info("functions are isolated", by=kind)
            return enclosure
    if wanted != "none":
        _log.warning("functions are not isolated: they can read what the server's user can read", wanted=wanted)
    return Enclosure("none")


_TRIAL = 'test "$PWD" = /var/task && : > /tmp/x && ! test -w /proc/sys/kernel/core_pattern'


def _runs(enclosure: Enclosure, scratch: Path) -> bool:
    code, home = scratch / "code", scratch / "home"
    for folder in (code, home):
        folder.mkdir(parents=True, exist_ok=True)
    contents = Contents(Program("/bin/sh"), code, None, home, _ROOT_BYTES)
    command = enclosure.enclose(contents, ("/bin/sh", "-c", _TRIAL))
    try:
        done = subprocess.run(
            command,
            env=OUTSIDE_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return done.returncode == 0
