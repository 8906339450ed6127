"""Which server a subcommand is about, and how AWS tools reach it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from tabletop.base.call import ROOT_ACCOUNT
from tabletop.base.errors import StartupError
from tabletop.base.settings import DEFAULT_PORT, Settings, settings_from
from tabletop.server.state import ServerState, running_servers

if TYPE_CHECKING:
    from tabletop.dynamodb.schema import Table
    from tabletop.storage.engine import LmdbStore

PORT_VARIABLE = "TABLETOP_PORT"
_START_S = 10.0
"""How long a command waits for a server that is just starting."""

NOT_RUNNING = 3
"""Exit status when there is no such server, as init scripts have it."""

Command = TypeVar("Command", bound=Callable[..., Any])


def server_options(command: Command) -> Command:
    """--port and --data, for picking one of several servers."""
    command = click.option(
        "--data", "-d", "data", type=click.Path(path_type=Path), help="The server on this data directory."
    )(command)
    return click.option("--port", "-p", type=int, help="The server at this port; TABLETOP_PORT says it too.")(command)


def table_options(command: Command) -> Command:
    """--region and --account: where the table is."""
    command = click.option("--region", help="Region of the table.  [default: the server's]")(command)
    return click.option("--account", default=ROOT_ACCOUNT, help="Account of the table.", show_default=True)(command)


def matching_servers(port: int | None, data: Path | None) -> list[ServerState]:
    """The running servers that may be meant: by port, by data directory, or all of this user's.

    Without either, the port counts that the environment names for `tabletop start`.
    """
    try:
        settings = settings_from({"data_directory": data}, {} if data else os.environ)
        servers = running_servers(settings, wait_s=_START_S)
    except (StartupError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if port is None and data is None and os.environ.get(PORT_VARIABLE):
        port = settings.port or None
    return [server for server in servers if port is None or server.port == port]


def find_server(port: int | None, data: Path | None) -> ServerState | None:
    """The running server that is meant, or none. Of several the one at the default port; without it ends the command."""
    servers = found = matching_servers(port, data)
    if len(servers) > 1:
        found = [server for server in found if server.port == DEFAULT_PORT]
        if not found:
            raise _several(servers)
    return found[0] if found else None


def _several(servers: list[ServerState]) -> click.ClickException:
    listed = ", ".join(f"--port {port}" for port in sorted(server.port for server in servers))
    return click.ClickException(f"several servers are running; name one: {listed} (or by {PORT_VARIABLE}=...)")


def required_server(port: int | None, data: Path | None) -> ServerState:
    """Ends the command with status 3 when there is none, and with an error when several could be meant."""
    found = matching_servers(port, data)
    if len(found) > 1:
        raise _several(found)
    if not found:
        not_running(port)
    return found[0]


def not_running(port: int | None = None) -> NoReturn:
    click.echo("No server is running" + (f" at port {port}" if port else "") + ". Start one: tabletop start", err=True)
    raise SystemExit(NOT_RUNNING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where data is: for commands that open the store themselves, beside a running server or without one."""

    directory: Path
    server: ServerState | None
    region: str
    """The server's, or what the settings say."""

    @property
    def durable(self) -> bool:
        return self.server is None or not self.server.in_memory


def place_of_data(port: int | None, data: Path | None) -> Place:
    """The running server's data; where none runs and no port is named, the data directory. Ends the command otherwise."""
    if port is not None or matching_servers(None, data):
        server = required_server(port, data)
        return Place(Path(server.directory), server, server.region or Settings().region)
    try:
        settings = settings_from({"data_directory": data}, os.environ)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    directory = settings.directory
    if directory is None or not (directory / "store").is_dir():
        raise click.ClickException(f"no server is running, and there is no data directory {directory or 'in memory'}")
    return Place(directory, None, settings.region)


def table_in(store: LmdbStore, place: Place, account: str, region: str | None, name: str) -> Table:
    """The table, or an error that says where tables of this name are."""
    from tabletop.dynamodb import catalog

    with store.view() as view:
        table = catalog.find(view, account, region or place.region, name)
        if table is not None and table.status == "ACTIVE":
            return table
        elsewhere = [
            f"--region {other.region} --account {other.account}"
            for _, other in catalog.readable(view)
            if other.name == name and other.status == "ACTIVE"
        ]
    hint = f"; there is one in: {', '.join(elsewhere)}" if elsewhere else ""
    raise click.ClickException(f"there is no table {name} in {region or place.region} of account {account}{hint}")


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
