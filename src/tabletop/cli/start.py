"""`tabletop start`: its options are those of ``base.settings``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import IO, Any

import click

from tabletop.base.clock import system_stopwatch
from tabletop.base.errors import StartupError
from tabletop.base.files import private_directory, runtime_directory
from tabletop.base.limits import READINESS_TIMEOUT_S
from tabletop.base.settings import OPTIONS, Option, Settings, misspelt_variables, settings_from
from tabletop.server.state import ServerState, running_servers

SHOWN_ONCE = ("The root key of this server", "export AWS_")
"""Beginnings of the lines that a server prints once and never again (``server.build``)."""
LOG_NAME = "server.log"


def _click_type(option: Option) -> Any:
    if option.kind == "integer":
        return click.IntRange(option.minimum, option.maximum)
    if option.kind == "path":
        return click.Path(path_type=Path)
    return click.Choice(option.choices) if option.choices else str


def _click_option(option: Option) -> click.Option:
    declaration = [*option.flags, option.name]
    text = f"{option.help}" if option.default in (None, False) else f"{option.help}  [default: {option.default}]"
    if option.kind == "flag":
        return click.Option(declaration, is_flag=True, default=None, help=text)
    return click.Option(declaration, type=_click_type(option), help=text)


def start(detach: bool, **given: Any) -> None:
    """Start the server and serve until Ctrl-C (or `tabletop stop`).

    \b
    Examples:
      tabletop start                          data in your user data folder, http://localhost:4566
      tabletop start --in-memory --port 0     for tests: nothing on disk, any free port
      tabletop start --data ./db --detach     in the background; returns when it answers
      tabletop start --workers 4              four processes share the port

    Each option can also be set by an environment variable: TABLETOP_ and the option's name, as in TABLETOP_PORT=4567,
    TABLETOP_DATA=/srv/db.
    """
    try:
        settings = settings_from(given, os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for name, meant in misspelt_variables(os.environ).items():
        click.echo(f"tabletop: {name} is no setting; was {meant} meant?", err=True)
    try:
        if detach:
            _start_in_background(settings)
        else:
            from tabletop.server.main import run

            run(settings, announce=lambda line: print(line, flush=True))
    except StartupError as error:
        click.echo(f"tabletop: {error}", err=True)
        raise SystemExit(1) from error


def _start_in_background(settings: Settings) -> None:
    """Start a server that outlives this command, and return when it serves. Raises StartupError."""
    log_path = (private_directory(settings.directory) if settings.directory else runtime_directory()) / LOG_NAME
    with log_path.open("ab+") as log:
        begin = log.seek(0, os.SEEK_END)
        environment = dict(os.environ)
        if settings.root_key is not None:
            # Not on the command line, which every user of the machine can read.
            environment["TABLETOP_ROOT_KEY"] = settings.root_key
        process = subprocess.Popen(
            # -P: what lies in the present directory is not imported in place of a library.
            [sys.executable, "-P", "-m", "tabletop", "start", *_arguments(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
        server = _wait_until_ready(settings, process)
        if server is None:
            process.kill()
            raise StartupError(_last_line(log, begin))
        log.seek(begin)
        for line in log.read().decode("utf-8", "replace").splitlines():
            if line.startswith(SHOWN_ONCE):
                click.echo(line)
    click.echo(f"Tabletop is ready at {server.address} (process {server.pid}, log {log_path}).")


def _arguments(settings: Settings) -> list[str]:
    arguments: list[str] = []
    for option in OPTIONS:
        if option.name == "root_key":
            continue
        value = getattr(settings, option.name)
        if option.kind == "flag":
            arguments += [option.flags[0]] if value else []
        elif value is not None:
            arguments += [option.flags[0], str(value)]
    return arguments


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes]) -> ServerState | None:
    """None when it ended or took too long."""
    deadline = system_stopwatch() + READINESS_TIMEOUT_S
    while process.poll() is None and system_stopwatch() < deadline:
        for server in running_servers(settings):
            if server.pid == process.pid:
                return server
        sleep(0.02)
    return None


def _last_line(log: IO[bytes], begin: int) -> str:
    log.seek(begin)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("tabletop: ") if lines else "the server did not become ready in time"


command = click.Command(
    "start",
    callback=start,
    help=start.__doc__,
    params=[
        *(_click_option(option) for option in OPTIONS),
        click.Option(["--detach"], is_flag=True, help="Run in the background; return when the server answers."),
    ],
)
