"""Expressions: read from tokens, compiled to functions of a row.

either = both { "or" both }      both = unary { "and" unary }      unary = "not" unary | comparison
comparison = sum [ ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) sum | [ "not" ] ( "like" | "=~" ) ( text | regex )
                 | [ "not" ] "in" "[" sum { "," sum } "]" ]
sum = product { ( "+" | "-" ) product }      product = power { ( "*" | "/" | "%" ) power }
power = operand [ "^" power ]      operand = "-" operand | "(" either ")" | number | text | span | name [ "(" ... ")" ]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.logs.insights.aggregates import AGGREGATES, Aggregate, Percentile
from tabletop.logs.insights.functions import FUNCTIONS, floor_to
from tabletop.logs.insights.regex import compile_regex
from tabletop.logs.insights.tokens import Token, malformed
from tabletop.logs.insights.values import Row, Value, before, equal, number_of, text_of, truth_of

Expression = Callable[[Row], Value]

NESTING_MAX = 50
LISTED_MAX = 1_000

_SPANS_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "mo": 2_592_000_000,
    "q": 7_776_000_000,
    "y": 31_536_000_000,
}
"""A month is 30 days, a year 365 (ours: AWS's calendar rules for these are not documented)."""

_COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "=": equal,
    "!=": lambda one, other: one is not None and other is not None and not equal(one, other),
    "<": lambda one, other: before(one, other) is True,
    ">": lambda one, other: before(other, one) is True,
    "<=": lambda one, other: before(other, one) is False,
    ">=": lambda one, other: before(one, other) is False,
}


def _divided(one: float, other: float) -> float:
    return one / other


def _power(one: float, other: float) -> float:
    # As floats: exact powers of integers may grow without bound.
    powered: float = float(one) ** float(other)
    return powered


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divided,
    "%": math.fmod,
    "^": _power,
}


