"""Text to tokens. Every text has tokens: a character that begins none is one of its own, for the parser to refuse.

The words that begin a section of an update are no names in any expression, and an index has no leading zeros (both as in
DynamoDB Local).
"""

from __future__ import annotations

import re
from typing import NamedTuple

EXPRESSION_BYTES_MAX = 4096

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:"
    r"(?P<section>(?i:set|remove|add|delete)(?![A-Za-z0-9_]))"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<name_reference>#[A-Za-z0-9_]+)"
    r"|(?P<value_reference>:[A-Za-z0-9_]+)"
    r"|(?P<index>0|[1-9][0-9]*)"
    r"|(?P<symbol><>|<=|>=|[=<>()\[\].,+-])"
    r"|(?P<end>\Z)"
    r"|(?P<unknown>.))",
    re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    """One of the groups of ``_TOKEN``; for a symbol, the symbol itself."""
    text: str
    start: int
    stop: int


def tokens_of(text: str) -> list[Token]:
    """All tokens; the last one is the only one of kind "end"."""
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        word = match[kind]
        tokens.append(Token(word if kind == "symbol" else kind, word, match.start(kind), match.end()))
        if kind == "end":
            break
    return tokens
