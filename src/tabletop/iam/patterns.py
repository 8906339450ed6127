"""Texts with wildcards and policy variables, compiled to regular expressions that cannot run away.

``*`` is any run of characters, ``?`` any one; ``${key}`` and ``${key, 'default'}`` are replaced by a condition key of
the request, whose own wildcards then mean nothing; ``${*}``, ``${?}`` and ``${$}`` are those characters themselves.
Between two stars the shortest match is taken and never given back (an atomic group): whether the rest matches cannot
depend on it, and a hostile pattern costs no more than length times length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"\A\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?\Z")
_ESCAPES = {"*": "*", "?": "?", "$": "$"}
_ARN_PARTS = 6

Lookup = Callable[[str], str | None]
"""A condition key's single value in this request; None when it has none."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    key: str
    default: str | None


Token = str | Literal | Variable
"""Text with wildcards, text without, or a variable."""


def tokens(text: str, *, variables: bool) -> tuple[Token, ...]:
    """Take the variables out of a pattern. Without ``variables`` (policies of version 2008-10-17) it is plain text."""
    if not variables or "${" not in text:
        return (text,)
    found: list[Token] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > at:
            found.append(text[at : match.start()])
        inner = match[1]
        named = _DEFAULT.match(inner)
        if inner in _ESCAPES:
            found.append(Literal(_ESCAPES[inner]))
        elif named:
            found.append(Variable(named[1].lower(), named[2]))
        else:
            found.append(Literal(match[0]))
        at = match.end()
    if at < len(text):
        found.append(text[at:])
    return tuple(found)


def has_variables(parts: tuple[Token, ...]) -> bool:
    return any(isinstance(part, Variable) for part in parts)


def resolve(parts: tuple[Token, ...], lookup: Lookup) -> tuple[Token, ...] | None:
    """The pattern with its variables replaced; None when one has neither value nor default: then it matches nothing."""
    resolved: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            value = lookup(part.key)
            if value is None:
                value = part.default
            if value is None:
                return None
            resolved.append(Literal(value))
        else:
            resolved.append(part)
    return tuple(resolved)


def plain(parts: tuple[Token, ...]) -> str:
    """The text of a resolved pattern where wildcards have no meaning (StringEquals and the like)."""
    return "".join(part if isinstance(part, str) else part.text for part in parts if not isinstance(part, Variable))


@lru_cache(maxsize=2048)
def text_regex(parts: tuple[Token, ...], *, ignore_case: bool = False) -> re.Pattern[str]:
    """A resolved pattern over a whole text."""
    return re.compile(_glob(_pieces(parts), any_character="."), re.S | (re.I if ignore_case else 0))


@lru_cache(maxsize=2048)
def arn_regex(parts: tuple[Token, ...]) -> re.Pattern[str]:
    """A resolved pattern over an ARN: each of the first five parts for itself, then the resource with all its colons.

    A pattern with fewer parts goes on with ``*``.
    """
    return re.compile(_arn_source(parts), re.S)


def any_arn_regex(patterns: Sequence[tuple[Token, ...]]) -> re.Pattern[str]:
    """One expression that matches what any of the patterns (without variables) matches."""
    return re.compile("|".join(f"(?:{_arn_source(parts)})" for parts in patterns), re.S)


def any_text_regex(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_glob(_pieces((text,)), any_character='.')})" for text in patterns), re.S)


def _pieces(parts: tuple[Token, ...]) -> list[tuple[str, bool]]:
    """(character, is a wildcard) one by one."""
    return [
        (character, isinstance(part, str) and character in "*?")
        for part in parts
        if not isinstance(part, Variable)
        for character in (part if isinstance(part, str) else part.text)
    ]


def _arn_source(parts: tuple[Token, ...]) -> str:
    pieces = _pieces(parts)
    if pieces == [("*", True)]:
        return ".*\\Z"
    columns: list[list[tuple[str, bool]]] = [[]]
    for piece in pieces:
        if piece == (":", False) and len(columns) < _ARN_PARTS:
            columns.append([])
        else:
            columns[-1].append(piece)
    while len(columns) < _ARN_PARTS:
        columns.append([("*", True)])
    heads = [_glob(column, any_character="[^:]", whole=False) for column in columns[:-1]]
    return ":".join(heads) + ":" + _glob(columns[-1], any_character=".")


def _glob(pieces: list[tuple[str, bool]], *, any_character: str, whole: bool = True) -> str:
    runs: list[list[tuple[str, bool]]] = [[]]
    for piece in pieces:
        if piece == ("*", True):
            runs.append([])
        else:
            runs[-1].append(piece)
    sources = ["".join(any_character if wild else re.escape(character) for character, wild in run) for run in runs]
    end = "\\Z" if whole else "(?=:)"
    if len(sources) == 1:
        return sources[0] + end
    middle = "".join(f"(?>{any_character}*?{source})" for source in sources[1:-1] if source)
    return f"{sources[0]}{middle}{any_character}*{sources[-1]}{end}"
