"""`tabletop profile`"""

from __future__ import annotations

import os
from pathlib import Path

import click

from tabletop.base.files import private_directory, write_private
from tabletop.cli.servers import KEY_VARIABLES, aws_variables, find_server, server_options

PROFILE = "localstack"


@click.command("profile")
@server_options
@click.option("--write", is_flag=True, help="Write it to the AWS configuration files instead of printing it.")
@click.option("--replace", is_flag=True, help="With --write: replace a profile of this name that is there already.")
def command(port: int | None, data: Path | None, write: bool, replace: bool) -> None:
    """Print the AWS profile `localstack`, which points AWS tools at this server; --write adds it to ~/.aws.

    \b
    Examples:
      tabletop profile
      tabletop profile --write
      aws dynamodb list-tables --profile localstack
    """
    variables = aws_variables(find_server(port, data))
    if not variables.keys() >= set(KEY_VARIABLES):
        raise click.ClickException(f"the server is strict: set {' and '.join(KEY_VARIABLES)} to a key that it made")
    lines = {
        "config": [
            f"region = {variables['AWS_REGION']}",
            "output = json",
            "cli_binary_format = raw-in-base64-out",
            f"endpoint_url = {variables['AWS_ENDPOINT_URL']}",
        ],
        "credentials": [f"{name.lower()} = {variables[name]}" for name in KEY_VARIABLES],
    }
    places = {
        "config": (_file("AWS_CONFIG_FILE", "config"), f"profile {PROFILE}"),
        "credentials": (_file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), PROFILE),
    }
    for kind, (path, section) in places.items():
        if write:
            _write(path, section, lines[kind], replace)
        else:
            click.echo("\n".join((f"# {path}", f"[{section}]", *lines[kind], "")))


def _file(variable: str, name: str) -> Path:
    given = os.environ.get(variable)
    return Path(given).expanduser() if given else Path.home() / ".aws" / name


def _write(path: Path, section: str, lines: list[str], replace: bool) -> None:
    path = path.resolve()
    before = path.read_text() if path.exists() else ""
    others, own = split_section(before, section)
    if own == lines:
        click.echo(f"{path} has [{section}] already.")
        return
    if own is not None and not replace:
        raise click.ClickException(f"{path} has another [{section}]; --replace replaces it")
    separator = "" if not others else "\n" if others.endswith("\n") else "\n\n"
    private_directory(path.parent)
    write_private(path, "\n".join((others + separator + f"[{section}]", *lines, "")).encode())
    click.echo(f"Wrote [{section}] to {path}.")


def split_section(text: str, section: str) -> tuple[str, list[str] | None]:
    """The text without the section, and the section's settings; None where it is not there. Comments elsewhere stay."""
    others: list[str] = []
    own: list[str] | None = None
    inside = False
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped == f"[{section}]"
            if inside:
                own = own or []
                continue
        if not inside:
            others.append(line)
        elif stripped and own is not None:
            own.append(stripped)
    return "".join(others).rstrip("\n") + ("\n" if others else ""), own
