"""The condition operators, and the Condition block of a statement compiled to a function of the request's keys.

Rules, from AWS's reference: all operators and all their keys must hold; of one key's values any one must match, or
none for a negated operator. A key that the request lacks makes a positive operator false and a negated one true;
``...IfExists`` is true then. ``ForAllValues:`` holds when every value of the request matches (also when there is
none), ``ForAnyValue:`` when at least one does. ``Null`` asks whether the key is there at all.

A key that stands for every value there is (``access.UNBOUNDED``) has none to policies, but no Allow holds because of it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tabletop.base.access import UNBOUNDED, ConditionValue
from tabletop.iam.patterns import Context, Filled, Token, arn_regex, has_variables, plain, single, text_regex, tokens

__all__ = ["Condition", "ConditionText", "Context", "ContextValue", "compile_condition", "read_operator", "single"]

ContextValue = ConditionValue
Match = Callable[[str], bool]
"""Does this value of the request match?"""
Test = Callable[[tuple[Token, ...]], Match]
"""The policy's value, without variables -> what it matches."""


@lru_cache(maxsize=1024)
def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@lru_cache(maxsize=1024)
def _moment(text: str) -> float | None:
    """Seconds since the epoch of a date in ISO 8601, or of a number of seconds."""
    seconds = _number(text)
    if seconds is not None:
        return float(seconds)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _compare(parse: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Test:
    def test(wanted: tuple[Token, ...]) -> Match:
        right = parse(plain(wanted))
        if right is None:
            return _never

        def match(actual: str) -> bool:
            left = parse(actual)
            return left is not None and holds(left, right)

        return match

    return test


def _never(actual: str) -> bool:
    return False


def _in_network(wanted: tuple[Token, ...]) -> Match:
    network = _network(plain(wanted))
    if network is None:
        return _never

    def match(actual: str) -> bool:
        address = _network(actual)
        if address is None or address.version != network.version:
            return False
        return address.network_address in network

    return match


def _binary_equal(wanted: tuple[Token, ...]) -> Match:
    content = _binary(plain(wanted))
    return _never if content is None else lambda actual: _binary(actual) == content


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _string_equals(wanted: tuple[Token, ...]) -> Match:
    return plain(wanted).__eq__


def _string_equals_ignore_case(wanted: tuple[Token, ...]) -> Match:
    text = plain(wanted).lower()
    return lambda actual: actual.lower() == text


def _string_like(wanted: tuple[Token, ...]) -> Match:
    match = text_regex(wanted).match
    return lambda actual: match(actual) is not None


def _arn_like(wanted: tuple[Token, ...]) -> Match:
    match = arn_regex(wanted).match
    return lambda actual: match(actual) is not None


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right)


def _less(left: Any, right: Any) -> bool:
    return bool(left < right)


def _less_or_equal(left: Any, right: Any) -> bool:
    return bool(left <= right)


def _greater(left: Any, right: Any) -> bool:
    return bool(left > right)


def _greater_or_equal(left: Any, right: Any) -> bool:
    return bool(left >= right)


# operator in lower case -> (test, negated)
OPERATORS: dict[str, tuple[Test, bool]] = {
    "stringequals": (_string_equals, False),
    "stringnotequals": (_string_equals, True),
    "stringequalsignorecase": (_string_equals_ignore_case, False),
    "stringnotequalsignorecase": (_string_equals_ignore_case, True),
    "stringlike": (_string_like, False),
    "stringnotlike": (_string_like, True),
    "numericequals": (_compare(_number, _equal), False),
    "numericnotequals": (_compare(_number, _equal), True),
    "numericlessthan": (_compare(_number, _less), False),
    "numericlessthanequals": (_compare(_number, _less_or_equal), False),
    "numericgreaterthan": (_compare(_number, _greater), False),
    "numericgreaterthanequals": (_compare(_number, _greater_or_equal), False),
    "dateequals": (_compare(_moment, _equal), False),
    "datenotequals": (_compare(_moment, _equal), True),
    "datelessthan": (_compare(_moment, _less), False),
    "datelessthanequals": (_compare(_moment, _less_or_equal), False),
    "dategreaterthan": (_compare(_moment, _greater), False),
    "dategreaterthanequals": (_compare(_moment, _greater_or_equal), False),
    "bool": (_string_equals_ignore_case, False),
    "binaryequals": (_binary_equal, False),
    "ipaddress": (_in_network, False),
    "notipaddress": (_in_network, True),
    "arnequals": (_arn_like, False),
    "arnlike": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnnotlike": (_arn_like, True),
}
_QUALIFIERS = ("forallvalues:", "foranyvalue:")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as a policy writes it, taken apart."""

    name: str
    qualifier: str
    if_exists: bool


def read_operator(text: str) -> Operator | None:
    """Take ``ForAnyValue:StringLikeIfExists`` apart; None when it is no operator."""
    name = text.lower()
    qualifier = ""
    for candidate in _QUALIFIERS:
        if name.startswith(candidate):
            qualifier, name = candidate, name[len(candidate) :]
    if name == "null":
        return Operator(name, qualifier, False)
    if_exists = name.endswith("ifexists")
    if if_exists:
        name = name[: -len("ifexists")]
    return Operator(name, qualifier, if_exists) if name in OPERATORS else None


Condition = Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class ConditionText:
    """A condition as its policy has it: one operator, one key (in lower case) and the values."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key} [{', '.join(self.values)}]"


def compile_condition(
    operator_text: str, key: str, values: Sequence[str], *, variables: bool, allows: bool = False
) -> Condition:
    """One operator with one key as a function of the request's keys. The operator must be one that exists.

    ``allows``: the condition is part of an Allow.
    """
    operator = read_operator(operator_text)
    assert operator is not None
    key = key.lower()
    if operator.name == "null":
        wants_absent = any(value.lower() == "true" for value in values)
        return lambda context: (not _values(context, key)) is wants_absent
    test, negated = OPERATORS[operator.name]
    absent_holds = operator.if_exists or negated
    if operator.qualifier == "forallvalues:":
        absent_holds = True
    elif operator.qualifier == "foranyvalue:":
        absent_holds = operator.if_exists
    every = operator.qualifier == "forallvalues:" or (negated and not operator.qualifier)
    matches_in = _matches(test, tuple(tokens(value, variables=variables) for value in values))

    def holds(context: Context) -> bool:
        actual = context.get(key)
        if isinstance(actual, str):
            return _any_matches(matches_in(context), actual) is not negated
        if not actual:
            return absent_holds and not (allows and actual is UNBOUNDED)
        matches = matches_in(context)
        # Once one value decides, the others need not be asked.
        for value in actual:
            if (_any_matches(matches, value) is not negated) is not every:
                return not every
        return every

    return holds


def _matches(test: Test, wanted: Sequence[tuple[Token, ...]]) -> Callable[[Context], Sequence[Match]]:
    """The policy's values in one request: those without variables are made ready once."""
    fixed = tuple(test(parts) for parts in wanted if not has_variables(parts))
    filled = tuple(Filled(parts, test) for parts in wanted if has_variables(parts))
    if not filled:
        return lambda context: fixed

    def matches_in(context: Context) -> Sequence[Match]:
        found = [match for one in filled if (match := one.of(context)) is not None]
        return [*fixed, *found] if fixed else found

    return matches_in


def _any_matches(matches: Sequence[Match], actual: str) -> bool:
    for match in matches:  # noqa: SIM110 - no generator: there is one value mostly
        if match(actual):
            return True
    return False


def _values(context: Context, key: str) -> Sequence[str]:
    value = context.get(key)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
