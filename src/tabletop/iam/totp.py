"""Codes of virtual MFA devices (RFC 6238 with SHA-1, six digits, thirty seconds), as AWS's devices make them. Pure."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable

STEP_S = 30
_DIGITS = 6


def step_at(now: float) -> int:
    return int(now) // STEP_S


def code(seed: bytes, step: int) -> str:
    """``seed``: the 40 bytes behind the device's Base32StringSeed."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def base32_seed(seed: bytes) -> str:
    return base64.b32encode(seed).decode()


def find_step(seed: bytes, given: str, steps: Iterable[int]) -> int | None:
    """The first of ``steps`` whose code is ``given``. Compared in constant time."""
    for step in steps:
        if step >= 0 and hmac.compare_digest(code(seed, step).encode(), given.encode()):
            return step
    return None


def find_pair(seed: bytes, first: str, second: str, steps: Iterable[int]) -> int | None:
    """The first of ``steps`` whose code is ``first``, and whose next is ``second``."""
    for step in steps:
        if find_step(seed, first, (step,)) is not None and find_step(seed, second, (step + 1,)) is not None:
            return step
    return None
