"""``python -m demo [--port N] [--exit]``: the command behind ``make demo``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from demo.challenges import CHALLENGES
from demo.surroundings import (
    CannotStart,
    Surroundings,
    prepare,
    prepare_runtime,
    refuse_port_in_use,
    start_server,
    stop_server,
)
from demo.tutorial import CLEANUP, TUTORIAL
from demo.walk import Tally, walk


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Walks through the DynamoDB tutorial on Tabletop.")
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--exit", action="store_true", help="end after the walk; status 0 only if every check held")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    # Into a file or a pipe rich would fold at 80 columns, in the middle of commands.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    try:
        refuse_port_in_use(options.port)
        surroundings = prepare()
        console.print(Text(prepare_runtime(surroundings, "python3.9")), soft_wrap=True)
        server, ready_s = start_server(surroundings, options.port)
    except CannotStart as problem:
        console.print(Text(str(problem)), soft_wrap=True)
        return 2
    try:
        console.print(Text(f"Tabletop answers on http://localhost:{options.port} after {ready_s:.2f} s.", style="bold"))
        console.print(Text(f"Its data and log are in {surroundings.run}."), soft_wrap=True)
        tally = walk(
            [*TUTORIAL, *CHALLENGES, CLEANUP],
            console=console,
            work=surroundings.work,
            environment=surroundings.environment,
            port=options.port,
        )
        summarise(console, tally, time.monotonic() - started)
        if not options.exit:
            console.print(Text(invitation(surroundings, options.port)), soft_wrap=True)
            server.wait()
            console.print(Text("Tabletop has stopped."))
    except KeyboardInterrupt:
        console.print(Text("\nStopping Tabletop."))
        return 130 if options.exit else 0
    finally:
        stop_server(server)
    return 1 if tally.failed else 0


def interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def summarise(console: Console, tally: Tally, seconds: float) -> None:
    console.print()
    console.print(Rule(Text("Summary", style="bold"), align="left"))
    for failure in tally.failed:
        console.print(Text("✗ ", style="bold red") + Text(failure))
    total = tally.held + len(tally.failed)
    line = f"{tally.commands} commands, {tally.held} of {total} checks held, {seconds:.0f} seconds"
    console.print(Text(line, style="bold red" if tally.failed else "bold green"))


def invitation(surroundings: Surroundings, port: int) -> str:
    return f"""
Tabletop goes on running. To use it from another terminal with the profile of this walk:

    export AWS_CONFIG_FILE={surroundings.run / "config"}
    export AWS_SHARED_CREDENTIALS_FILE={surroundings.run / "credentials"}
    export PATH={Path(sys.executable).parent}:$PATH
    aws dynamodb list-tables --endpoint-url http://localhost:{port} --profile localstack

Ctrl-C ends it."""


if __name__ == "__main__":
    sys.exit(main())