class Reader:
    """The tokens of a query and a place among them."""

    def __init__(self, query: str, tokens: list[Token]) -> None:
        self.query = query
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.aggregates: list[tuple[Callable[[], Aggregate], Expression]] | None = None
        """Those of the ``stats`` command that is being read; None in any other."""

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def next(self) -> Token:
        token = self.token
        self._at += token.kind != "end"
        return token

    def wrong(self) -> ApiError:
        token = self.token
        what = "end of query" if token.kind == "end" else f"symbol found {token.text}"
        return malformed(f"unexpected {what}", token.start, token.stop)

    def accept(self, sign: str) -> bool:
        found = self.token.kind == "sign" and self.token.text == sign
        self._at += found
        return found

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.wrong()

    def accept_word(self, *words: str) -> str | None:
        """Pass over one of these keywords, in any case; which it was."""
        token = self.token
        if token.kind == "name" and token.bare and token.text.lower() in words:
            self._at += 1
            return token.text.lower()
        return None

    def take(self, kind: str) -> str:
        if self.token.kind != kind:
            raise self.wrong()
        return self.next().text

    def ahead(self, sign: str) -> bool:
        """Does the sign come behind the next token?"""
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return following.kind == "sign" and following.text == sign

    def source(self, start: int) -> str:
        """What was read of the query since this place in its text."""
        return self.query[start : self._tokens[self._at - 1].stop]

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise malformed("the query is nested too deeply", self.token.start, self.token.stop)
        found = self._either()
        self._depth -= 1
        return found

    def _either(self) -> Expression:
        parts = [self._both()]
        while self.accept_word("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(truth_of(part(row)) for part in parts)

    def _both(self) -> Expression:
        parts = [self._unary()]
        while self.accept_word("and"):
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else lambda row: all(truth_of(part(row)) for part in parts)

    def _unary(self) -> Expression:
        negated = False
        while self.accept_word("not"):
            negated = not negated
        part = self._comparison()
        return (lambda row: not truth_of(part(row))) if negated else part

    def _comparison(self) -> Expression:
        left = self._sum()
        negated = self.accept_word("not") is not None
        if self.accept("=~") or self.accept_word("like"):
            return _negated(self._like(left), negated)
        if self.accept_word("in"):
            return _negated(self._listed(left), negated)
        if negated:
            raise self.wrong()
        for sign, holds in _COMPARISONS.items():
            if self.accept(sign):
                right = self._sum()
                return lambda row: holds(left(row), right(row))
        return left

    def _like(self, left: Expression) -> Expression:
        if self.token.kind == "regex":
            regex = compile_regex(self.next().text)
            return lambda row: (value := left(row)) is not None and regex.search(text_of(value))
        wanted = self.take("text")
        return lambda row: (value := left(row)) is not None and wanted in text_of(value)

    def _listed(self, left: Expression) -> Expression:
        self.expect("[")
        listed = [self._sum()]
        while self.accept(",") and len(listed) < LISTED_MAX:
            listed.append(self._sum())
        self.expect("]")
        return lambda row: any(equal(value, one(row)) for value in (left(row),) for one in listed)

    def _sum(self) -> Expression:
        return self._row_of(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._row_of(("*", "/", "%"), self._power)

    def _row_of(self, signs: tuple[str, ...], operand: Callable[[], Expression]) -> Expression:
        left = operand()
        while (sign := next((each for each in signs if self.accept(each)), None)) is not None:
            left = _computed(_ARITHMETIC[sign], left, operand())
        return left

    def _power(self) -> Expression:
        left = self._operand()
        return _computed(_ARITHMETIC["^"], left, self._operand()) if self.accept("^") else left

    def _operand(self) -> Expression:
        if self.accept("-"):
            return _computed(_ARITHMETIC["-"], lambda row: 0, self.expression_in_parentheses_or_operand())
        if self.accept("("):
            found = self.expression()
            self.expect(")")
            return found
        return self._leaf()

    def expression_in_parentheses_or_operand(self) -> Expression:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise self.wrong()
        found = self._operand()
        self._depth -= 1
        return found

    def _leaf(self) -> Expression:
        token = self.token
        if token.kind not in ("number", "text", "span", "name"):
            raise self.wrong()
        self.next()
        if token.kind == "name" and self.accept("("):
            return self._call(token)
        if token.kind == "name" and token.bare and token.text.lower() in ("true", "false"):
            truth = token.text.lower() == "true"
            return lambda row: truth
        if token.kind == "name":
            name = token.text
            return lambda row: row.get(name)
        value: Value = token.text
        if token.kind == "number":
            value = number_of(token.text)
        elif token.kind == "span":
            value = span_ms(token)
        return lambda row: value

    def _call(self, name: Token) -> Expression:
        lowered = name.text.lower()
        if self.aggregates is not None and (lowered in AGGREGATES or lowered == "pct"):
            return self._aggregate(name)
        arguments: list[Expression] = []
        if not self.accept(")"):
            arguments.append(self.expression())
            while self.accept(","):
                arguments.append(self.expression())
            self.expect(")")
        if lowered == "bin" and len(arguments) == 1:
            width = arguments[0]
            return lambda row: floor_to(row.get("@timestamp"), width(row))
        if lowered == "now" and not arguments:
            # Seconds; the run puts the time of its begin there.
            return lambda row: row.get("@@now")
        known = FUNCTIONS.get(lowered)
        if known is None:
            raise malformed(f"unknown function {name.text}", name.start, name.stop)
        least, most, function = known
        if not least <= len(arguments) <= most:
            raise malformed(f"wrong number of arguments to {name.text}", name.start, name.stop)
        return lambda row: function(*[argument(row) for argument in arguments])

    def _aggregate(self, name: Token) -> Expression:
        """An aggregate may stand within an expression: its result is read from the group's row."""
        gathered, self.aggregates = self.aggregates, None
        assert gathered is not None
        lowered, build = name.text.lower(), AGGREGATES.get(name.text.lower())
        argument: Expression
        if lowered == "count" and (self.accept("*") or (self.token.text == ")" and self.token.kind == "sign")):
            argument = _one
        else:
            argument = self.expression()
        factory: Callable[[], Aggregate]
        if build is None:
            self.expect(",")
            percent = number_of(self.take("number")) or 0
            if percent > 100:
                raise malformed("a percentile is between 0 and 100", name.start, name.stop)
            factory = partial(Percentile, percent)
        else:
            factory = build
        self.expect(")")
        gathered.append((factory, argument))
        self.aggregates = gathered
        place = f"@@{len(gathered) - 1}"
        return lambda row: row.get(place)


def _one(row: Row) -> Value:
    return 1


def span_ms(token: Token) -> int:
    """Of a token such as ``5m``."""
    digits = token.text.rstrip("abcdefghijklmnopqrstuvwxyz")
    width = int(digits[:15]) * _SPANS_MS[token.text[len(digits) :]]
    if width == 0:
        raise malformed("a span of time must be more than zero", token.start, token.stop)
    return width


def _negated(part: Expression, negated: bool) -> Expression:
    return (lambda row: not part(row)) if negated else part


def _computed(compute: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Expression:
    def run(row: Row) -> Value:
        one, other = number_of(left(row)), number_of(right(row))
        if one is None or other is None:
            return None
        try:
            result = compute(one, other)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        if isinstance(result, complex) or (isinstance(result, float) and not math.isfinite(result)):
            return None
        # Beyond any count, exact integers would only grow with each product.
        return float(result) if isinstance(result, int) and abs(result) > 2**63 else result

    return run
