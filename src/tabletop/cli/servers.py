"""Which server a subcommand is about, and how AWS tools reach it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tabletop.base.errors import StartupError
from tabletop.base.settings import DEFAULT_PORT, Settings, settings_from
from tabletop.server.state import ServerState, running_servers

NOT_RUNNING = 3
"""Exit status when there is no such server, as init scripts have it."""

Command = TypeVar("Command", bound=Callable[..., Any])


def server_options(command: Command) -> Command:
    """--port and --data, for picking one of several servers."""
    command = click.option(
        "--data", "-d", "data", type=click.Path(path_type=Path), help="The server on this data directory."
    )(command)
    return click.option("--port", "-p", type=int, help="The server at this port.")(command)


def matching_servers(port: int | None, data: Path | None) -> list[ServerState]:
    """The running servers that may be meant: by port, by data directory, or all of this user's."""
    try:
        servers = running_servers(settings_from({"data_directory": data}, {} if data else os.environ))
    except (StartupError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    return [server for server in servers if port is None or server.port == port]


def find_server(port: int | None, data: Path | None) -> ServerState | None:
    """The running server that is meant, or the first of several, or none."""
    return next(iter(matching_servers(port, data)), None)


def required_server(port: int | None, data: Path | None) -> ServerState:
    """Ends the command with status 3 when there is none, and with an error when several could be meant."""
    found = matching_servers(port, data)
    if len(found) > 1:
        listed = ", ".join(f"--port {server.port}" for server in found)
        raise click.ClickException(f"several servers are running; name one: {listed}")
    if not found:
        click.echo(
            "No server is running" + (f" at port {port}" if port else "") + ". Start one: tabletop start", err=True
        )
        raise SystemExit(NOT_RUNNING)
    return found[0]


def aws_variables(server: ServerState | None) -> dict[str, str]:
    """Environment variables that point AWS tools at the server; at the default address when none runs.

    A strict server knows only the keys that it made: the caller's own are kept, where the environment has any.
    """
    region = server.region if server else Settings().region
    variables = {
        "AWS_ENDPOINT_URL": server.address if server else f"http://localhost:{DEFAULT_PORT}",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if server is not None and server.auth == "strict":
        variables |= {name: os.environ[name] for name in KEY_VARIABLES if name in os.environ}
    else:
        variables |= dict.fromkeys(KEY_VARIABLES, "test")
    if server is not None and server.address.startswith("https"):
        certificate = Path(server.directory) / "tls" / "certificate.pem"
        if certificate.exists():
            variables["AWS_CA_BUNDLE"] = str(certificate)
    return variables


KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
OVERRIDING_VARIABLES = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""What would make AWS tools use other credentials than those above."""
