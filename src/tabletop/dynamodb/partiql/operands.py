"""Values and operands: literals, parameters, paths, functions of them.

value     'text'  -1.5e3  TRUE  NULL  ?  [value, ...]  {'name': value, ...}  <<value, ...>>
operand   value  path  size(path)  (operand)
"""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers, values
from tabletop.dynamodb.expressions.tree import FunctionCall, Literal, Operand, ValueReference
from tabletop.dynamodb.partiql import errors
from tabletop.dynamodb.partiql.cursor import Cursor
from tabletop.dynamodb.partiql.errors import malformed, refused
from tabletop.dynamodb.partiql.tree import Composite, Part
from tabletop.dynamodb.partiql.words import FUNCTIONS, KEYWORDS, OPERATORS

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
        _refuse_equal_numbers(literal)
        values.check(literal)
        return Literal(literal)
    cursor.composites.append(part)
    return ValueReference(f":c{len(cursor.composites) - 1}")


def _refuse_equal_numbers(literal: dict[str, Any]) -> None:
    members = literal.get("NS", ())
    if len(set(members)) < len(members):
        raise refused(errors.DUPLICATE_NUMBERS.format(members=", ".join(members)))


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
    if cursor.token.kind == "quoted" or (cursor.token.kind == "word" and cursor.word() not in OPERATORS):
        return cursor.path()
    if cursor.token.kind == "end":
        raise malformed(errors.UNEXPECTED_TERM)
    raise cursor.unexpected()


def right_side(cursor: Cursor) -> Operand:
    """The operand behind an operator."""
    if cursor.token.kind == "end":
        raise malformed(errors.MISSING_RIGHT_SIDE)
    return operand(cursor)


def arguments(cursor: Cursor) -> tuple[Operand, ...]:
    """A function's arguments between parentheses."""
    cursor.take("(")
    given: list[Operand] = []
    with cursor.level():
        while cursor.token.kind != ")":
            if given:
                cursor.take(",")
            given.append(operand(cursor))
    cursor.take(")")
    return tuple(given)


def _function(cursor: Cursor) -> FunctionCall:
    token = cursor.next()
    if cursor.behind.kind == "word" and cursor.behind.text.lower() == "select":
        raise cursor.refused(errors.SUBQUERY, cursor.behind)
    name = token.text.lower()
    if name not in FUNCTIONS:
        if name in KEYWORDS and name != "exists":
            raise malformed(errors.UNEXPECTED_KEYWORD)
        raise cursor.refused(errors.UNKNOWN_FUNCTION.format(function=name), token)
    given = arguments(cursor)
    if len(given) != FUNCTIONS[name]:
        raise refused(errors.OPERAND_COUNT.format(function=name, count=len(given)))
    cursor.operators += 1
    return FunctionCall(name, given)


def _number(text: str, path: str) -> str:
    try:
        return numbers.canonical(text)
    except ApiError as error:
        raise refused(f"{error.message} under {path}") from error


def _part(cursor: Cursor, path: str = "root") -> Part | Composite:
    """``path``: of the part in the whole literal, for messages."""
    token = cursor.token
    kind = token.kind
    if kind == "word" and cursor.word() in _CONSTANTS:
        return Literal(_CONSTANTS[cursor.next().text.lower()])
    if kind in _CLOSING:
        return _composite(cursor, path)
    cursor.next()
    if kind == "word" and cursor.token.kind == "(":
        called = token.text.lower() if path == "root" else "Call"
        raise cursor.refused(errors.CALLED.format(function=called, path=path), token)
    if kind == "string":
        return Literal({"S": token.text})
    if kind == "?":
        cursor.parameters += 1
        return ValueReference(f":{cursor.parameters - 1}")
    if kind == "number":
        return Literal({"N": _number(token.text, path)})
    if kind in ("-", "+") and cursor.token.kind == "number":
        sign = "-" if kind == "-" else ""
        return Literal({"N": _number(sign + cursor.next().text, path)})
    raise malformed(errors.UNEXPECTED_TERM)


def _composite(cursor: Cursor, path: str) -> Composite:
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
            if opening == "<<":
                _check_member(cursor, parts)
                parts.append(_part(cursor, path))
            else:
                parts.append(_part(cursor, f"{path}.{names[-1]}" if names else f"{path}[{len(parts)}]"))
            if cursor.token.kind not in (",", closing):
                break
    cursor.take(closing)
    if "" in names:
        raise refused(errors.EMPTY_NAME)
    if opening == "<<" and not parts:
        raise refused(errors.SET_EMPTY)
    if len(set(names)) < len(names):
        raise refused(errors.DUPLICATE_NAME)
    return Composite("L" if opening == "[" else "M" if opening == "{" else "set", tuple(names), tuple(parts))


def _check_member(cursor: Cursor, before: list[Part | Composite]) -> None:
    """A set holds strings or numbers; where its first member is a number, the message does not say which other is not."""
    kind = cursor.token.kind
    if kind in ("-", "+"):
        kind = "number"
    if kind == "?":
        return
    first = before[0] if before else None
    if isinstance(first, Literal):
        wanted = "string" if "S" in first.value else "number"
        if kind != wanted:
            raise refused(errors.SET_MIXED) if wanted == "number" else cursor.refused(errors.SET_MIXED, cursor.token)
    elif kind not in ("string", "number"):
        raise cursor.refused(errors.SET_MIXED, cursor.token)


def _holds_parameters(part: Part | Composite) -> bool:
    if isinstance(part, Composite):
        return any(map(_holds_parameters, part.parts))
    return isinstance(part, ValueReference)
