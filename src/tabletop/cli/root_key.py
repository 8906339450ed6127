"""`tabletop root-key`"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from tabletop.base.errors import StartupError
from tabletop.base.settings import settings_from


@click.command("root-key")
@click.option("--data", "-d", "data", type=click.Path(path_type=Path), help="Data directory whose root key to replace.")
def command(data: Path | None) -> None:
    """Make a new root key and show it, once. The one before opens nothing from then on. Also beside a running server.

    \b
    Examples:
      tabletop root-key
      eval "$(tabletop root-key --data ./db)"
    """
    directory = settings_from({"data_directory": data}, os.environ).directory
    if directory is None or not directory.is_dir():
        raise click.ClickException(f"there is no data directory {directory or 'in memory'}")
    try:
        access_key_id, secret = asyncio.run(_replace(directory))
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"export AWS_ACCESS_KEY_ID={access_key_id}\nexport AWS_SECRET_ACCESS_KEY={secret}")


async def _replace(directory: Path) -> tuple[str, str]:
    from tabletop.iam.credentials import Keyring, open_key_file
    from tabletop.iam.root_key import new_root_key
    from tabletop.storage.engine import open_store

    store = open_store(directory)
    try:
        drawn = await new_root_key(store, Keyring(open_key_file(directory / "secret.key")))
    finally:
        store.close()
    return drawn.access_key_id, drawn.secret
