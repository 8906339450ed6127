"""Patterns of terms: ``ERROR "exact phrase" -excluded``, ``?either ?or``, ``%regex%``."""

from __future__ import annotations

from collections.abc import Callable

from tabletop.logs.regex import compile_regex
from tabletop.logs.scanner import Scanner, bad_pattern

Matcher = Callable[[str], bool]


def compile_terms(text: str) -> Matcher:
    """All required terms, none excluded. Optional terms count only where there is no other (AWS ignores them there)."""
    required: list[Matcher] = []
    excluded: list[Matcher] = []
    optional: list[Matcher] = []
    scanner = Scanner(text, 0, len(text))
    scanner.skip_spaces()
    while scanner.peek():
        if scanner.accept("-"):
            excluded.append(_term(scanner))
        elif scanner.accept("?"):
            optional.append(_term(scanner))
        else:
            required.append(_term(scanner))
        scanner.skip_spaces()
    if not required and not excluded:
        return lambda message: any(matches(message) for matches in optional)
    return lambda message: (
        all(matches(message) for matches in required) and not any(matches(message) for matches in excluded)
    )


def _term(scanner: Scanner) -> Matcher:
    scanner.skip_spaces()
    if scanner.peek() == "%":
        return compile_regex(scanner.delimited())
    if scanner.peek() == '"':
        term = scanner.delimited()
    else:
        term = scanner.take_while(lambda character: not character.isspace())
        if not all(character.isalnum() or character == "_" for character in term):
            raise bad_pattern(f"Invalid character(s) in term '{term}'")
        if not term:
            raise bad_pattern()
    return lambda message: term in message
