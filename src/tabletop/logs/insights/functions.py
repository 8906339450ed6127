"""The functions that expressions may call: name in lower case -> (fewest arguments, most, function of their values).

What is missing gives what is missing, where AWS does not say otherwise.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable

from tabletop.logs.insights.values import Moment, Value, bounded, number_of, rank, text_of

_Numeric = Callable[[float], float]
ARGUMENTS_MAX = 50


def _numeric(compute: _Numeric) -> Callable[..., Value]:
    def run(value: Value) -> Value:
        number = number_of(value)
        if number is None:
            return None
        try:
            result = compute(number)
        except (ValueError, OverflowError):
            return None
        return result if not isinstance(result, float) or math.isfinite(result) else None

    return run


def _textual(compute: Callable[..., Value]) -> Callable[..., Value]:
    def run(value: Value, *rest: Value) -> Value:
        return None if value is None else compute(text_of(value), *rest)

    return run


def _chosen(best: Callable[..., Value]) -> Callable[..., Value]:
    def run(*values: Value) -> Value:
        present = [value for value in values if value is not None]
        return best(present, key=rank) if present else None

    return run


def _trimmed(strip: Callable[[str, str | None], str]) -> Callable[..., Value]:
    return _textual(lambda text, characters=None: strip(text, None if characters is None else text_of(characters)))


def _concat(*values: Value) -> Value:
    return bounded("".join(map(text_of, values)))


def _substr(text: str, start: Value, length: Value = None) -> Value:
    first, count = number_of(start), number_of(length)
    if first is None:
        return None
    begin = max(int(first), 0)
    return text[begin:] if count is None else text[begin : begin + max(int(count), 0)]


def _replace(text: str, old: Value, new: Value) -> Value:
    wanted, put = text_of(old), text_of(new)
    if not wanted:
        return text
    bounded("x" * min(text.count(wanted) * len(put), 4_194_305))
    return text.replace(wanted, put)


def _moment(value: Value) -> Value:
    number = number_of(value)
    return None if number is None else Moment(number)


def _milliseconds(value: Value) -> Value:
    return int(value) if isinstance(value, Moment) else None


def _ceiling(moment: Value, width: Value) -> Value:
    number = number_of(moment)
    return None if number is None or not width else Moment(-(-int(number) // width) * width)


def floor_to(moment: Value, width: Value) -> Value:
    number = number_of(moment)
    return None if number is None or not width else Moment(int(number) // width * width)


def _address(value: Value, version: int | None = None) -> bool:
    try:
        found = ipaddress.ip_address(text_of(value))
    except ValueError:
        return False
    return version is None or found.version == version


def _in_subnet(value: Value, subnet: Value, version: int | None = None) -> bool:
    try:
        address, network = ipaddress.ip_address(text_of(value)), ipaddress.ip_network(text_of(subnet), strict=False)
    except ValueError:
        return False
    return address.version == network.version and version in (None, address.version) and address in network


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "abs": (1, 1, _numeric(abs)),
    "ceil": (1, 1, _numeric(math.ceil)),
    "floor": (1, 1, _numeric(math.floor)),
    "log": (1, 1, _numeric(math.log)),
    "sqrt": (1, 1, _numeric(math.sqrt)),
    "greatest": (1, ARGUMENTS_MAX, _chosen(max)),
    "least": (1, ARGUMENTS_MAX, _chosen(min)),
    "datefloor": (2, 2, floor_to),
    "dateceil": (2, 2, _ceiling),
    "frommillis": (1, 1, _moment),
    "tomillis": (1, 1, _milliseconds),
    "ispresent": (1, 1, lambda value: value is not None),
    "coalesce": (1, ARGUMENTS_MAX, lambda *values: next((value for value in values if value is not None), None)),
    "isempty": (1, 1, lambda value: value is None or text_of(value) == ""),
    "isblank": (1, 1, lambda value: value is None or text_of(value).strip() == ""),
    "concat": (1, ARGUMENTS_MAX, _concat),
    "ltrim": (1, 2, _trimmed(str.lstrip)),
    "rtrim": (1, 2, _trimmed(str.rstrip)),
    "trim": (1, 2, _trimmed(str.strip)),
    "strlen": (1, 1, _textual(len)),
    "toupper": (1, 1, _textual(str.upper)),
    "tolower": (1, 1, _textual(str.lower)),
    "substr": (2, 3, _textual(_substr)),
    "replace": (3, 3, _textual(_replace)),
    "strcontains": (2, 2, _textual(lambda text, wanted: int(text_of(wanted) in text))),
    "isvalidip": (1, 1, _address),
    "isvalidipv4": (1, 1, lambda value: _address(value, 4)),
    "isvalidipv6": (1, 1, lambda value: _address(value, 6)),
    "isipinsubnet": (2, 2, _in_subnet),
    "isipv4insubnet": (2, 2, lambda value, subnet: _in_subnet(value, subnet, 4)),
    "isipv6insubnet": (2, 2, lambda value, subnet: _in_subnet(value, subnet, 6)),
}
