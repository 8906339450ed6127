"""`tabletop lambda runtimes`"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tabletop.base import log
from tabletop.base.errors import ApiError
from tabletop.base.files import runtimes_directory

if TYPE_CHECKING:
    from tabletop.functions.interpreters import Interpreters


@dataclass(frozen=True, slots=True)
class Row:
    """``runs``: with its own version (True), with another one (False), or not at all (None)."""

    runtime: str
    runs: bool | None
    program: str = ""
    version: str = ""
    boto3: str = ""
    note: str = ""


@click.command("runtimes")
@click.option("--install", "install", metavar="RUNTIME", help="Install a boto3 that this Python runtime can import.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def command(install: str | None, as_json: bool) -> None:
    """List each Lambda runtime, the program that would run it here, and why not otherwise.

    A Python runtime needs an interpreter of its version that can import boto3. Today's boto3 is for newer Pythons only:
    --install fetches, by pip, the newest one that the version can import. Servers use it for the next process they start.

    \b
    Examples:
      tabletop lambda runtimes
      tabletop lambda runtimes --install python3.9
    """
    from tabletop.functions.interpreters import CURRENT, Interpreters

    log.configure("off")
    with tempfile.TemporaryDirectory(prefix="tabletop-runtimes-") as scratch:
        interpreters = Interpreters(Path(scratch), runtimes_directory())
        if install is not None:
            if install not in CURRENT or not install.startswith("python"):
                raise click.UsageError(f"--install takes a Python runtime, as python3.9, not {install}")
            _install(install, interpreters)
            return
        rows = [row_of(interpreters, runtime) for runtime in sorted(CURRENT, key=_order)]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows)


def row_of(interpreters: Interpreters, runtime: str) -> Row:
    from tabletop.functions import sdks

    try:
        program = interpreters.program(runtime)
    except ApiError as error:
        return Row(runtime, None, note=str(error.message))
    note = program.remark.partition(f"{runtime} ")[2] if program.remark else ""
    boto3 = sdks.version(program.sdk) if program.sdk is not None else ""
    executable = "" if program.executable.startswith("./") else program.executable
    return Row(runtime, not program.remark, executable, program.version, boto3, note)


def _install(runtime: str, interpreters: Interpreters) -> None:
    from tabletop.functions.sdk_install import InstallError, install

    before = row_of(interpreters, runtime)
    if before.runs:
        click.echo(f"{runtime} runs already: {before.version} with boto3 {before.boto3}.")
        return
    if "is not on this machine" in before.note:
        raise click.ClickException(f"there is no {runtime} on this machine to install it for")
    try:
        version = install(runtime, runtimes_directory())
    except InstallError as error:
        raise click.ClickException(str(error)) from error
    after = row_of(interpreters, runtime)
    if not after.runs:
        raise click.ClickException(f"boto3 {version} is installed, and {runtime} still cannot import it")
    click.echo(f"{runtime} runs from now on with {after.version} and boto3 {version} (in {runtimes_directory()}).")


def _order(runtime: str) -> tuple[str, list[int], str]:
    family = runtime.rstrip("0123456789.x")
    numbers = runtime.removeprefix(family).removesuffix(".x").split(".")
    return family, [int(number) for number in numbers if number.isdigit()], runtime


def _print(rows: list[Row]) -> None:
    for row in rows:
        version = row.version + (f", boto3 {row.boto3}" if row.boto3 else "")
        click.echo(f"{row.runtime:<16} {version or 'nothing':<30} {_remark(row)}".rstrip())
    for row in rows:
        if "--install" in row.note:
            click.echo(f"\nFor {row.runtime} itself: tabletop lambda runtimes --install {row.runtime}")


def _remark(row: Row) -> str:
    if row.runs is None:
        return row.note
    return row.program if row.runs else "another version: it " + row.note.partition(": running with")[0]
