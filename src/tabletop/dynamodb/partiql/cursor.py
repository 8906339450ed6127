"""A place among a statement's tokens, and what is common to all clauses: keywords, names, paths, the depth of nesting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions.tree import Path
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.errors import malformed
from tabletop.dynamodb.partiql.lexer import Token, tokens_of
from tabletop.dynamodb.partiql.tree import Composite, Source
from tabletop.dynamodb.partiql.words import KEYWORDS, OPERATORS

LEVELS_MAX = 50
"""Parentheses, NOTs, lists and maps in each other: reading them takes the interpreter's stack (our choice)."""
LIST_INDEX_DIGITS_MAX = 9


class Cursor:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.at = 0
        self.parameters = 0
        self.operators = 0
        """Of the WHERE clause: each AND, OR, NOT, comparison, function, IN, BETWEEN and IS."""
        self.composites: list[Composite] = []
        self._level = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def behind(self) -> Token:
        """The token behind the one here; the end has the end behind it."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def word(self) -> str:
        """The bare word here, in small letters; empty where there is none."""
        token = self.tokens[self.at]
        return token.text.lower() if token.kind == "word" else ""

    def accept(self, kind: str) -> bool:
        """Go on if the token here is of this kind."""
        if self.tokens[self.at].kind != kind:
            return False
        self.at += 1
        return True

    def accept_word(self, word: str) -> bool:
        if self.word() != word:
            return False
        self.at += 1
        return True

    def take(self, kind: str) -> Token:
        if self.tokens[self.at].kind != kind:
            expected = errors.EXPECTED_TOKEN.get(kind)
            raise self.unexpected() if expected is None else malformed(expected)
        return self.next()

    def take_word(self, word: str) -> None:
        if not self.accept_word(word):
            raise self.unexpected()

    def refused(self, message: str, token: Token) -> ApiError:
        """A refusal that tells where the token stands: line, column, and how long it is."""
        before = self.text[: token.start]
        line, column = before.count("\n") + 1, token.start - before.rfind("\n")
        return errors.refused(f"{message} at {line}:{column}:{token.length}")

    def unexpected(self) -> ApiError:
        """The token here is in the wrong place."""
        if self.token.kind == "end":
            return malformed(errors.UNEXPECTED_TERM)
        if self.token.kind in OPERATORS or self.word() in OPERATORS:
            return malformed(errors.UNEXPECTED_OPERATOR)
        return malformed(errors.UNEXPECTED_KEYWORD if self.word() in KEYWORDS else errors.UNEXPECTED_TOKEN)

    @contextmanager
    def level(self) -> Iterator[None]:
        """One level of nesting deeper. Raises where that is too deep."""
        self._level += 1
        if self._level > LEVELS_MAX:
            raise malformed(errors.TOO_DEEP)
        yield
        self._level -= 1

    def name(self) -> str:
        """A name: in double quotes, or a bare word that is no keyword."""
        token = self.token
        if token.kind == "quoted" or (token.kind == "word" and self.word() not in KEYWORDS):
            if not token.text:
                raise malformed(errors.EXPECTED_IDENTIFIER)
            self.at += 1
            return token.text
        if token.kind == "word":
            raise malformed(errors.UNEXPECTED_KEYWORD)
        raise malformed(errors.EXPECTED_IDENTIFIER)

    def path(self) -> Path:
        """A name, and behind it ``.name``, ``['name']`` and ``[index]``."""
        elements: list[str | int] = [self.name()]
        while True:
            if self.accept("."):
                token = self.token
                if token.kind != "quoted" and (token.kind != "word" or self.word() in KEYWORDS):
                    raise malformed(errors.INVALID_DOT)
                elements.append(self.next().text)
            elif self.accept("["):
                elements.append(self._step())
                self.take("]")
            else:
                break
        return Path(tuple(elements))

    def _step(self) -> str | int:
        token = self.next()
        if token.kind == "string" and token.text:
            return token.text
        if token.kind == "number" and token.text.isdigit() and len(token.text) <= LIST_INDEX_DIGITS_MAX:
            return int(token.text)
        raise malformed(errors.UNEXPECTED_PATH)

    def source(self) -> Source:
        """A table, or a table and its index."""
        table = self.name()
        return Source(table, self.name() if self.accept(".") else None)

    def refuse_alias(self) -> None:
        """Behind a source: it has no other name."""
        word = self.word()
        if self.token.kind == "quoted" or word == "as" or (word and word not in KEYWORDS):
            raise errors.refused(errors.ALIAS)
