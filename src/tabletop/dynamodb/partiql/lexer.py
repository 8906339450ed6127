"""Text to tokens. Every text has tokens: a character that begins none is one of its own, for the parser to refuse."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?:\s|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*+(?:"
    r"(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<quoted>\"(?:[^\"]|\"\")*\")"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<symbol><<|>>|<>|!=|<=|>=|[=<>()\[\]{}.,:?*+;-])"
    r"|(?P<end>\Z)"
    r"|(?P<unknown>.))",
    re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    """One of the groups of ``_TOKEN``; for a symbol, the symbol itself."""
    text: str
    """Without its quotes, with doubled quotes made single."""
    start: int
    """Where it begins in the statement's text, and (``length``) how many characters it has there."""
    length: int


def tokens_of(text: str) -> list[Token]:
    """All tokens; the last one is the only one of kind "end"."""
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        start, stop = match.span(kind)
        word = match[kind]
        if kind == "quoted":
            word = word[1:-1].replace('""', '"')
        elif kind == "string":
            word = word[1:-1].replace("''", "'")
        tokens.append(Token(word if kind == "symbol" else kind, word, start, stop - start))
        if kind == "end":
            break
    return tokens
