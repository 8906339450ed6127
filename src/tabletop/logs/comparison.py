"""Comparisons, the same in selectors and in fields: ``= "text"``, ``!= 4*``, ``>= 1.5e3``, ``= %regex%``.

A *scalar* is what they compare: a text, and the number it stands for or None. An asterisk at the beginning, at the
end, or at both, stands for any text; one in the middle is an asterisk.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from tabletop.logs.regex import compile_regex
from tabletop.logs.scanner import Scanner, bad_pattern

Number = int | float
Scalar = tuple[str, Number | None]

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NUMBER_CHARACTERS_MAX = 64

_ORDERINGS: dict[str, Callable[[Number, Number], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_OPERATORS = ("!=", "=!", ">=", "<=", "=", ">", "<")
"""The longer ones first; "=!" is an older spelling of "!=" that AWS's documentation has."""

_BARE_STOPS = frozenset("(){}[],&|\"'%=<>!")


def to_number(text: str) -> Number | None:
    """The number that a text is, or None."""
    if len(text) > _NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        return None
    digits = text.lstrip("+-")
    return int(text) if digits.isdecimal() else float(text)


def parse_comparison(scanner: Scanner) -> Callable[[Scalar], bool] | None:
    """An operator and its value, or None where no operator comes next."""
    sign = next((each for each in _OPERATORS if scanner.accept(each)), None)
    if sign is None:
        return None
    scanner.skip_spaces()
    if scanner.peek() == "%":
        return _equality(sign, _regex_matcher(scanner.delimited()))
    quoted = scanner.peek() == '"'
    text = (
        scanner.delimited()
        if quoted
        else scanner.take_while(lambda each: not each.isspace() and each not in _BARE_STOPS)
    )
    if not text and not quoted:
        raise bad_pattern()
    number = None if quoted else to_number(text)
    ordering = _ORDERINGS.get(sign)
    if ordering is not None:
        if number is None:
            raise bad_pattern()
        return _ordering(ordering, number)
    return _equality(sign, _text_matcher(text) if number is None else _number_matcher(text, number))


def _ordering(compare: Callable[[Number, Number], bool], limit: Number) -> Callable[[Scalar], bool]:
    return lambda scalar: scalar[1] is not None and compare(scalar[1], limit)


def _equality(sign: str, matches: Callable[[Scalar], bool]) -> Callable[[Scalar], bool]:
    if sign in _ORDERINGS:
        raise bad_pattern()
    return matches if sign == "=" else lambda scalar: not matches(scalar)


def _regex_matcher(pattern: str) -> Callable[[Scalar], bool]:
    search = compile_regex(pattern)
    return lambda scalar: search(scalar[0])


def _number_matcher(text: str, number: Number) -> Callable[[Scalar], bool]:
    return lambda scalar: scalar[0] == text or (scalar[1] is not None and scalar[1] == number)


def _text_matcher(text: str) -> Callable[[Scalar], bool]:
    starts, ends = text.startswith("*"), text.endswith("*")
    bare = text[starts : len(text) - ends] if text != "*" else ""
    if starts and ends:
        return lambda scalar: bare in scalar[0]
    if starts:
        return lambda scalar: scalar[0].endswith(bare)
    if ends:
        return lambda scalar: scalar[0].startswith(bare)
    return lambda scalar: scalar[0] == text
