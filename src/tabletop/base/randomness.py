"""The only door to randomness: identifiers and secrets."""

from __future__ import annotations

import os
import random
import secrets
import string
import uuid

_request_ids = random.Random(os.urandom(32))
_DRAWN_AT_ONCE = 64
_drawn: list[str] = []
"""Request ids for those who ask next."""
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


def new_uuid() -> str:
    """A random (version 4) UUID in its usual form."""
    return str(uuid.UUID(bytes=os.urandom(16), version=4))


def new_request_id() -> str:
    """Fifty-two capital letters and digits, the form of DynamoDB's x-amzn-RequestId: hexadecimal digits only.

    Unlike secrets it need not be unpredictable, only not repeat: a generator of the process, seeded by the kernel, draws many
    at once. Asking the kernel each time took a seventh of a GetItem, drawing from all 36 symbols a third.
    """
    try:
        return _drawn.pop()
    except IndexError:
        text = f"{_request_ids.getrandbits(208 * _DRAWN_AT_ONCE):0{52 * _DRAWN_AT_ONCE}X}"
        _drawn.extend(text[at : at + 52] for at in range(52, len(text), 52))
        return text[:52]


def fraction() -> float:
    """From 0 up to, but not including, 1: for choices that need not be unpredictable."""
    return _request_ids.random()


def new_unique_id(prefix: str) -> str:
    """An IAM unique identifier: a four-letter prefix (AIDA, AROA, ANPA ...) and 17 base-32 characters."""
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(17))


def new_secret_access_key() -> str:
    """Forty characters, as AWS's secret access keys have."""
    alphabet = string.ascii_letters + string.digits + "+/"
    return "".join(secrets.choice(alphabet) for _ in range(40))
