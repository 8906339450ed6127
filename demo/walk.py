"""Runs the steps: shows each command, what it answered, and whether every check held."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from demo.steps import SUCCEEDS, Command, Outcome, Step

TUTORIAL_ENDPOINT = "http://localhost:4566"
COMMAND_TIMEOUT_S = 60.0
REPEAT_EVERY_S = 0.5
OUTPUT_LINES_MAX = 30


@dataclass
class Tally:
    """What was run and what held, for the summary."""

    commands: int = 0
    held: int = 0
    failed: list[str] = field(default_factory=list)


def walk(steps: Sequence[Step], *, console: Console, work: Path, environment: dict[str, str], port: int) -> Tally:
    """Every step in order. A failed check does not stop the walk: the summary tells how much is wrong."""
    tally = Tally()
    for number, step in enumerate(steps, 1):
        console.print()
        console.print(Rule(Text(step.title, style="bold"), align="left"))
        console.print(Text(step.explanation))
        held_before, failed_before, started = tally.held, len(tally.failed), time.monotonic()
        for command in step.commands:
            run_one(command, console, work, environment, port, tally)
        held, failed = tally.held - held_before, len(tally.failed) - failed_before
        console.print()
        mark = Text("✗", style="bold red") if failed else Text("✓", style="bold green")
        seconds = time.monotonic() - started
        line = f" Step {number} of {len(steps)}: {held} of {held + failed} checks held, {seconds:.1f} s"
        console.print(mark + Text(line, style="bold"))
    return tally


def run_one(
    command: Command, console: Console, work: Path, environment: dict[str, str], port: int, tally: Tally
) -> None:
    text = command.text.replace(TUTORIAL_ENDPOINT, f"http://localhost:{port}")
    console.print()
    if command.title:
        console.print(Text(command.title, style="italic"))
    console.print(Syntax(f"$ {text}", "bash", theme="ansi_dark", background_color="default", word_wrap=True))
    checks = command.checks if any_judges_failure(command) else [SUCCEEDS, *command.checks]
    outcome, waited_s = answer_of(command, text, work, environment)
    console.print(*shown(outcome), sep="\n")
    if waited_s:
        console.print(Text(f"(asked again for {waited_s:.1f} s)", style="dim"))
    tally.commands += 1
    held = [check.says for check in checks if holds(check.holds, outcome)]
    failed = [check.says for check in checks if check.says not in held]
    tally.held += len(held)
    tally.failed += [f"{text.splitlines()[0]} : {says}" for says in failed]
    if held:
        console.print(Text("✓ ", style="green") + Text(" · ".join(held), style="dim"))
    for says in failed:
        console.print(Text("✗ ", style="bold red") + Text(says, style="bold"))


def any_judges_failure(command: Command) -> bool:
    """A command that must be refused says so in a check; any other one must succeed."""
    return any(check.says.startswith("refused") for check in command.checks)


def answer_of(command: Command, text: str, work: Path, environment: dict[str, str]) -> tuple[Outcome, float]:
    """The last answer, after asking again for as long as the command allows; and how long that was, or 0."""
    outcome = run(text, work, environment)
    started = time.monotonic()
    waited_s = 0.0
    while waited_s < command.within_s and not all(holds(check.holds, outcome) for check in command.checks):
        time.sleep(REPEAT_EVERY_S)
        outcome = run(text, work, environment)
        waited_s = time.monotonic() - started
    return outcome, waited_s


def holds(check: Callable[[Outcome], bool], outcome: Outcome) -> bool:
    """False as well where the answer has not the form that the check expects."""
    try:
        return check(outcome)
    except (ValueError, TypeError, LookupError):
        return False


def run(text: str, work: Path, environment: dict[str, str]) -> Outcome:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(-1, "", f"no answer within {COMMAND_TIMEOUT_S:.0f} s")
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def shown(outcome: Outcome) -> Iterator[Syntax | Text]:
    """The output as printed; JSON is coloured, and JSON text inside a function's answer is unfolded below it."""
    output = outcome.stdout.strip()
    if output:
        is_json = outcome.document is not None
        yield (
            Syntax(shortened(output), "json", theme="ansi_dark", background_color="default", word_wrap=True)
            if is_json
            else Text(shortened(output))
        )
        if is_json and isinstance(outcome.document, dict) and isinstance(outcome.document.get("body"), dict):
            body = json.dumps(outcome.document["body"], indent=2, ensure_ascii=False)
            yield Text("its body, unfolded:", style="dim")
            yield Syntax(shortened(body), "json", theme="ansi_dark", background_color="default", word_wrap=True)
    if outcome.stderr.strip():
        yield Text(shortened(outcome.stderr.strip()), style="yellow")
    if not output and not outcome.stderr.strip():
        yield Text("(no output)", style="dim")
    if outcome.status:
        yield Text(f"(exit status {outcome.status})", style="dim")


def shortened(output: str) -> str:
    lines = output.splitlines()
    if len(lines) <= OUTPUT_LINES_MAX:
        return output
    return "\n".join([*lines[:OUTPUT_LINES_MAX], f"... ({len(lines) - OUTPUT_LINES_MAX} more lines)"])
