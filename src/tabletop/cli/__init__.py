"""The command ``tabletop``: one file per subcommand, imported when it is called and not before.

A subcommand's file has one ``command``; the table below has its name and its line in ``tabletop --help``, so
that the help needs no import either. ``servers`` finds the server that a subcommand is about.
"""

from __future__ import annotations

import importlib
import keyword

import click

from tabletop import __version__

COMMANDS = {
    "start": "Start the server.",
    "status": "Show the running server: address, data directory, tables.",
    "stop": "Stop the running server and wait until it has ended.",
    "aws": "Run the AWS CLI against the running server.",
    "env": "Print export lines that point AWS tools at the running server.",
    "profile": "Print or write the AWS profile `localstack`.",
    "root-key": "Make a new root key, for --auth strict.",
    "iam": "Explain refusals, and write policies from what was done.",
    "import": "Load items from files into a table, many at once.",
    "export": "Write a table's items to a file.",
    "check": "Prove the stored data whole.",
    "compact": "Give the space of deleted data back to the disk, or write a compacted copy.",
    "lambda": "Functions on this machine: their runtimes, and their code while you work on it.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(cmd_name, COMMANDS, n=1)
            if near and not ctx.resilient_parsing:
                ctx.fail(f"No such command {cmd_name!r}. Did you mean {near[0]!r}?")
            return None
        module = cmd_name + "_" if keyword.iskeyword(cmd_name) else cmd_name.replace("-", "_")
        found = importlib.import_module(f"tabletop.cli.{module}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="tabletop")
def tabletop() -> None:
    """A DynamoDB that you own: DynamoDB, Lambda and IAM behind one endpoint.

    \b
    A first session:
      tabletop start                      serve at http://localhost:4566, until Ctrl-C
      tabletop aws dynamodb list-tables   in another terminal: the AWS CLI, pointed here
      tabletop status                     what runs, and where its data is

    Any AWS tool works with --endpoint-url http://localhost:4566 and the keys test/test.
    """


def main() -> None:
    """The entry point of ``tabletop`` and of ``python -m tabletop``."""
    tabletop(prog_name="tabletop")
