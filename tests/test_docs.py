"""The README's commands, options and links exist: what it tells a newcomer to type must work."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/tutorial.md",
    "docs/triggers.md",
    "docs/functions.md",
    "examples/user_manager/README.md",
]
COMMANDS = sorted(set(re.findall(r"\btabletop ([a-z]+)(?=[ `)\n])", README)) - {"on"})


@cache
def help_of(*arguments: str) -> str:
    program = "from tabletop.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--help"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


# The test itself would pass on a README without commands.
def test_the_readme_names_the_commands() -> None:
    assert {"start", "status", "stop", "aws", "check"} <= set(COMMANDS)


# Every `tabletop NAME` in the README is a subcommand.
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    assert re.search(rf"^ +{command}\b", help_of(), re.MULTILINE)


# The options that the README gives to `tabletop start` are options of it.
def test_options_of_start_exist() -> None:
    sentence = re.search(r"`tabletop start` takes (.*?);", README, re.DOTALL)
    assert sentence is not None
    options = [*re.findall(r"--[a-z-]+", sentence.group(1)), "--detach"]
    assert {"--port", "--host", "--data", "--in-memory", "--workers", "--region"} <= set(options)
    text = help_of("start")
    assert [option for option in options if option not in text] == []


# `tabletop profile --write` is named in the README's table.
def test_the_profile_can_be_written() -> None:
    assert "--write" in help_of("profile")


# Every `make TARGET` in the documents is a target.
@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    named = set(re.findall(r"^ {4}make ([a-z]+)|`make ([a-z]+)", (REPOSITORY / page).read_text(), re.MULTILINE))
    assert {first or second for first, second in named} <= make_targets()


# A link to a file that is not there is a promise not kept.
@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


# The profile of the demo is the one that the README teaches.
def test_the_demo_uses_the_readmes_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY))
    from demo.surroundings import CONFIG, CREDENTIALS

    assert CONFIG in README
    assert CREDENTIALS in README


# Versions are pinned by name alone: an address or a hash would tie the project to some host.
def test_constraints_are_plain() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines)
