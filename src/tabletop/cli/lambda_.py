"""`tabletop lambda`: what concerns functions on this machine, beside the API."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "runtimes": "Which program of this machine runs which runtime, and why not.",
    "watch": "Run a function's code from a folder, picking up edits.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"tabletop.cli.lambda_{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("lambda", cls=_Commands)
def command() -> None:
    """Functions on this machine: their runtimes, and their code while you work on it.

    \b
    Examples:
      tabletop lambda runtimes                        what runs python3.9 here?
      tabletop lambda runtimes --install python3.9    a boto3 that it can import
      tabletop lambda watch hello ./src               hello runs from ./src, edits count at once
    """
