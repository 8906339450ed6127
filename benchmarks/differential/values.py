"""Random attribute values from small pools, so that they meet, compare and collide."""

from __future__ import annotations

import base64
import random
from typing import Any

Value = dict[str, Any]

TEXTS = ["a", "ab", "abc", "b", "B", "é", "z", "Zz", "a b", "1"]
NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "10",
    "1.5",
    "-0.5",
    "100",
    "1e2",
    "0.001",
    "-1E2",
    "1.0",
    "12345678901234567890123456789012345678",
]
BINARIES = [base64.b64encode(raw).decode() for raw in (b"\0", b"\0\1", b"a", b"ab", b"abc", b"\xfe", b"\xff\xff")]
POOLS = {"S": TEXTS, "N": NUMBERS, "B": BINARIES}
FREE = ["v0", "v1", "v2", "n0", "list", "map"]
"""Names of attributes that are no key of anything."""


def scalar(dice: random.Random, kind: str) -> Value:
    return {kind: dice.choice(POOLS[kind])}


def number_set(dice: random.Random) -> list[str]:
    return dice.sample(["0", "1", "-1", "2.5", "10", "100"], dice.randint(1, 3))


def value(dice: random.Random, depth: int = 0) -> Value:
    """Of any type; maps and lists at most two deep."""
    kind = dice.choice(
        ["S", "S", "N", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"] if depth < 2 else ["S", "N", "B", "BOOL"]
    )
    if kind in POOLS:
        return scalar(dice, kind)
    if kind == "BOOL":
        return {"BOOL": dice.random() < 0.5}
    if kind == "NULL":
        return {"NULL": True}
    if kind == "NS":
        return {"NS": number_set(dice)}
    if kind in ("SS", "BS"):
        return {kind: dice.sample(POOLS[kind[0]], dice.randint(1, 3))}
    if kind == "L":
        return {"L": [value(dice, depth + 1) for _ in range(dice.randint(0, 3))]}
    return {"M": {name: value(dice, depth + 1) for name in dice.sample(["x", "y", "z"], dice.randint(0, 3))}}


def typical(dice: random.Random, name: str) -> Value:
    """What an attribute of this name mostly holds, so that paths and functions find what they look for."""
    if dice.random() < 0.25:
        return value(dice)
    if name == "list":
        return {"L": [value(dice, 1) for _ in range(dice.randint(1, 3))]}
    if name == "map":
        return {"M": {"x": value(dice, 1), "y": scalar(dice, "N")}}
    return scalar(dice, "N" if name == "n0" else dice.choice("SNB"))
