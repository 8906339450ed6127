"""Patterns for JSON messages: ``{ $.level = "ERROR" && ($.user.id > 3 || $.tags[*] = x*) }``.

A condition holds for a selected string, number or boolean; for what is absent, null, an array or an object every
comparison fails, ``!=`` too (AWS: the message does not have the pattern's form). With ``*`` in a selector the condition
must hold for one of the values that it selects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from tabletop.logs.comparison import Scalar, parse_comparison
from tabletop.logs.scanner import Predicate, Scanner, bad_pattern, parse_any

Step = str | int | None
"""A member's name, an element's index, or None for every member or element."""

SELECTOR_STEPS_MAX = 100


def compile_selectors(text: str) -> Callable[[str], bool]:
    """``text`` begins with "{" and ends with "}"."""
    scanner = Scanner(text, 1, len(text) - 1)
    predicate = parse_any(scanner, _condition)
    scanner.skip_spaces()
    if scanner.peek():
        raise bad_pattern()

    def matches(message: str) -> bool:
        try:
            document = orjson.loads(message)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return False
        return isinstance(document, dict) and predicate(document)

    return matches


def selectors_extractor(text: str) -> Callable[[str], dict[str, str]]:
    """The first scalar that each selector of a sound pattern leads to, under the selector as it is written."""
    selectors: dict[str, list[Step]] = {}
    scanner = Scanner(text, 1, len(text) - 1)

    def noted(scanner: Scanner) -> Predicate:
        scanner.skip_spaces()
        start = scanner.at
        steps = _selector(scanner)
        selectors[scanner.text[start : scanner.at]] = steps
        return _condition_of(scanner, steps)

    parse_any(scanner, noted)

    def extract(message: str) -> dict[str, str]:
        document = orjson.loads(message)
        found = {name: map(_scalar, _select(document, steps)) for name, steps in selectors.items()}
        firsts = {name: next((each for each in scalars if each is not None), None) for name, scalars in found.items()}
        return {name: first[0] for name, first in firsts.items() if first is not None}

    return extract


def _condition(scanner: Scanner) -> Predicate:
    return _condition_of(scanner, _selector(scanner))


def _condition_of(scanner: Scanner, steps: list[Step]) -> Predicate:
    if scanner.accept_word("IS"):
        for word, value in (("NULL", None), ("TRUE", True), ("FALSE", False)):
            if scanner.accept_word(word):
                return _is(steps, value)
        raise bad_pattern()
    if scanner.accept_word("NOT"):
        if not scanner.accept_word("EXISTS"):
            raise bad_pattern()
        return lambda document: next(_select(document, steps), _select) is _select
    if scanner.accept_word("EXISTS"):
        return lambda document: next(_select(document, steps), _select) is not _select
    holds = parse_comparison(scanner)
    if holds is None:
        raise bad_pattern()
    return lambda document: any(
        (scalar := _scalar(node)) is not None and holds(scalar) for node in _select(document, steps)
    )


def _is(steps: list[Step], value: bool | None) -> Predicate:
    return lambda document: any(node is value for node in _select(document, steps))


def _selector(scanner: Scanner) -> list[Step]:
    """``$.name[0].*[*]['quoted name']``"""
    if not scanner.accept("$"):
        raise bad_pattern()
    steps: list[Step] = []
    while (character := scanner.peek()) in (".", "["):
        scanner.at += 1
        if character == "." and scanner.peek() != "[":
            steps.append(None if scanner.accept("*") else _name(scanner))
        else:
            scanner.at += character == "."
            steps.append(_bracketed(scanner))
    if not 0 < len(steps) <= SELECTOR_STEPS_MAX:
        raise bad_pattern()
    return steps


def _name(scanner: Scanner) -> str:
    name = scanner.take_while(lambda character: character.isalnum() or character in "-_@")
    if not name:
        raise bad_pattern()
    return name


def _bracketed(scanner: Scanner) -> Step:
    step: Step
    if scanner.peek() in ("'", '"'):
        step = scanner.delimited()
    elif scanner.accept("*"):
        step = None
    else:
        digits = scanner.take_while(lambda character: character in "0123456789")
        if not 0 < len(digits) < 10:
            raise bad_pattern()
        step = int(digits)
    if not scanner.accept("]"):
        raise bad_pattern()
    return step


def _select(node: Any, steps: list[Step]) -> Iterator[Any]:
    """Every node that the selector leads to."""
    nodes = [node]
    for step in steps:
        nodes = [found for each in nodes for found in _children(each, step)]
    return iter(nodes)


def _children(node: Any, step: Step) -> list[Any]:
    if isinstance(node, dict):
        if step is None:
            return list(node.values())
        return [node[step]] if isinstance(step, str) and step in node else []
    if isinstance(node, list):
        if step is None:
            return node
        return [node[step]] if isinstance(step, int) and step < len(node) else []
    return []


def _scalar(node: Any) -> Scalar | None:
    if isinstance(node, str):
        return node, None
    if isinstance(node, bool):
        return ("true" if node else "false"), None
    if isinstance(node, int | float):
        return repr(node), node
    return None
