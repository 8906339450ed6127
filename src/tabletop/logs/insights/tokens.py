"""The lexer of the query language. A query is cut whole, at its beginning, with the place of each token for errors."""

from __future__ import annotations

import re
from typing import NamedTuple

from tabletop.base.errors import ApiError

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<span>[0-9]+(?:ms|s|mo|m|h|d|w|q|y)\b)
      | (?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z_@.]))
      | (?P<name>[A-Za-z0-9_@](?:[A-Za-z0-9_@]|\.(?=[A-Za-z0-9_@]))*)
      | (?P<quoted>`[^`]*`)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>=~|!=|<=|>=|<|>|=|\||\(|\)|\[|\]|,|\+|-|\*|/|%|\^)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_NO_OPERANDS = frozenset({"like", "parse", "and", "or", "not", "in", "by", "as", "filter", "fields", "sort", "display"})
TOKENS_MAX = 5_000


class Token(NamedTuple):
    """``kind``: name, text, number, span, regex, sign, end. ``text`` is without quotes. ``[start, stop)`` in the query."""

    kind: str
    text: str
    start: int
    stop: int
    bare: bool = True
    """False for a name in backticks, which is no keyword."""


def malformed(message: str, start: int = 0, stop: int = 0) -> ApiError:
    """The words are ours; the form is the model's."""
    place = {"startCharOffset": start, "endCharOffset": stop}
    return ApiError(
        "MalformedQueryException", message, fields={"queryCompileError": {"location": place, "message": message}}
    )


def tokens_of(text: str) -> list[Token]:
    """The tokens with one of kind ``end`` behind them. Raises MalformedQueryException."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] == "/" and _regex_may_come(tokens):
            token = _regex(text, at)
        else:
            match = _TOKEN.match(text, at)
            if match is None:
                raise malformed(f"unexpected character {text[at]!r}", at, at + 1)
            token = _token(match)
        at = token.stop
        if token.kind != "space":
            tokens.append(token)
        if len(tokens) > TOKENS_MAX:
            raise malformed("the query is too long")
    return [*tokens, Token("end", "", len(text), len(text))]


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "", match[0]
    if kind == "quoted":
        return Token("name", text[1:-1], match.start(), match.end(), bare=False)
    if kind == "text":
        text = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL)
    return Token(kind, text, match.start(), match.end())


def _regex_may_come(tokens: list[Token]) -> bool:
    """A slash divides where it stands behind an operand, but not behind the field that ``parse`` is to read."""
    if not tokens or (tokens[-1].kind == "sign" and tokens[-1].text not in (")", "]")):
        return True
    if tokens[-1].kind == "name" and tokens[-1].bare and tokens[-1].text.lower() in _NO_OPERANDS:
        return True
    return len(tokens) > 1 and tokens[-2].kind == "name" and tokens[-2].text.lower() == "parse"


def _regex(text: str, start: int) -> Token:
    at, in_class = start + 1, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "/" and not in_class:
            return Token("regex", text[start + 1 : at].replace("\\/", "/"), start, at + 1)
        elif text[at] in "[]":
            in_class = text[at] == "["
        at += 1
    raise malformed("a regular expression without its end", start, len(text))
