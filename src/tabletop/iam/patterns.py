"""Texts with wildcards and policy variables, compiled to regular expressions that cannot run away.

``*`` is any run of characters, ``?`` any one; ``${key}`` and ``${key, 'default'}`` are replaced by a condition key of
the request, whose own wildcards then mean nothing; ``${*}``, ``${?}`` and ``${$}`` are those characters themselves.
Between two stars the shortest match is taken and never given back (an atomic group): whether the rest matches cannot
depend on it, and a hostile pattern costs no more than length times length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from tabletop.base.access import ConditionValue

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"\A\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?\Z")
_ESCAPES = {"*": "*", "?": "?", "$": "$"}
_ARN_PARTS = 6

Made = TypeVar("Made")
_FILLED_MAX = 64
"""For each pattern: as many callers in turn as find it ready."""

Context = Mapping[str, ConditionValue]
"""Condition keys in lower case -> value, or list of values for a key that can have several."""


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


def single(context: Context, key: str) -> str | None:
    """The value of a key that has exactly one: what a policy variable may stand for."""
    value = context.get(key)
    if isinstance(value, str):
        return value
    return value[0] if value is not None and len(value) == 1 else None


class Filled(Generic[Made]):
    """A pattern with variables, and what ``make`` makes of it, kept for the values that it was made for."""

    __slots__ = ("_kept", "_keys", "_make", "_parts")

    def __init__(self, parts: tuple[Token, ...], make: Callable[[tuple[Token, ...]], Made]) -> None:
        self._parts = parts
        self._keys = tuple(part.key for part in parts if isinstance(part, Variable))
        self._make = make
        self._kept: dict[tuple[str | None, ...], Made | None] = {}

    def of(self, context: Context) -> Made | None:
        """None when a variable has neither value nor default in this request: then the pattern matches nothing."""
        values = tuple([single(context, key) for key in self._keys])
        try:
            return self._kept[values]
        except KeyError:
            made = self._filled(values)
        if len(self._kept) >= _FILLED_MAX:
            self._kept.clear()
        self._kept[values] = made
        return made

    def _filled(self, values: tuple[str | None, ...]) -> Made | None:
        given = iter(values)
        filled: list[Token] = []
        for part in self._parts:
            if isinstance(part, Variable):
                value = next(given)
                text = part.default if value is None else value
                if text is None:
                    return None
                filled.append(Literal(text))
            else:
                filled.append(part)
        return self._make(tuple(filled))


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
