"""Vectors as they come in items and requests, and as an index keeps them.

A vector's components are rounded to 32-bit floats, as AWS does. DOT_PRODUCT and EUCLIDEAN indexes keep just those. A
COSINE index keeps the vector scaled to length one, in 64 bits: the distance of two such vectors gives the cosine's
without a second pass, and without losing the digits of near neighbours that subtracting a cosine from one would lose.
The scaling is the same to the last bit on every machine (products of floats are exact in 64 bits, ``fsum`` rounds their
sum once), so that the checker may compare rows byte by byte. A vector of zeros has no direction; it stays zeros.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

from tabletop.dynamodb import numbers
from tabletop.dynamodb.key_schema import invalid_parameters
from tabletop.dynamodb.schema import VectorIndex

COMPONENT_BYTES = 4
"""Of one dimension, as sizes and capacity count it."""

SINGLE_DIGITS = (6, 7, 8, 9)
"""Significant digits that a 32-bit float keeps of any decimal, to those that tell any two floats apart."""

Components = tuple[float, ...]


@cache
def singles(dimensions: int) -> struct.Struct:
    return struct.Struct(f"<{dimensions}f")


@cache
def _doubles(dimensions: int) -> struct.Struct:
    return struct.Struct(f"<{dimensions}d")


def form(index: VectorIndex) -> struct.Struct:
    """How the index's rows hold their components."""
    return _doubles(index.dimensions) if index.distance == "COSINE" else singles(index.dimensions)


def packed(index: VectorIndex, value: dict[str, Any]) -> bytes:
    """The components of a canonical attribute value, as a row holds them. Raises as ``checked`` does."""
    raw = checked(index, value)
    return scaled(raw, index.dimensions) if index.distance == "COSINE" else raw


def checked(index: VectorIndex, value: dict[str, Any]) -> bytes:
    """The components, rounded to 32 bits and packed. Raises ValidationException for what is no vector of this index (the
    words are AWS's where the length is wrong, and inferred otherwise).
    """
    elements = value.get("L")
    if elements is None:
        raise _invalid_type(index, "", "L", value)
    if len(elements) != index.dimensions:
        raise invalid_parameters(
            f"Invalid size for parameter {index.attribute}, Expected: {index.dimensions}, "
            f"Actual: {len(elements)}. IndexName: {index.name}"
        )
    try:
        components = [float(element["N"]) for element in elements]
    except KeyError:
        at = next(at for at, element in enumerate(elements) if "N" not in element)
        raise _invalid_type(index, f"[{at}]", "N", elements[at]) from None
    try:
        return singles(index.dimensions).pack(*components)
    except OverflowError:
        at = next(at for at, component in enumerate(components) if not fits_single(component))
        raise invalid_parameters(
            f"Invalid value for parameter {index.attribute}[{at}], Expected: a 32-bit floating point number, "
            f"Actual: {elements[at]['N']}. IndexName: {index.name}"
        ) from None


def _invalid_type(index: VectorIndex, where: str, expected: str, value: dict[str, Any]) -> Exception:
    return invalid_parameters(
        f"Invalid type for parameter {index.attribute}{where}, Expected: {expected}, "
        f"Actual: {next(iter(value))}. IndexName: {index.name}"
    )


def fits_single(component: float) -> bool:
    try:
        singles(1).pack(component)
    except OverflowError:
        return False
    return True


def scaled(raw: bytes, dimensions: int) -> bytes:
    """Packed 32-bit components to packed 64-bit ones of a vector in the same direction, of length one."""
    return _doubles(dimensions).pack(*unit(singles(dimensions).unpack(raw)))


def unit(components: Components) -> Components:
    """Of length one; zeros stay zeros. ``components`` are 32-bit floats, whose squares are exact."""
    length = math.sqrt(math.fsum(map(operator.mul, components, components)))
    return tuple([x / length for x in components]) if length else components


def rounded(components: Sequence[float]) -> Components:
    """To 32 bits. Raises OverflowError."""
    one = singles(len(components))
    return one.unpack(one.pack(*components))


def shown(value: dict[str, Any]) -> dict[str, Any]:
    """A vector attribute as an index shows it: each number the shortest that means the 32-bit float.

    All numbers go through each length together, which takes a tenth of the time that one after the other does.
    """
    components = rounded([float(element["N"]) for element in value["L"]])
    texts = [""] * len(components)
    left = list(range(len(components)))
    for digits in SINGLE_DIGITS:
        for at in left:
            texts[at] = f"{components[at]:.{digits}g}"
        meant = rounded([float(texts[at]) for at in left])
        left = [at for at, component in zip(left, meant, strict=True) if component != components[at]]
    assert not left, "nine digits tell 32-bit floats apart"
    return {"L": [{"N": numbers.canonical(text) if "e" in text or text == "-0" else text} for text in texts]}
