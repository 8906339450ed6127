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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tabletop.base.access import UNBOUNDED, ConditionValue
from tabletop.iam.patterns import Token, arn_regex, has_variables, plain, resolve, text_regex, tokens

ContextValue = ConditionValue
Context = Mapping[str, ContextValue]
"""Condition keys in lower case -> value, or list of values for a key that can have several."""

Test = Callable[[str, tuple[Token, ...]], bool]
"""(the request's value, the policy's value) -> does it match?"""


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
    def test(actual: str, wanted: tuple[Token, ...]) -> bool:
        left, right = parse(actual), parse(plain(wanted))
        return left is not None and right is not None and holds(left, right)

    return test


def _in_network(actual: str, wanted: tuple[Token, ...]) -> bool:
    address, network = _network(actual), _network(plain(wanted))
    if address is None or network is None or address.version != network.version:
        return False
    return address.network_address in network


def _binary_equal(actual: str, wanted: tuple[Token, ...]) -> bool:
    try:
        return base64.b64decode(actual, validate=True) == base64.b64decode(plain(wanted), validate=True)
    except (binascii.Error, ValueError):
        return False


def _string_equals(actual: str, wanted: tuple[Token, ...]) -> bool:
    return actual == plain(wanted)


def _string_equals_ignore_case(actual: str, wanted: tuple[Token, ...]) -> bool:
    return actual.lower() == plain(wanted).lower()


def _string_like(actual: str, wanted: tuple[Token, ...]) -> bool:
    return text_regex(wanted).match(actual) is not None


def _arn_like(actual: str, wanted: tuple[Token, ...]) -> bool:
    return arn_regex(wanted).match(actual) is not None


def _bool(actual: str, wanted: tuple[Token, ...]) -> bool:
    return actual.lower() == plain(wanted).lower()


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
    "bool": (_bool, False),
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
    wanted = tuple(tokens(value, variables=variables) for value in values)
    any_variable = any(has_variables(parts) for parts in wanted)
    absent_holds = operator.if_exists or negated
    if operator.qualifier == "forallvalues:":
        absent_holds = True
    elif operator.qualifier == "foranyvalue:":
        absent_holds = operator.if_exists
    every = operator.qualifier == "forallvalues:" or (negated and not operator.qualifier)

    def holds(context: Context) -> bool:
        actual = _values(context, key)
        if not actual:
            return absent_holds and not (allows and actual is UNBOUNDED)
        patterns = _resolved(wanted, context) if any_variable else wanted
        results = (any(test(value, parts) for parts in patterns) is not negated for value in actual)
        return all(results) if every else any(results)

    return holds


def single(context: Context, key: str) -> str | None:
    """The value of a key that has exactly one: what a policy variable may stand for."""
    value = context.get(key)
    if isinstance(value, str):
        return value
    return value[0] if value is not None and len(value) == 1 else None


def _values(context: Context, key: str) -> Sequence[str]:
    value = context.get(key)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _resolved(wanted: Sequence[tuple[Token, ...]], context: Context) -> list[tuple[Token, ...]]:
    resolved = (resolve(parts, lambda key: single(context, key)) for parts in wanted)
    return [parts for parts in resolved if parts is not None]
