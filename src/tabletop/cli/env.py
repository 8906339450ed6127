"""`tabletop env`"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tabletop.cli.servers import OVERRIDING_VARIABLES, aws_variables, find_server, server_options


@click.command("env")
@server_options
def command(port: int | None, data: Path | None) -> None:
    """Print lines for the shell that point AWS tools at the running server.

    \b
    Examples:
      eval "$(tabletop env)"
      aws dynamodb list-tables
    """
    click.echo(f"unset {' '.join(OVERRIDING_VARIABLES)}")
    for name, value in aws_variables(find_server(port, data)).items():
        click.echo(f"export {name}={shlex.quote(value)}")
