"""Numbers: canonical text, its limits, order-preserving bytes, exact sums."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletop.base.errors import ApiError
from tabletop.dynamodb import numbers

_EXACT = Context(prec=400)


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """Any number that DynamoDB can hold, in any notation that a client may choose."""
    digits = draw(st.integers(0, 10**38 - 1)) if draw(st.booleans()) else draw(st.integers(0, 120))
    shift = draw(st.one_of(st.integers(-6, 6), st.integers(-130, 125 - 38)))
    sign = draw(st.sampled_from(["", "-", "+"]))
    return f"{sign}{digits}{draw(st.sampled_from(['E', 'e']))}{shift}" if shift else f"{sign}{digits}"


# The notation that DynamoDB answers with: plain, no zero too many, no exponent, one zero only.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("00", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("0e999", "0"),
        ("+3", "3"),
        ("007", "7"),
        ("1.50", "1.5"),
        ("100.000", "100"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1.5e2", "150"),
        ("123e-2", "1.23"),
        ("-3e2", "-300"),
        ("1e-3", "0.001"),
        ("1e125", "1" + "0" * 125),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("0.1e126", "1" + "0" * 125),
        ("9" * 38, "9" * 38),
        ("9" * 38 + "000", "9" * 38 + "000"),
        ("0" * 50 + "1", "1"),
    ],
)
def test_canonical_text(text: str, expected: str) -> None:
    assert numbers.canonical(text) == expected


# Each kind of refusal has AWS's own reason; what Python would accept as a number and DynamoDB would not is refused.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"The parameter cannot be converted to a numeric value: {text}")
            for text in (
                "dog",
                "NaN",
                "Infinity",
                "-Infinity",
                " 1",
                "1 ",
                "1_000",
                "0x1",
                "1e",
                "e1",
                ".",
                "-",
                "--1",
                "٣",
                "1\n",
            )
        ),
        ("", "The parameter cannot be converted to a numeric value"),
        ("1e126", numbers.OVERFLOW),
        ("-1e126", numbers.OVERFLOW),
        ("1e" + "9" * 5000, numbers.OVERFLOW),
        ("1" + "0" * 126, numbers.OVERFLOW),
        ("1e-131", numbers.UNDERFLOW),
        ("-0.1e-130", numbers.UNDERFLOW),
        ("1e-" + "9" * 5000, numbers.UNDERFLOW),
        ("1" * 39, numbers.TOO_MANY_DIGITS),
        ("1." + "0" * 37 + "1", numbers.TOO_MANY_DIGITS),
    ],
)
def test_refused_numbers(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        numbers.canonical(text)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)


# Canonical text is what equality and hashing of stored numbers rest on: same value, same text, and stable.
@given(number_texts())
def test_canonical_keeps_the_value_and_is_stable(text: str) -> None:
    try:
        canonical = numbers.canonical(text)
    except ApiError:
        return
    assert Decimal(canonical) == Decimal(text)
    assert numbers.canonical(canonical) == canonical
    assert "E" not in canonical.upper()


# Sort keys are compared as bytes by the store: their order must be that of the numbers, with no ties.
@given(number_texts(), number_texts())
def test_sortable_orders_as_numbers_do(first: str, second: str) -> None:
    try:
        one, other = numbers.canonical(first), numbers.canonical(second)
    except ApiError:
        return
    left, right = numbers.sortable(one), numbers.sortable(other)
    assert (left < right) == (Decimal(one) < Decimal(other))
    assert (left == right) == (one == other)
    assert len(left) <= 24


# The same at the places where encodings go wrong: around zero, powers of ten, one digit more, the limits.
def test_sortable_around_the_edges() -> None:
    positive = [
        "1e-130",
        "1.1e-130",
        "0.001",
        "0.0099",
        "0.01",
        "0.1",
        "0.11",
        "0.9",
        "1",
        "1.00001",
        "1.001",
        "9",
        "9.9",
        "10",
        "10.01",
        "11",
        "99",
        "100",
        "100.5",
        "101",
        "1e38",
        "1" * 38,
        "9" * 38,
        "1e125",
        "9." + "9" * 37 + "e125",
    ]
    texts = [numbers.canonical(text) for text in [*("-" + text for text in positive), "0", *positive]]
    texts.sort(key=Decimal)
    encoded = [numbers.sortable(text) for text in texts]
    assert encoded == sorted(set(encoded))


# Sums are exact to 38 digits, unlike binary or 28-digit arithmetic.
@given(number_texts(), number_texts())
def test_sums_and_differences_are_exact_or_refused(first: str, second: str) -> None:
    try:
        one, other = numbers.canonical(first), numbers.canonical(second)
    except ApiError:
        return
    for operate, expected in (
        (numbers.add, _EXACT.add(Decimal(one), Decimal(other))),
        (numbers.subtract, _EXACT.subtract(Decimal(one), Decimal(other))),
    ):
        try:
            result = operate(one, other)
        except ApiError as error:
            assert error.message in (numbers.OVERFLOW, numbers.UNDERFLOW)  # noqa: PT017
        else:
            assert Decimal(result) == expected
            assert numbers.canonical(result) == result


# A result that does not fit is refused in AWS's words for overflow, also where the digits are what does not fit.
@pytest.mark.parametrize(("first", "second"), [("9e125", "9e125"), ("1e50", "1"), ("-9e125", "-9e125")])
def test_sums_that_do_not_fit(first: str, second: str) -> None:
    with pytest.raises(ApiError, match="Number overflow"):
        numbers.add(numbers.canonical(first), numbers.canonical(second))


# AWS's rule: a byte, a byte for two digits, one for the sign; zeros at either end cost nothing.
@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("1200", 2),
        ("100", 2),
        ("-1", 3),
        ("-12", 3),
        ("0.01", 2),
        ("1.5", 3),
        ("12.5", 3),
        ("-1.5", 4),
        ("-0.05", 3),
        ("-1200", 3),
        ("9" * 38, 20),
    ],
)
def test_size_of_numbers(text: str, size_bytes: int) -> None:
    assert numbers.size_bytes(text) == size_bytes
