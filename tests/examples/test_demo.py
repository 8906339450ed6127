"""The demo's checks: each must be able to fail, or the walk would prove nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
REFUSAL = "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: The conditional ..."


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package beside the tests, which is not installed."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    import demo.challenges
    import demo.tutorial
    import demo.walk

    yield demo
    for name in [name for name in sys.modules if name.split(".")[0] == "demo"]:
        del sys.modules[name]


def outcome(demo: Any, stdout: str = "", *, status: int = 0, stderr: str = "") -> Any:
    return demo.steps.Outcome(status, stdout, stderr)


# Checks on the answer's JSON look into a function's body as well, and a wrong or missing value fails.
def test_checks_on_json(demo: Any) -> None:
    check = demo.steps.equals("body.user.age", 26)
    assert check.holds(outcome(demo, '{"statusCode": 200, "body": "{\\"user\\": {\\"age\\": 26}}"}'))
    for wrong in ('{"statusCode": 200, "body": "{\\"user\\": {\\"age\\": 25}}"}', '{"body": "x"}', "", "no JSON"):
        assert not check.holds(outcome(demo, wrong))


# A refusal needs a failed command and the right error: a success, or another error, is not one.
def test_checks_on_refusals(demo: Any) -> None:
    check = demo.steps.refused("ConditionalCheckFailedException")
    assert check.holds(outcome(demo, status=254, stderr=REFUSAL))
    assert not check.holds(outcome(demo, status=0, stderr=REFUSAL))
    assert not check.holds(outcome(demo, status=254, stderr="An error occurred (ValidationException)"))


# No check of the walk holds of a command that failed without a word: none is empty.
def test_every_command_can_fail(demo: Any) -> None:
    silence = outcome(demo, status=1)
    for step in [*demo.tutorial.TUTORIAL, *demo.challenges.CHALLENGES, demo.tutorial.CLEANUP]:
        for command in step.commands:
            checks = [*command.checks, demo.steps.SUCCEEDS]
            assert not all(demo.walk.holds(check.holds, silence) for check in checks), command.text


# The commands carry the tutorial's endpoint, which the walk replaces by the port in use.
def test_every_aws_command_names_endpoint_and_profile(demo: Any) -> None:
    for step in [*demo.tutorial.TUTORIAL, *demo.challenges.CHALLENGES, demo.tutorial.CLEANUP]:
        for command in step.commands:
            if command.text.startswith("aws "):
                assert demo.walk.TUTORIAL_ENDPOINT in command.text
                assert "--profile localstack" in command.text


# Without a tally of zero failures the demo must not end with status 0: a failing command is counted.
def test_a_failed_check_is_counted(demo: Any, tmp_path: Path) -> None:
    from rich.console import Console

    steps = [
        demo.steps.Step("title", "explanation", [demo.steps.Command("echo '{\"a\": 1}'", [demo.steps.equals("a", 2)])])
    ]
    console = Console(quiet=True)
    tally = demo.walk.walk(steps, console=console, work=tmp_path, environment={"PATH": "/usr/bin:/bin"}, port=1)
    assert (tally.commands, tally.held, len(tally.failed)) == (1, 1, 1)
