"""A Step is a title, an explanation and Commands; a Command is shell text and the Checks its answer must pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jmespath


@dataclass(frozen=True)
class Outcome:
    """What a command answered."""

    status: int
    stdout: str
    stderr: str

    @cached_property
    def document(self) -> Any:
        """The output as JSON, or None; where a Lambda answer's ``body`` is JSON text, that is parsed as well."""
        try:
            document = json.loads(self.stdout)
        except ValueError:
            return None
        if isinstance(document, dict) and isinstance(document.get("body"), str):
            try:
                return {**document, "body": json.loads(document["body"])}
            except ValueError:
                return document
        return document


@dataclass(frozen=True)
class Check:
    says: str
    holds: Callable[[Outcome], bool]


@dataclass(frozen=True)
class Command:
    """``within_s`` above 0: the command is repeated until its checks hold, for that long."""

    text: str
    checks: Sequence[Check] = ()
    title: str = ""
    within_s: float = 0


@dataclass(frozen=True)
class Step:
    title: str
    explanation: str
    commands: Sequence[Command]


SUCCEEDS = Check("exit status 0", lambda outcome: outcome.status == 0)
NO_OUTPUT = Check("no output, as from AWS", lambda outcome: not outcome.stdout.strip())


def equals(path: str, expected: Any) -> Check:
    """``path`` is a JMESPath expression, the language of the CLI's own --query."""
    shown = json.dumps(expected, ensure_ascii=False)
    return Check(f"{path} is {shown}", lambda outcome: bool(jmespath.search(path, outcome.document or {}) == expected))


def holds(path: str, says: str) -> Check:
    return Check(says, lambda outcome: bool(jmespath.search(path, outcome.document or {})))


def prints(*texts: str) -> Check:
    return Check("prints " + ", ".join(texts), lambda outcome: all(text in outcome.stdout for text in texts))


def refused(code: str, *texts: str) -> Check:
    """The CLI fails, and its message names the error as AWS does."""

    def check(outcome: Outcome) -> bool:
        return outcome.status != 0 and all(text in outcome.stderr for text in (f"({code})", *texts))

    return Check(" and ".join([f"refused with {code}", *(f'"{text}"' for text in texts)]), check)


def answers(status: int, *checks: Check) -> list[Check]:
    """For ``cat response.json``: the function's status code, and more about its body."""
    return [equals("statusCode", status), *checks]
