"""`tabletop aws`"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

import click

from tabletop.base.settings import DEFAULT_PORT
from tabletop.cli.servers import OVERRIDING_VARIABLES, aws_variables, find_server, not_running

MISSING = """The AWS CLI is not installed. Install it beside Tabletop:

    pip install 'tabletopdb[cli]'

or follow https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"""


@click.command(
    "aws", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Run the AWS CLI with endpoint, region and the keys test/test set; its exit status is passed on.

    Of several servers TABLETOP_PORT names one. One that runs with --auth strict needs your own keys in the environment.

    \b
    Examples:
      tabletop aws dynamodb list-tables
      tabletop aws lambda invoke --function-name hello out.json
      tabletop aws logs tail /aws/lambda/hello   (version 2 of the AWS CLI)
    """
    if arguments in (("--help",), ("-h",)):
        click.echo(click.get_current_context().get_help())
        return
    program = find_aws()
    if program is None:
        raise click.ClickException(MISSING)
    environment = {name: value for name, value in os.environ.items() if name not in OVERRIDING_VARIABLES}
    server = find_server(None, None)
    if server is None and not _needs_no_server(arguments) and not _answers(DEFAULT_PORT):
        # The AWS CLI itself would try again for half a minute.
        not_running()
    environment |= aws_variables(server)
    sys.stdout.flush()
    os.execve(program, [program, *arguments], environment)


def _needs_no_server(arguments: tuple[str, ...]) -> bool:
    return not arguments or arguments[0] in ("configure", "history", "help", "--version") or "help" in arguments


def _answers(port: int) -> bool:
    """Somebody listens there: another user's server, or one in a container."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


def find_aws() -> str | None:
    """The AWS CLI of this Python environment, else the one on the PATH."""
    beside = Path(sys.executable).parent / "aws"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("aws")
