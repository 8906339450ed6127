"""Regular expressions with groups, matched in bounded time.

Python's own ``re`` may take exponential time, and while a query is one caller's, the event loop is everybody's. Here an
expression becomes a program, and the search goes through (instruction, place) pairs in the order of preference, each at
most once; so its time is at most their number. ``STEPS_MAX`` bounds that as well: beyond it the query fails.

    expression = branch { "|" branch }      branch = { atom [ "?" | "*" | "+" | "{n}" | "{n,}" | "{n,m}" ] [ "?" ] }
    atom = "(" [ "?:" | "?<name>" | "?P<name>" ] expression ")" | "[" class "]" | "." | "^" | "$" | escape | character

Escapes are ``\\d \\w \\s`` and their opposites, ``\\b \\B``, ``\\n \\r \\t \\xHH``; ``(?i)`` at the beginning. No look-around, no
references to groups.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.logs.insights.tokens import malformed
from tabletop.logs.insights.values import QueryFailed

PROGRAM_MAX = 2_000
COUNT_MAX = 1_000
NESTING_MAX = 50
STEPS_MAX = 1_000_000

_Test = Callable[[str], bool]
_Program = list[tuple[str, Any, Any]]
"""(operation, operand, operand): char test; split preferred, other; jump to; save slot; edge kind; match."""

_WORD = frozenset(string.ascii_letters + string.digits + "_")
_CLASSES: dict[str, _Test] = {
    "d": lambda one: one in "0123456789",
    "s": str.isspace,
    "w": lambda one: one in _WORD,
    "D": lambda one: one not in "0123456789",
    "S": lambda one: not one.isspace(),
    "W": lambda one: one not in _WORD,
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


class Regex:
    """``names`` are those of the named groups, in order."""

    def __init__(self, program: _Program, names: dict[str, int], groups: int) -> None:
        self._program = program
        self._slots = 2 * (groups + 1)
        self.names = names

    def search(self, text: str) -> bool:
        return self._run(text) is not None

    def groups(self, text: str) -> dict[str, str] | None:
        """What the named groups took, of the first match; None without a match."""
        slots = self._run(text)
        if slots is None:
            return None
        found: dict[str, str] = {}
        for name, number in self.names.items():
            start, stop = slots[2 * number], slots[2 * number + 1]
            if start is not None and stop is not None:
                found[name] = text[start:stop]
        return found

    def _run(self, text: str) -> tuple[int | None, ...] | None:
        seen: set[int] = set()
        nothing: tuple[int | None, ...] = (None,) * self._slots
        for start in range(len(text) + 1):
            slots = self._run_from(text, start, nothing, seen)
            if slots is not None:
                return slots
        return None

    def _run_from(
        self, text: str, start: int, nothing: tuple[int | None, ...], seen: set[int]
    ) -> tuple[int | None, ...] | None:
        program, length, width = self._program, len(text), len(self._program)
        stack = [(0, start, nothing)]
        while stack:
            step, place, slots = stack.pop()
            while True:
                pair = place * width + step
                if pair in seen:
                    break
                seen.add(pair)
                if len(seen) > STEPS_MAX:
                    raise QueryFailed("a regular expression takes too long")
                operation, one, other = program[step]
                if operation == "char":
                    if place == length or not one(text[place]):
                        break
                    place += 1
                    step += 1
                elif operation == "split":
                    stack.append((other, place, slots))
                    step = one
                elif operation == "jump":
                    step = one
                elif operation == "save":
                    slots = (*slots[:one], place, *slots[one + 1 :])
                    step += 1
                elif operation == "edge":
                    if not _holds(one, text, place):
                        break
                    step += 1
                else:
                    return slots
        return None


def _holds(edge: str, text: str, place: int) -> bool:
    if edge == "^":
        return place == 0
    if edge == "$":
        return place == len(text) or (place == len(text) - 1 and text[place] == "\n")
    before = place > 0 and text[place - 1] in _WORD
    after = place < len(text) and text[place] in _WORD
    return (before is not after) is (edge == "b")


@lru_cache(128)
def compile_regex(pattern: str) -> Regex:
    """Raises MalformedQueryException."""
    reader = _Reader(pattern)
    program = reader.expression(0)
    if reader.at != len(pattern):
        raise reader.wrong("an unopened parenthesis")
    return Regex([*program, ("match", None, None)], reader.names, reader.count)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.count = 0
        self.names: dict[str, int] = {}
        self._any_case = self._accept("(?i)")

    def wrong(self, reason: str) -> ApiError:
        return malformed(f"invalid regular expression: {reason} at {self.at}")

    def expression(self, depth: int) -> _Program:
        if depth > NESTING_MAX:
            raise self.wrong("too many parentheses")
        program = self._branch(depth)
        while self._accept("|"):
            other = self._branch(depth)
            program = _choice(program, other)
        return program

    def _branch(self, depth: int) -> _Program:
        program: _Program = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            program = _joined(program, self._counted(self._atom(depth)))
            if len(program) > PROGRAM_MAX:
                raise self.wrong("too large")
        return program

    def _accept(self, literal: str) -> bool:
        found = self.text.startswith(literal, self.at)
        self.at += len(literal) * found
        return found

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise self.wrong("an unexpected end")
        self.at += 1
        return self.text[self.at - 1]

    def _atom(self, depth: int) -> _Program:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return [("char", self._class(), None)]
        if character == ".":
            return [("char", lambda one: one != "\n", None)]
        if character in "^$":
            return [("edge", character, None)]
        if character in "*+?":
            raise self.wrong("nothing to repeat")
        if character == "\\":
            escaped = self._next()
            if escaped in "bB":
                return [("edge", escaped, None)]
            if escaped in _CLASSES:
                return [("char", _CLASSES[escaped], None)]
            character = self._escaped(escaped)
        return [("char", self._literal(character), None)]

    def _literal(self, wanted: str) -> _Test:
        if self._any_case:
            return lambda one: one.lower() == wanted.lower()
        return lambda one: one == wanted

    def _escaped(self, character: str) -> str:
        if character == "x":
            digits = self._next() + self._next()
            if not all(digit in string.hexdigits for digit in digits):
                raise self.wrong("not hexadecimal")
            return chr(int(digits, 16))
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self.wrong(f"\\{character} is not available")
        return character

    def _group(self, depth: int) -> _Program:
        if self._accept("?:"):
            number = None
        else:
            self.count += 1
            number = self.count
            if self._accept("?P<") or self._accept("?<"):
                end = self.text.find(">", self.at)
                name = self.text[self.at : end] if end > 0 else ""
                if not name or not all(one.isalnum() or one in "_@" for one in name) or name in self.names:
                    raise self.wrong("a group's name")
                self.names[name] = number
                self.at = end + 1
            elif self._accept("?"):
                raise self.wrong("this kind of group is not available")
        program = self.expression(depth + 1)
        if not self._accept(")"):
            raise self.wrong("an unclosed parenthesis")
        if number is None:
            return program
        return _joined(_joined([("save", 2 * number, None)], program), [("save", 2 * number + 1, None)])

    def _class(self) -> _Test:
        negated = self._accept("^")
        tests: list[_Test] = []
        first = True
        while first or not self._accept("]"):
            first = False
            low = self._next()
            if low == "\\":
                escaped = self._next()
                if escaped in _CLASSES:
                    tests.append(_CLASSES[escaped])
                    continue
                low = self._escaped(escaped)
            high = low
            if self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._next()
                high = self._escaped(self._next()) if high == "\\" else high
            tests.append(self._range(low, high))
        return lambda one: any(test(one) for test in tests) is not negated

    def _range(self, low: str, high: str) -> _Test:
        if high < low:
            raise self.wrong("a range")
        if self._any_case:
            return lambda one: low <= one.lower() <= high or low <= one.upper() <= high
        return lambda one: low <= one <= high

    def _counted(self, program: _Program) -> _Program:
        least, most = 1, 1
        if self._accept("*"):
            least, most = 0, -1
        elif self._accept("+"):
            least, most = 1, -1
        elif self._accept("?"):
            least, most = 0, 1
        elif self.text[self.at : self.at + 1] == "{" and (counts := self._counts()) is not None:
            least, most = counts
        else:
            return program
        greedy = not self._accept("?")
        if len(program) * max(least, most, 1) > PROGRAM_MAX:
            raise self.wrong("too large")
        built: _Program = []
        for _ in range(least):
            built = _joined(built, program)
        if most == -1:
            return _joined(built, _loop(program, greedy))
        optional: _Program = []
        for _ in range(most - least):
            optional = _skippable(_joined(program, optional), greedy)
        return _joined(built, optional)

    def _counts(self) -> tuple[int, int] | None:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if not low.isdecimal() or (high and not high.isdecimal()):
            return None
        self.at = end + 1
        least = int(low[:5])
        most = int(high[:5]) if high else -1 if comma else least
        if least > COUNT_MAX or most > COUNT_MAX or -1 < most < least:
            raise self.wrong("a count")
        return least, most


def _moved(program: _Program, by: int) -> _Program:
    """The same program at another place: its jumps are absolute."""
    moved: _Program = []
    for operation, one, other in program:
        if operation in ("split", "jump"):
            one = one + by
            other = other + by if operation == "split" else None
        moved.append((operation, one, other))
    return moved


def _joined(first: _Program, second: _Program) -> _Program:
    return [*first, *_moved(second, len(first))]


def _choice(one: _Program, other: _Program) -> _Program:
    behind = len(one) + 2 + len(other)
    return [("split", 1, len(one) + 2), *_moved(one, 1), ("jump", behind, None), *_moved(other, len(one) + 2)]


def _split(into: int, past: int, greedy: bool) -> tuple[str, Any, Any]:
    return ("split", into, past) if greedy else ("split", past, into)


def _skippable(program: _Program, greedy: bool) -> _Program:
    return [_split(1, len(program) + 1, greedy), *_moved(program, 1)]


def _loop(program: _Program, greedy: bool) -> _Program:
    return [_split(1, len(program) + 2, greedy), *_moved(program, 1), ("jump", 0, None)]
