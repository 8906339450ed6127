"""The regular expressions of filter patterns, matched in time proportional to the text.

The language is AWS's small one: characters, ``.``, classes, ``\\d \\D \\s \\S \\w \\W \\xHH``, counts (``? * + {n}
{n,} {n,m}``), ``|`` at the top, ``^`` and ``$`` at the ends of an alternative; no groups. Python's own ``re`` would
backtrack: ``a*a*a*b`` over a long line takes the cube of its length, and while the pattern is one caller's, the time is
everybody's. Without groups an alternative is a row of items, each a set of characters that is taken once, at most once,
or any number of times. The automaton's state is the set of places in these rows, as the bits of an integer; transitions
are found when first needed and kept.

    place i, item once         character in item -> i + 1
    place i, item optional     also i + 1 without a character
    place i, item repeated     character in item -> i; also i + 1 without a character

An expression is searched for anywhere in the text, but for what ``^`` and ``$`` bind; one newline at the end of the
text does not count.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import NamedTuple

from tabletop.logs.scanner import bad_pattern

PLACES_MAX = 1_000
"""Items of all alternatives, with counted ones written out."""
TRANSITIONS_MAX = 20_000
"""Kept at a time, for one expression."""

_DIGITS = frozenset(string.digits)
_SPACES = frozenset(" \t\n\r\f\v")
_WORDS = frozenset(string.ascii_letters + string.digits + "_")
_PLAIN = frozenset(string.ascii_letters + string.digits + ":_#=@/;,- ")
_CLASSES = {"d": _DIGITS, "s": _SPACES, "w": _WORDS}


class _Set(NamedTuple):
    """The characters in ``members``, or all others."""

    members: frozenset[str]
    negated: bool = False


class _Item(NamedTuple):
    characters: _Set
    optional: bool
    repeated: bool


_ANY = _Set(frozenset("\n"), negated=True)


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether a text has a match. Raises InvalidParameterException."""
    if not pattern:
        raise bad_pattern()
    return _Automaton([_Reader(branch).read() for branch in _split(pattern)]).search


def _split(pattern: str) -> list[str]:
    """The alternatives: what bars divide that are neither escaped nor in a class."""
    branches, start, at, in_class = [], 0, 0, False
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif in_class:
            in_class = pattern[at] != "]"
        elif pattern[at] == "[":
            in_class = True
        elif pattern[at] == "|":
            branches.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*branches, pattern[start:]]


class _Reader:
    """Reads one alternative into (bound at the start, items, bound at the end)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> tuple[bool, list[_Item], bool]:
        items: list[_Item] = []
        at_start = self._accept("^")
        while self._at < len(self._text):
            if self._text[self._at :] == "$":
                return at_start, items, True
            characters = self._characters()
            least, most = self._count()
            if len(items) + max(least, most or 0) > PLACES_MAX:
                raise bad_pattern()
            items += [_Item(characters, optional=False, repeated=False)] * least
            if most is None:
                items.append(_Item(characters, optional=True, repeated=True))
            else:
                items += [_Item(characters, optional=True, repeated=False)] * (most - least)
        return at_start, items, False

    def _accept(self, literal: str) -> bool:
        found = self._text.startswith(literal, self._at)
        self._at += len(literal) * found
        return found

    def _next(self) -> str:
        if self._at == len(self._text):
            raise bad_pattern()
        self._at += 1
        return self._text[self._at - 1]

    def _characters(self) -> _Set:
        character = self._next()
        if character == ".":
            return _ANY
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character not in _PLAIN:
            raise bad_pattern()
        return _Set(frozenset(character))

    def _escape(self) -> _Set:
        character = self._next()
        if character == "x":
            digits = self._next() + self._next()
            if not set(digits) <= set(string.hexdigits):
                raise bad_pattern()
            return _Set(frozenset(chr(int(digits, 16))))
        if character.lower() in _CLASSES:
            return _Set(_CLASSES[character.lower()], negated=character.isupper())
        if character.isalnum() or not character.isascii():
            raise bad_pattern()
        return _Set(frozenset(character))

    def _class(self) -> _Set:
        negated = self._accept("^")
        members: set[str] = set()
        first = True
        while first or not self._accept("]"):
            first = False
            low = self._member()
            if len(low) == 1 and self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                high = self._member()
                if len(high) != 1 or max(high) < max(low):
                    raise bad_pattern()
                members.update(map(chr, range(ord(max(low)), ord(max(high)) + 1)))
            else:
                members |= low
        return _Set(frozenset(members), negated)

    def _member(self) -> frozenset[str]:
        character = self._next()
        if character != "\\":
            if not character.isascii() or character == "[":
                raise bad_pattern()
            return frozenset(character)
        escaped = self._escape()
        if escaped.negated:
            raise bad_pattern()
        return escaped.members

    def _count(self) -> tuple[int, int | None]:
        """How often the item may come: at least and at most (None: no limit)."""
        for sign, counts in (("?", (0, 1)), ("*", (0, None)), ("+", (1, None))):
            if self._accept(sign):
                return counts
        if not self._accept("{"):
            return 1, 1
        body, closed, _ = self._text[self._at :].partition("}")
        self._at += len(body) + 1
        low, comma, high = body.partition(",")
        if not closed or not all(part.isascii() and part.isdigit() and len(part) < 5 for part in (low, high or low)):
            raise bad_pattern()
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise bad_pattern()
        return least, most


class _Automaton:
    def __init__(self, branches: list[tuple[bool, list[_Item], bool]]) -> None:
        self._items: list[_Item | None] = []
        self._accept_anywhere = 0
        self._accept_at_end = 0
        self._start_once = 0
        self._start_always = 0
        starts = []
        for at_start, items, at_end in branches:
            starts.append((len(self._items), at_start))
            self._items += items
            if at_end:
                self._accept_at_end |= 1 << len(self._items)
            else:
                self._accept_anywhere |= 1 << len(self._items)
            self._items.append(None)
        if len(self._items) > 2 * PLACES_MAX:
            raise bad_pattern()
        for place, at_start in starts:
            self._start_once |= self._closure(place)
            if not at_start:
                self._start_always |= self._closure(place)
        self._transitions: dict[tuple[int, str], int] = {}

    def search(self, text: str) -> bool:
        transitions, accept = self._transitions, self._accept_anywhere
        state = self._start_once
        for character in text.removesuffix("\n"):
            if state & accept:
                return True
            following = transitions.get((state, character))
            if following is None:
                following = self._step(state, character)
            state = following
        return bool(state & (accept | self._accept_at_end))

    def _step(self, state: int, character: str) -> int:
        following = self._start_always
        rest = state
        while rest:
            place = (rest & -rest).bit_length() - 1
            rest &= rest - 1
            item = self._items[place]
            if item is not None and (character in item.characters.members) != item.characters.negated:
                following |= self._closure(place if item.repeated else place + 1)
        if len(self._transitions) >= TRANSITIONS_MAX:
            self._transitions.clear()
        self._transitions[state, character] = following
        return following

    def _closure(self, place: int) -> int:
        """The place, and those behind it that need no character."""
        places = 1 << place
        while (item := self._items[place]) is not None and item.optional:
            place += 1
            places |= 1 << place
        return places
