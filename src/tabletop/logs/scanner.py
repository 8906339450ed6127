"""The lexer that the three forms of filter pattern share, and the grammar of ``&&``, ``||`` and parentheses.

Every refusal is an InvalidParameterException; nothing else leaves these functions, whatever the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletop.base.errors import ApiError

NESTING_MAX = 50
"""Parentheses within parentheses; the parser descends once for each."""

EXPRESSIONS_MAX = 2
"""Regular expressions in one pattern (AWS's quota; the words of its refusal are inferred)."""

Predicate = Callable[[Any], bool]


def bad_pattern(reason: str = "Invalid filter pattern") -> ApiError:
    return ApiError("InvalidParameterException", reason)


class Scanner:
    """A text and a place in it. ``stop`` is where the text ends for the grammar (the closing brace or bracket)."""

    def __init__(self, text: str, start: int, stop: int) -> None:
        self.text = text
        self.at = start
        self.stop = stop
        self._expressions = 0

    def skip_spaces(self) -> None:
        while self.at < self.stop and self.text[self.at].isspace():
            self.at += 1

    def peek(self) -> str:
        """The next character, or "" at the end."""
        return self.text[self.at] if self.at < self.stop else ""

    def accept(self, literal: str) -> bool:
        """Pass over the literal if it comes next (after spaces)."""
        self.skip_spaces()
        if self.text.startswith(literal, self.at, self.stop):
            self.at += len(literal)
            return True
        return False

    def accept_word(self, word: str) -> bool:
        """Pass over a keyword, in any case, that ends where it ends."""
        self.skip_spaces()
        after = self.at + len(word)
        if self.text[self.at : after].upper() != word or after > self.stop:
            return False
        if after < self.stop and (self.text[after].isalnum() or self.text[after] == "_"):
            return False
        self.at = after
        return True

    def take_while(self, wanted: Callable[[str], bool]) -> str:
        start = self.at
        while self.at < self.stop and wanted(self.text[self.at]):
            self.at += 1
        return self.text[start : self.at]

    def delimited(self) -> str:
        """What stands between the delimiter that comes next and its like; a backslash before the delimiter keeps it."""
        delimiter = self.text[self.at]
        self.at += 1
        if delimiter == "%":
            self._expressions += 1
            if self._expressions > EXPRESSIONS_MAX:
                raise bad_pattern()
        taken: list[str] = []
        while self.at < self.stop:
            character = self.text[self.at]
            self.at += 1
            if character == delimiter:
                return "".join(taken)
            if character == "\\" and self.peek() in (delimiter, "\\") and (delimiter != "%" or self.peek() == "%"):
                character = self.text[self.at]
                self.at += 1
            taken.append(character)
        raise bad_pattern()


def parse_any(scanner: Scanner, condition: Callable[[Scanner], Predicate], depth: int = 0) -> Predicate:
    """``a && b || (c || d) && e``: && binds closer than ||."""
    alternatives = [_parse_all(scanner, condition, depth)]
    while scanner.accept("||"):
        alternatives.append(_parse_all(scanner, condition, depth))
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda subject: any(matches(subject) for matches in alternatives)


def _parse_all(scanner: Scanner, condition: Callable[[Scanner], Predicate], depth: int) -> Predicate:
    parts = [_parse_one(scanner, condition, depth)]
    while scanner.accept("&&"):
        parts.append(_parse_one(scanner, condition, depth))
    if len(parts) == 1:
        return parts[0]
    return lambda subject: all(matches(subject) for matches in parts)


def _parse_one(scanner: Scanner, condition: Callable[[Scanner], Predicate], depth: int) -> Predicate:
    if not scanner.accept("("):
        return condition(scanner)
    if depth == NESTING_MAX:
        raise bad_pattern()
    inner = parse_any(scanner, condition, depth + 1)
    if not scanner.accept(")"):
        raise bad_pattern()
    return inner
