"""Every option of the server, once: name, default, meaning, environment variable.

The command line, the documentation and the workers' start are derived from ``OPTIONS``; a test asserts that
``Settings`` has the same fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tabletop.base.call import DEFAULT_REGION
from tabletop.base.files import default_data_directory
from tabletop.base.limits import WORKERS_MAX
from tabletop.base.log import LEVELS

DEFAULT_PORT = 4566
VARIABLE_PREFIX = "TABLETOP_"

Kind = Literal["text", "integer", "flag", "path"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``flags`` are its spellings on the command line; ``name`` is its field in ``Settings``."""

    name: str
    flags: tuple[str, ...]
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 2**31 - 1

    @property
    def variable(self) -> str:
        """The environment variable that sets it where the command line does not: named as its flag is."""
        return VARIABLE_PREFIX + self.flags[0].removeprefix("--").replace("-", "_").upper()

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables that set it; the first that is there counts. ``name`` is an older spelling for some."""
        return tuple(dict.fromkeys((self.variable, VARIABLE_PREFIX + self.name.upper())))


OPTIONS: tuple[Option, ...] = (
    Option("host", ("--host",), "text", "localhost",
           "Address to listen on. localhost is 127.0.0.1 and ::1; 0.0.0.0 lets other machines in."),
    Option("port", ("--port", "-p"), "integer", DEFAULT_PORT, "Port to listen on; 0 takes a free one.", maximum=65535),
    Option("data_directory", ("--data", "-d"), "path", None,
           "Directory that keeps the data. Default: the user data folder of this platform."),
    Option("in_memory", ("--in-memory",), "flag", False, 
           "Keep data in memory only: faster, and gone when the server stops."),
    Option("workers", ("--workers", "-w"), "integer", 1,
           "Worker processes that share the port. One per core is most; one saves memory.",
           minimum=1, maximum=WORKERS_MAX),
    Option("region", ("--region",), "text", DEFAULT_REGION, "Region of requests whose signature names none."),
    Option("auth", ("--auth",), "text", "enforce",
           "enforce: keys made here are verified and limited by their policies; test/test, and keys made elsewhere, are "
           "the account's root. strict: other keys are refused, test/test too. off: all are root.",
           ("enforce", "strict", "off")),
    Option("root_key", ("--root-key",), "text", None,
           "ID:SECRET of the account's root key, which takes the place of the one before. For tests with --auth strict: "
           "test:test. Without it, the first start with --auth strict makes one and shows it; see tabletop root-key."),
    Option("log_level", ("--log-level",), "text", "warning", 
           "Least severe log lines to write to stderr.", tuple(LEVELS)),
    Option("log_format", ("--log-format",), "text", "text", "Log lines as text or as JSON objects.", ("text", "json")),
    Option("tls", ("--tls",), "flag", False,
           "Serve HTTPS, with a self-made certificate unless --tls-certificate names one."),
    Option("tls_certificate", ("--tls-certificate",), "path", None,
           "PEM file of the certificate (chain) to serve HTTPS with."),
    Option("tls_key", ("--tls-key",), "path", None, "PEM file of the certificate's private key."),
    Option("table_delay_ms", ("--table-delay",), "integer", 0,
           "Milliseconds that a table or index stays CREATING, UPDATING or DELETING.", maximum=3_600_000),
    Option("isolation", ("--isolation",), "text", "auto",
           "What keeps Lambda functions from your files: bubblewrap, namespaces, none, or auto for the best there is.",
           ("auto", "bubblewrap", "namespaces", "none")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of one server, checked. Made by ``settings_from``."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    data_directory: Path | None = None
    """None: the platform's default (``directory``), or nowhere when ``in_memory``."""
    in_memory: bool = False
    workers: int = 1
    region: str = DEFAULT_REGION
    auth: Literal["enforce", "strict", "off"] = "enforce"
    root_key: str | None = None
    log_level: str = "warning"
    log_format: str = "text"
    tls: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    table_delay_ms: int = 0
    isolation: str = "auto"

    @property
    def directory(self) -> Path | None:
        """The data directory to use; None when the data is to live in memory."""
        if self.in_memory:
            return None
        return self.data_directory or default_data_directory()

    @property
    def secure(self) -> bool:
        return self.tls or self.tls_certificate is not None

    def to_json(self) -> str:
        """For a worker process, on its command line: without the root key. ``settings_from_json`` reads it."""
        return json.dumps(asdict(self) | {"root_key": None}, default=str)


def misspelt_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that set nothing, each with the one that was likely meant."""
    from difflib import get_close_matches

    known = [name for option in OPTIONS for name in option.variables]
    unknown = sorted(name for name in environment if name.startswith(VARIABLE_PREFIX) and name not in known)
    found = {name: get_close_matches(name, known, n=1, cutoff=0.85) for name in unknown}
    return {name: matches[0] for name, matches in found.items() if matches}


def settings_from_json(text: str) -> Settings:
    return settings_from(json.loads(text))


def settings_from(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from what was given (None: not given), else from the environment, else the defaults.

    Raises ValueError with a line that names the option.
    """
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.name)
        if value is None and environment is not None:
            value = next((environment[name] for name in option.variables if environment.get(name)), None)
        values[option.name] = option.default if value is None else _convert(option, value)
    unknown = given.keys() - values.keys()
    if unknown:
        raise ValueError(f"there is no option named {sorted(unknown)[0]}")
    settings = Settings(**values)
    if settings.in_memory and given.get("data_directory") is not None:
        raise ValueError("--in-memory and --data exclude each other")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise ValueError("--tls-certificate and --tls-key belong together")
    return settings


def _convert(option: Option, value: Any) -> Any:
    name = option.flags[0]
    if option.kind == "flag":
        return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on")
    if option.kind == "path":
        return Path(value).expanduser().absolute()
    if option.kind == "integer":
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"{name} takes a whole number, not {value!r}") from None
        if not option.minimum <= number <= option.maximum:
            raise ValueError(f"{name} takes {option.minimum} to {option.maximum}, not {number}")
        return number
    if option.choices and value not in option.choices:
        raise ValueError(f"{name} takes {', '.join(option.choices)}, not {value!r}")
    return str(value)
