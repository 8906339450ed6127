"""`tabletop check`"""

from __future__ import annotations

import os
from itertools import chain, islice
from pathlib import Path

import click

from tabletop.base.errors import StartupError
from tabletop.base.settings import settings_from

PROBLEMS_SHOWN_MAX = 1000


@click.command("check")
@click.option("--data", "-d", "data", type=click.Path(path_type=Path), help="Data directory to check.")
def command(data: Path | None) -> None:
    """Prove the stored data whole: items, index entries, counters, logs, functions and their code. Also beside a running server.

    Exit status 0 when it is whole, 1 with a list of what is wrong.

    \b
    Examples:
      tabletop check
      tabletop check --data ./db
    """
    directory = settings_from({"data_directory": data}, os.environ).directory
    if directory is None or not directory.is_dir():
        raise click.ClickException(f"there is no data directory {directory or 'in memory'}")
    try:
        problems = check_directory(directory)
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    for problem in problems:
        click.echo(problem)
    if problems:
        shown = (
            f"{len(problems)} problems" if len(problems) < PROBLEMS_SHOWN_MAX else f"at least {len(problems)} problems"
        )
        raise click.ClickException(f"the data in {directory} is not whole: {shown}")
    click.echo(f"The data in {directory} is whole.")


def check_directory(directory: Path) -> list[str]:
    """What is wrong, one line each, the first PROBLEMS_SHOWN_MAX. Writes nothing. Raises StartupError."""
    from tabletop.dynamodb import checker as dynamodb_checker
    from tabletop.functions import checker as functions_checker
    from tabletop.storage import checker as storage_checker
    from tabletop.storage.engine import open_store

    store = open_store(directory)
    try:
        with store.view() as view:
            found = chain(
                storage_checker.problems(view), dynamodb_checker.problems(view), functions_checker.problems(view)
            )
            return list(islice(found, PROBLEMS_SHOWN_MAX))
    finally:
        store.close()
