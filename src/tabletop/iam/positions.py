"""Where in its text each statement of a policy stands, as the policy simulator tells it.

Lines and columns count from 1. A statement begins behind its opening brace and ends behind its closing one, as AWS's
examples have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecoder
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import NamedTuple

_decode = JSONDecoder().raw_decode


class Position(NamedTuple):
    line: int
    column: int


def statement_positions(document: str) -> list[tuple[Position, Position]]:
    """(begin, end) of each statement of a valid policy document, in their order."""
    return [(_position(document, start + 1), _position(document, stop)) for start, stop in _spans(document)]


def _spans(document: str) -> Iterator[tuple[int, int]]:
    at = _skip(document, _skip(document, 0) + 1)
    while document[at] != "}":
        name, at = _decode(document, at)
        at = _skip(document, _skip(document, at) + 1)
        if name == "Statement":
            yield from _statements(document, at)
            return
        _, at = _decode(document, at)
        at = _after_comma(document, at)


def _statements(document: str, at: int) -> Iterator[tuple[int, int]]:
    if document[at] == "{":
        yield at, _decode(document, at)[1]
        return
    at = _skip(document, at + 1)
    while document[at] != "]":
        start = at
        _, at = _decode(document, at)
        yield start, at
        at = _after_comma(document, at)


def _after_comma(document: str, at: int) -> int:
    at = _skip(document, at)
    return _skip(document, at + 1) if document[at] == "," else at


def _skip(document: str, at: int) -> int:
    found = WHITESPACE.match(document, at)
    assert found is not None
    return int(found.end())


def _position(document: str, at: int) -> Position:
    begin = document.rfind("\n", 0, at) + 1
    return Position(document.count("\n", 0, at) + 1, at - begin + 1)
