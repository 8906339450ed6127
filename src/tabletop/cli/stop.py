"""`tabletop stop`"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import sleep

import click

from tabletop.base.clock import system_stopwatch
from tabletop.base.limits import STOP_TIMEOUT_S
from tabletop.cli.servers import required_server, server_options
from tabletop.server.state import state_in


@click.command("stop")
@server_options
def command(port: int | None, data: Path | None) -> None:
    """Stop the running server: running requests finish, then it ends. Exit status 3 when none runs.

    \b
    Examples:
      tabletop stop
      tabletop stop --data ./db
    """
    server = required_server(port, data)
    os.kill(server.pid, signal.SIGTERM)
    deadline = system_stopwatch() + 2 * STOP_TIMEOUT_S + 5
    while system_stopwatch() < deadline:
        # The file is let go of as the last thing: then the data is closed and the directory free for another server.
        now = state_in(Path(server.directory))
        if now is None or now.pid != server.pid:
            click.echo(f"Stopped (process {server.pid}).")
            return
        sleep(0.02)
    raise click.ClickException(f"process {server.pid} did not end in time; it still runs")
