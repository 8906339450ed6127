"""`tabletop lambda watch`"""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from tabletop.base.call import ROOT_ACCOUNT
from tabletop.cli.servers import required_server, server_options

if TYPE_CHECKING:
    from tabletop.functions.watching import Watch

HOLD_TRIES = 20
NAMES_SHOWN_MAX = 5


@click.command("watch")
@server_options
@click.option("--region", help="Region of the function. Default: the server's.")
@click.option("--account", default=ROOT_ACCOUNT, show_default=True, help="Account of the function.")
@click.option("--debug", "debug_port", type=click.IntRange(1, 65535), help="Port where a debugger can attach.")
@click.option("--wait", is_flag=True, help="With --debug: begin only when a debugger has attached.")
@click.argument("name")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
def command(
    port: int | None,
    data: Path | None,
    region: str | None,
    account: str,
    debug_port: int | None,
    wait: bool,
    name: str,
    folder: Path,
) -> None:
    """Run the code of the function NAME from FOLDER, and pick up every edit in under a second, until Ctrl-C.

    Nothing is zipped or stored: when the command ends, the stored code runs again. Only $LATEST is concerned. Changes
    below node_modules, __pycache__, .venv and .git are not looked for.

    With --debug PORT the function listens for a debugger on 127.0.0.1:PORT, and its time limit is 15 minutes. Python
    functions need debugpy in the folder (pip install debugpy --target FOLDER), Node.js has its own inspector.

    \b
    Examples:
      tabletop lambda watch hello ./src
      tabletop lambda watch hello ./src --debug 5678          then attach to localhost:5678
      tabletop lambda watch hello ./src --debug 9229 --wait   begin only when the debugger is there
    """
    from tabletop.functions import watching

    server = required_server(port, data)
    watch = watching.Watch(account, region or server.region, name, str(folder), 0, debug_port or 0, wait)
    directory = Path(server.directory)
    _require_function(directory, watch)
    signal.signal(signal.SIGTERM, _interrupt)
    held = None
    for _ in range(HOLD_TRIES):
        # The server's own look at the file holds it for a moment.
        held = watching.start(directory, watch)
        if held is not None:
            break
        time.sleep(0.01)
    if held is None:
        raise click.ClickException(f"another command watches {name} already")
    try:
        click.echo(f"{name} runs the code of {folder}. Ctrl-C ends it.")
        if debug_port:
            click.echo(f"A debugger can attach to 127.0.0.1:{debug_port} once the function has been invoked.")
        before = watching.snapshot(folder)
        while True:
            time.sleep(watching.LOOK_S)
            now = watching.snapshot(folder)
            if now != before:
                watch = replace(watch, edits=watch.edits + 1)
                watching.write(held, watch)
                click.echo(f"picked up: {_named(before, now)}")
                before = now
    except KeyboardInterrupt:
        click.echo(f"\n{name} runs its stored code again.")
    finally:
        held.release()


def _require_function(directory: Path, watch: Watch) -> None:
    from tabletop.functions import registry
    from tabletop.storage.engine import open_store

    store = open_store(directory)
    try:
        with store.view() as view:
            found = registry.functions.get(view, *watch.key)
    finally:
        store.close()
    if found is None:
        raise click.ClickException(f"there is no function {watch.name} in {watch.region} (account {watch.account})")


def _named(before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]) -> str:
    changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    more = len(changed) - NAMES_SHOWN_MAX
    return ", ".join(changed[:NAMES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
