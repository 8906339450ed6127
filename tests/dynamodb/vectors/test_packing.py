"""Vectors as an index keeps and shows them."""

from __future__ import annotations

import math
import random
import struct
from fractions import Fraction

import pytest

from tabletop.dynamodb import numbers
from tabletop.dynamodb.vectors import packing

EDGES = [
    0.0,
    1.0,
    -1.0,
    0.1,
    1 / 3,
    3.4028234663852886e38,
    -3.4028234663852886e38,
    1e-45,
    1.17549435e-38,
    16777216.0,
    1e-5,
]


def singles(seed: int) -> list[float]:
    """Floats of any bits that are numbers DynamoDB can hold."""
    random_ = random.Random(seed)
    drawn = (struct.unpack("<f", random_.randbytes(4))[0] for _ in range(2000))
    return [one for one in drawn if math.isfinite(one)]


# What is shown of a component means the very float that is kept, in canonical form, and no shorter text does.
@pytest.mark.parametrize("seed", range(4))
def test_shown_components_are_the_shortest(seed: int) -> None:
    kept = packing.rounded([*EDGES, *singles(seed)])
    value = {"L": [{"N": format(one, ".17g")} for one in kept]}
    for element, component in zip(packing.shown(value)["L"], kept, strict=True):
        text = element["N"]
        assert numbers.canonical(text) == text
        assert packing.rounded([float(text)]) == (component,)
        digits = len(text.lstrip("-0.").replace(".", "").strip("0")) if component else 1
        assert digits <= 9
        if digits > 6:
            assert packing.rounded([float(f"{component:.{digits - 1}g}")]) != (component,)


# A scaled vector has length one and the direction of the given one, as exactly as 64 bits can tell.
@pytest.mark.parametrize("seed", range(8))
def test_scaled_vectors(seed: int) -> None:
    random_ = random.Random(seed)
    dimensions = random_.choice((1, 2, 3, 100))
    given = packing.rounded([random_.gauss(0, 10 ** random_.randint(-9, 9)) for _ in range(dimensions)])
    raw = packing.singles(dimensions).pack(*given)
    scaled = struct.unpack(f"<{dimensions}d", packing.scaled(raw, dimensions))
    squares = sum((Fraction(one) ** 2 for one in scaled), Fraction(0))
    assert abs(squares - 1) < Fraction(1, 10**14)
    largest = max(range(dimensions), key=lambda at: abs(given[at]))
    for at in range(dimensions):
        across = Fraction(scaled[at]) * Fraction(given[largest]) - Fraction(scaled[largest]) * Fraction(given[at])
        assert abs(across) <= abs(Fraction(given[largest])) / 10**14


# Zeros have no direction, and stay what they are.
def test_zeros_stay_zeros() -> None:
    assert packing.scaled(bytes(12), 3) == bytes(24)


# The numbers at the end of a 32-bit float's range fit, the next ones do not.
def test_ends_of_the_range() -> None:
    largest = 3.4028234663852886e38
    assert packing.fits_single(largest)
    assert packing.fits_single(-largest)
    assert not packing.fits_single(3.41e38)
    assert not packing.fits_single(-3.41e38)
