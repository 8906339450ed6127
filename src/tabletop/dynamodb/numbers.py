"""DynamoDB's numbers: decimals of up to 38 significant digits, exact, as text in plain notation.

A number is zero or has a magnitude from 1E-130 to 9.99...E+125. Its *canonical* text is what DynamoDB answers: no
exponent, no plus sign, no zero that could be left out, "0" for every zero. Everything but ``canonical`` takes canonical
text; equal numbers have equal canonical texts.

The sortable form (22 bytes at most) orders as the numbers do when compared as bytes, and no two numbers share one:

    zero        80
    positive    C0, 130 + exponent, pairs of digits      each pair in BCD and one more, so that no byte of them is zero
    negative    3F, the complement of what the positive has, FF

The exponent is that of the first significant digit. Trailing zeros are left out, so a shorter row of pairs is the
smaller magnitude; the closing FF turns that round for negative numbers.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Final

from tabletop.base.errors import ApiError

DIGITS_MAX = 38
EXPONENT_MAX = 125
EXPONENT_MIN = -130
_EXPONENT_DIGITS_MAX = 9
"""Longer exponents (leading zeros aside) are out of range whatever the digits: a request has 16 MB at most."""

NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
TOO_MANY_DIGITS = "Attempting to store more than 38 significant digits in a Number"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"

_NUMBER = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?")

_PLAIN = r"-?(?:[1-9][0-9]*|0(?=\.))(?:\.[0-9]*[1-9])?"
_is_plain = re.compile(_PLAIN).fullmatch
_are_plain = re.compile(f"(?:{_PLAIN}|0)(?:,(?:{_PLAIN}|0))*").fullmatch
"""Canonical texts of digits alone, but for zero's."""

_EXACT = Context(prec=DIGITS_MAX, Emax=999, Emin=-999, traps=[Inexact, InvalidOperation])

compare_key: Final = Decimal
"""Canonical text -> something that orders as the numbers do and is cheap to make (0.2 microseconds)."""


def canonical(text: str) -> str:
    """The canonical text of a number as a client wrote it. Raises ValidationException with AWS's reason."""
    if text.isdecimal() and len(text) <= DIGITS_MAX and text.isascii() and (text[0] != "0" or text == "0"):
        return text
    if len(text) <= DIGITS_MAX and _is_plain(text):
        return text
    return _canonical_of_any(text)


def are_canonical(texts: list[str]) -> bool:
    """Whether all of them surely are canonical, told quicker than one by one. Raises TypeError where one is no text."""
    row = ",".join(texts)
    return row.count(",") == len(texts) - 1 and max(map(len, texts)) <= DIGITS_MAX and _are_plain(row) is not None


def add(first: str, second: str) -> str:
    """The exact sum. Raises ValidationException where it has more than 38 digits or is out of range."""
    if len(first) < 16 and len(second) < 16 and first.isdecimal() and second.isdecimal():
        return str(int(first) + int(second))
    return _exact(_EXACT.add, first, second)


def subtract(first: str, second: str) -> str:
    """The exact difference. Raises as ``add`` does."""
    return _exact(_EXACT.subtract, first, second)


def sortable(text: str) -> bytes:
    """The order-preserving form of a canonical number, as this module's head lays it out."""
    if text == "0":
        return b"\x80"
    negative, digits, exponent = _parts(text)
    if len(digits) % 2:
        digits += "0"
    pairs = bytes.fromhex(digits)
    if negative:
        return bytes((0x3F, EXPONENT_MAX - exponent)) + pairs.translate(_NEGATIVE_PAIRS) + b"\xff"
    return bytes((0xC0, exponent - EXPONENT_MIN)) + pairs.translate(_POSITIVE_PAIRS)


_POSITIVE_PAIRS = bytes((byte + 1) & 0xFF for byte in range(256))
_NEGATIVE_PAIRS = bytes(0xFE - byte if byte < 0xFF else 0 for byte in range(256))


def size_bytes(text: str) -> int:
    """What a canonical number counts for in an item's size: a byte, one for each two digits, one for a minus sign.

    AWS calls this approximate; digits are taken in pairs as they lie about the decimal point (inferred), so that "1.5"
    has two pairs. Zero takes one byte.
    """
    if text == "0":
        return 1
    if text[0] == "-":
        return 1 + size_bytes(text[1:])
    length, point = len(text), text.find(".")
    if point < 0:
        return 1 + (len(text.rstrip("0")) + length % 2 + 1) // 2
    if text[0] != "0":
        # The point itself stands for the one that rounds up.
        return 1 + (length + point % 2) // 2
    _, digits, exponent = _parts(text)
    before_first_pair = 1 - exponent % 2
    return 1 + (len(digits) + before_first_pair + 1) // 2


def _parts(text: str) -> tuple[bool, str, int]:
    """(is negative, significant digits, exponent of the first of them) of a canonical number that is not zero."""
    negative = text[0] == "-"
    if negative:
        text = text[1:]
    whole, _, fraction = text.partition(".")
    if not fraction:
        return negative, whole.rstrip("0"), len(whole) - 1
    if whole != "0":
        return negative, whole + fraction, len(whole) - 1
    digits = fraction.lstrip("0")
    return negative, digits, len(digits) - len(fraction) - 1


def _canonical_of_any(text: str) -> str:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _invalid(f"{NOT_NUMERIC}: {text}" if text else NOT_NUMERIC)
    sign, whole, fraction, exponent_sign, exponent_digits = match.groups("")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0"
    trimmed = digits.rstrip("0")
    exponent_digits = exponent_digits.lstrip("0")
    if len(exponent_digits) > _EXPONENT_DIGITS_MAX:
        raise _invalid(UNDERFLOW if exponent_sign == "-" else OVERFLOW)
    scale = int(exponent_sign + exponent_digits) if exponent_digits else 0
    scale += len(digits) - len(trimmed) - len(fraction)
    exponent = scale + len(trimmed) - 1
    if exponent > EXPONENT_MAX:
        raise _invalid(OVERFLOW)
    if exponent < EXPONENT_MIN:
        raise _invalid(UNDERFLOW)
    if len(trimmed) > DIGITS_MAX:
        raise _invalid(TOO_MANY_DIGITS)
    return _plain("-" if sign == "-" else "", trimmed, scale)


def _plain(sign: str, digits: str, scale: int) -> str:
    """Plain notation of digits times ten to the ``scale``."""
    if scale >= 0:
        return sign + digits + "0" * scale
    point = len(digits) + scale
    if point > 0:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    return f"{sign}0.{'0' * -point}{digits}"


def _exact(operation: object, first: str, second: str) -> str:
    assert callable(operation)
    try:
        result = operation(Decimal(first), Decimal(second))
    except DecimalException:
        # AWS answers a result of too many digits with its words for overflow.
        raise _invalid(OVERFLOW) from None
    return canonical(str(result))


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)
