"""`tabletop compact`"""

from __future__ import annotations

import os
from pathlib import Path

import click

from tabletop.base.clock import system_clock
from tabletop.base.errors import StartupError
from tabletop.base.files import copy_private
from tabletop.base.settings import settings_from
from tabletop.server.state import hold_data_directory

KEPT_BESIDE = ("secret.key",)
"""What of a data directory is not in the store, and cannot be made again."""


@click.command("compact")
@click.option("--data", "-d", "data", type=click.Path(path_type=Path), help="Data directory to compact.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), help="Write a compacted copy there instead (a backup)."
)
def command(data: Path | None, target: Path | None) -> None:
    """Give the space of deleted data back to the disk.

    Free space in the store is used again by itself; this makes the file smaller. In place it needs the server stopped. With
    --to it writes a compacted data directory of this moment, also beside a running server: a backup to start from.

    \b
    Examples:
      tabletop compact
      tabletop compact --data ./db --to ./backup && tabletop check --data ./backup
    """
    from tabletop.storage import compaction

    directory = settings_from({"data_directory": data}, os.environ).directory
    if directory is None or not (directory / "store").is_dir():
        raise click.ClickException(f"there is no data directory {directory or 'in memory'}")
    try:
        if target is not None:
            saved = compaction.copy(directory, target, system_clock())
            for name in KEPT_BESIDE:
                copy_private(directory / name, target / name)
            click.echo(f"Copied to {target}: {_size(saved.after_bytes)} instead of {_size(saved.before_bytes)}.")
            return
        try:
            held = hold_data_directory(directory)
        except StartupError as error:
            raise StartupError(
                f"{error}: stop it first, or write a compacted copy beside it with --to FOLDER. Free space within the "
                f"store is used again either way"
            ) from error
        try:
            saved = compaction.compact(directory)
        finally:
            held.release()
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    given_back = _size(max(0, saved.before_bytes - saved.after_bytes))
    now, before = _size(saved.after_bytes), _size(saved.before_bytes)
    click.echo(f"The store in {directory} takes {now} instead of {before}: {given_back} less.")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
