"""Values and operands: literals, parameters, paths, functions of them.

value     'text'  -1.5e3  TRUE  NULL  ?  [value, ...]  {'name': value, ...}  <<value, ...>>
operand   value  path  size(path)  (operand)
"""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import numbers, values
from tabletop.dynamodb.expressions.tree import FunctionCall, Literal, Operand, ValueReference
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import malformed, refused, unsupported
from tabletop.dynamodb.partiql.tree import Composite, Part
from tabletop.dynamodb.partiql.words import FUNCTIONS, KEYWORDS

_CONSTANTS: dict[str, dict[str, Any]] = {
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
}
_CLOSING = {"[": "]", "{": "}", "<<": ">>"}
_SETS = {"S": "SS", "N": "NS", "B": "BS"}


def begins_value(cursor: Cursor) -> bool:
    """Whether a literal or parameter stands here."""
    kind = cursor.token.kind
    return kind in ("string", "number", "-", "+", "?", "[", "{", "<<") or cursor.word() in _CONSTANTS


def value(cursor: Cursor) -> Part:
    """A literal or parameter; one made of parts that hold parameters is noted with the cursor, to be built later."""
    part = _part(cursor)
    if not isinstance(part, Composite):
        return part
    if not _holds_parameters(part):
        literal = build(part, {})
        values.check(literal)
        return Literal(literal)
    cursor.composites.append(part)
    return ValueReference(f":c{len(cursor.composites) - 1}")


def build(part: Part | Composite, parameters: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The attribute value of a part; those of parameters are taken by their names."""
    if isinstance(part, Literal):
        return part.value
    if isinstance(part, ValueReference):
        return parameters[part.text]
    parts = [build(member, parameters) for member in part.parts]
    if part.kind == "L":
        return {"L": parts}
    if part.kind == "M":
        return {"M": dict(zip(part.names, parts, strict=True))}
    kinds = {values.type_of(member) for member in parts}
    if not kinds:
        raise refused(errors.SET_EMPTY)
    if len(kinds) > 1 or not kinds <= _SETS.keys():
        raise refused(errors.SET_MIXED)
    (kind,) = kinds
    return {_SETS[kind]: [member[kind] for member in parts]}


def operand(cursor: Cursor) -> Operand:
    """An operand of a comparison."""
    if begins_value(cursor):
        return value(cursor)
    if cursor.token.kind == "word" and cursor.behind.kind == "(":
        return _function(cursor)
    if cursor.accept("("):
        with cursor.level():
            inner = operand(cursor)
        cursor.take(")")
        return inner
    if cursor.token.kind in ("word", "quoted"):
        return cursor.path()
    raise malformed(errors.UNEXPECTED_TERM)


def arguments(cursor: Cursor, name: str, count: int) -> tuple[Operand, ...]:
    """A function's arguments between parentheses, the right number of them."""
    cursor.take("(")
    with cursor.level():
        given = [operand(cursor)]
        while cursor.accept(","):
            given.append(operand(cursor))
    cursor.take(")")
    if len(given) != count:
        raise refused(errors.ARGUMENT_COUNT.format(function=name))
    return tuple(given)


def _function(cursor: Cursor) -> FunctionCall:
    name = cursor.word()
    if name not in FUNCTIONS:
        raise malformed(errors.UNEXPECTED_KEYWORD) if name in KEYWORDS else unsupported(f"function: {name}")
    cursor.next()
    return FunctionCall(name, arguments(cursor, name, FUNCTIONS[name]))


def _part(cursor: Cursor) -> Part | Composite:
    token = cursor.token
    kind = token.kind
    if kind == "word" and cursor.word() in _CONSTANTS:
        return Literal(_CONSTANTS[cursor.next().text.lower()])
    if kind in _CLOSING:
        return _composite(cursor)
    cursor.next()
    if kind == "string":
        return Literal({"S": token.text})
    if kind == "?":
        cursor.parameters += 1
        return ValueReference(f":{cursor.parameters - 1}")
    if kind == "number":
        return Literal({"N": numbers.canonical(token.text)})
    if kind in ("-", "+") and cursor.token.kind == "number":
        sign = "-" if kind == "-" else ""
        return Literal({"N": numbers.canonical(sign + cursor.next().text)})
    raise malformed(errors.UNEXPECTED_TERM)


def _composite(cursor: Cursor) -> Composite:
    opening = cursor.next().kind
    closing = _CLOSING[opening]
    names: list[str] = []
    parts: list[Part | Composite] = []
    with cursor.level():
        while cursor.token.kind != closing:
            if parts:
                cursor.take(",")
            if opening == "{":
                names.append(cursor.take("string").text)
                cursor.take(":")
            parts.append(_part(cursor))
    cursor.take(closing)
    if len(set(names)) < len(names):
        raise refused(errors.DUPLICATE_NAME)
    return Composite("L" if opening == "[" else "M" if opening == "{" else "set", tuple(names), tuple(parts))


def _holds_parameters(part: Part | Composite) -> bool:
    if isinstance(part, Composite):
        return any(map(_holds_parameters, part.parts))
    return isinstance(part, ValueReference)
