"""Patterns for space-delimited messages: ``[ip, user, ..., status = 4* && status != 404, bytes > 1000]``.

A message has as many fields as the pattern, or at least as many where the pattern has an ellipsis. Text in square
brackets or double quotes is one field, without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tabletop.logs.comparison import Scalar, parse_comparison, to_number
from tabletop.logs.scanner import Predicate, Scanner, bad_pattern, parse_any

_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')


_Field = tuple[str, Predicate]
"""Name, or "" where it has none, and condition."""


def compile_fields(text: str) -> Callable[[str], bool]:
    """``text`` begins with "[" and ends with "]"."""
    before, after = _parse(text)
    head, tail, is_open = [holds for _, holds in before], [holds for _, holds in after or ()], after is not None
    least = len(head) + len(tail)

    def matches(message: str) -> bool:
        fields = split_fields(message)
        if len(fields) < least or (len(fields) > least and not is_open):
            return False
        pairs = [*zip(head, fields, strict=False), *zip(tail, fields[len(fields) - len(tail) :], strict=True)]
        return all(holds((field, to_number(field))) for holds, field in pairs)

    return matches


def fields_extractor(text: str) -> Callable[[str], dict[str, str]]:
    """All fields of a message that the pattern matches: ``$name``, or ``$3`` where the pattern has no name.

    The form is AWS's in its examples of TestMetricFilter, as recalled.
    """
    before, after = _parse(text)

    def extract(message: str) -> dict[str, str]:
        fields = split_fields(message)
        named = len(before) + len(after or ())
        names = [name for name, _ in (*before, *[("", _any_field)] * (len(fields) - named), *(after or ()))]
        pairs = enumerate(zip(names, fields, strict=True), 1)
        return {"$" + (name.removeprefix("$") or str(number)): field for number, (name, field) in pairs}

    return extract


def _parse(text: str) -> tuple[list[_Field], list[_Field] | None]:
    """The fields before the ellipsis, and those behind it, or None without one."""
    before: list[_Field] = []
    after: list[_Field] | None = None
    scanner = Scanner(text, 1, len(text) - 1)
    more = True
    while more:
        if scanner.accept("..."):
            if after is not None:
                raise bad_pattern()
            after = []
        else:
            (before if after is None else after).append(_field(scanner))
        more = scanner.accept(",")
    scanner.skip_spaces()
    if scanner.peek():
        raise bad_pattern()
    return before, after


def split_fields(message: str) -> list[str]:
    return [match[match.lastindex or 0] for match in _FIELD.finditer(message)]


def _field(scanner: Scanner) -> _Field:
    """A name, a condition, or nothing at all: any field."""
    scanner.skip_spaces()
    if scanner.peek() in ("", ","):
        return "", _any_field
    start = scanner.at
    name = _name(scanner)
    scanner.skip_spaces()
    if name and scanner.peek() in ("", ","):
        return name, _any_field
    while not name and scanner.accept("("):
        scanner.skip_spaces()
        name = _name(scanner)
    scanner.at = start
    return name, parse_any(scanner, _condition)


def _condition(scanner: Scanner) -> Predicate:
    scanner.skip_spaces()
    holds = parse_comparison(scanner) if _name(scanner) else None
    if holds is None:
        raise bad_pattern()
    return holds


def _name(scanner: Scanner) -> str:
    return scanner.take_while(lambda character: character.isalnum() or character in "_-$.")


def _any_field(field: Scalar) -> bool:
    return True
