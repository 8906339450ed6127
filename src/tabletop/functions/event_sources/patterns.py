"""Filter patterns: EventBridge's pattern language, as far as Lambda takes it, compiled to functions.

A pattern is an object whose members must all match; a member is an object again, or a list of rules of which one must
match. ``$or`` is a list of patterns of which one must match. Rules: a value (exactly this, numbers not as text), or an
object with one operator (``_OPERATORS``). A list in the event matches when one of its elements does.

As on AWS: ``exists`` looks at leaves only, never at a member that is an object; and DynamoDB's numbers are text in a record,
so ``numeric`` never matches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from tabletop.base.errors import ApiError

Match = Callable[[dict[str, Any]], bool]
_Rule = Callable[[Any], bool]
_Node = Callable[[Any], bool]

DEPTH_MAX = 32
"""Levels of a pattern. EventBridge bounds the size only; this keeps the compiler's recursion bounded."""


def compile_patterns(texts: list[str]) -> Match | None:
    """True for a record that one of the patterns lets through; None where there are none: all pass.

    Raises InvalidParameterValueException for what is no pattern.
    """
    if not texts:
        return None
    matches = [_compile(text) for text in texts]
    return lambda record: any(match(record) for match in matches)


def _compile(text: str) -> _Node:
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _invalid() from None
    return _object(tree, DEPTH_MAX)


def _invalid() -> ApiError:
    # Recalled from AWS's answers.
    return ApiError("InvalidParameterValueException", "Invalid filter pattern definition.")


def _object(tree: Any, levels: int) -> _Node:
    if not isinstance(tree, dict) or not tree or levels == 0:
        raise _invalid()
    checks = [
        _alternatives(member, levels - 1) if name == "$or" else _member(name, member, levels - 1)
        for name, member in tree.items()
    ]
    return lambda node: isinstance(node, dict) and all(check(node) for check in checks)


def _alternatives(trees: Any, levels: int) -> _Node:
    if not isinstance(trees, list) or len(trees) < 2:
        raise _invalid()
    nodes = [_object(tree, levels) for tree in trees]
    return lambda node: any(check(node) for check in nodes)


def _member(name: str, tree: Any, levels: int) -> _Node:
    if isinstance(tree, dict):
        return _nested(name, _object(tree, levels))
    if not isinstance(tree, list) or not tree:
        raise _invalid()
    rules = [_rule(one) for one in tree if _presence(one) is None]
    present = [wanted for one in tree if (wanted := _presence(one)) is not None]

    def check(node: Any) -> bool:
        leaves = [child for child in _elements(node, name) if not isinstance(child, dict)]
        return any(bool(leaves) is wanted for wanted in present) or any(rule(leaf) for leaf in leaves for rule in rules)

    return check


def _nested(name: str, inner: _Node) -> _Node:
    def check(node: Any) -> bool:
        objects = [child for child in _elements(node, name) if isinstance(child, dict)]
        # Where there is no object, none of its members exists, which is what some rules ask for.
        return any(inner(child) for child in objects or [{}])

    return check


def _elements(node: Any, name: str) -> Iterator[Any]:
    """What stands under a member's name, lists taken apart."""
    if name in node:
        waiting = [node[name]]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(value)
            else:
                yield value


def _presence(rule: Any) -> bool | None:
    """What an ``exists`` rule asks for; None for any other rule."""
    if isinstance(rule, dict) and rule.keys() == {"exists"}:
        wanted = rule["exists"]
        if not isinstance(wanted, bool):
            raise _invalid()
        return wanted
    return None


def _rule(rule: Any) -> _Rule:
    if isinstance(rule, list):
        raise _invalid()
    if not isinstance(rule, dict):
        return _exactly(rule)
    if len(rule) != 1:
        raise _invalid()
    ((operator, operand),) = rule.items()
    build = _OPERATORS.get(operator)
    if build is None:
        raise _invalid()
    return build(operand)


def _exactly(wanted: Any) -> _Rule:
    kind = type(wanted)
    return lambda value: type(value) is kind and value == wanted


def _text(operand: Any) -> str:
    if not isinstance(operand, str) or not operand:
        raise _invalid()
    return operand


def _any_case(operand: Any) -> _Rule:
    if not isinstance(operand, str):
        raise _invalid()
    wanted = operand.casefold()
    return lambda value: isinstance(value, str) and value.casefold() == wanted


def _prefix(operand: Any) -> _Rule:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        begin = _text(operand["equals-ignore-case"]).casefold()
        return lambda value: isinstance(value, str) and value.casefold().startswith(begin)
    wanted = _text(operand)
    return lambda value: isinstance(value, str) and value.startswith(wanted)


def _suffix(operand: Any) -> _Rule:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        end = _text(operand["equals-ignore-case"]).casefold()
        return lambda value: isinstance(value, str) and value.casefold().endswith(end)
    wanted = _text(operand)
    return lambda value: isinstance(value, str) and value.endswith(wanted)


def _anything_but(operand: Any) -> _Rule:
    if isinstance(operand, dict):
        if len(operand) != 1:
            raise _invalid()
        ((operator, inner),) = operand.items()
        build = _NEGATED.get(operator)
        if build is None:
            raise _invalid()
        rules = [build(one) for one in (inner if isinstance(inner, list) and inner else [inner])]
        # What is no text has no beginning, end or case: it is something else.
        return lambda value: not any(rule(value) for rule in rules)
    listed = operand if isinstance(operand, list) else [operand]
    if not listed or any(isinstance(one, dict | list) for one in listed):
        raise _invalid()
    refused = [_exactly(one) for one in listed]
    return lambda value: not any(rule(value) for rule in refused)


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any) -> _Rule:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise _invalid()
    bounds = []
    for operator, bound in zip(operand[::2], operand[1::2], strict=True):
        if not isinstance(operator, str) or operator not in _COMPARISONS or not _is_number(bound):
            raise _invalid()
        bounds.append((_COMPARISONS[operator], bound))
    if len(operand) == 4 and not (operand[0][0] == ">" and operand[2][0] == "<" and operand[1] < operand[3]):
        raise _invalid()
    return lambda value: _is_number(value) and all(holds(value, bound) for holds, bound in bounds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: dict[str, Callable[[Any], _Rule]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "equals-ignore-case": _any_case,
}
"""Beside ``exists``. EventBridge's ``cidr`` and ``wildcard`` are not among Lambda's documented operators: refused."""

_NEGATED: dict[str, Callable[[Any], _Rule]] = {"prefix": _prefix, "suffix": _suffix, "equals-ignore-case": _any_case}
