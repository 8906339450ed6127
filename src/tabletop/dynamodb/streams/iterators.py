"""Shard iterators: a place in a shard as an opaque string, good in any process and after a restart.

AWS's form: the stream's ARN, a version and base64, joined by bars. The base64 holds (big-endian)

    4  generation       1  slice       8  sequence number from which to read on
    8  millisecond of issue            4  CRC-32 of the ARN and all of this

Nothing in it is secret, and nothing is granted by it: what may be read is decided by the ARN at each use.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import NamedTuple

from tabletop.base.errors import ApiError

LIFE_MS = 15 * 60 * 1000
_VERSION = "1"
_PLACE = struct.Struct(">IBQQ")
_CHECKSUM_BYTES = 4


class Iterator(NamedTuple):
    arn: str
    generation: int
    slice: int
    position: int
    """Sequence number of the first change that may be returned."""
    issued_ms: int


def encode(iterator: Iterator) -> str:
    place = _PLACE.pack(*iterator[1:])
    checksum = zlib.crc32(iterator.arn.encode() + place).to_bytes(_CHECKSUM_BYTES, "big")
    return f"{iterator.arn}|{_VERSION}|{base64.b64encode(place + checksum).decode()}"


def decode(text: str) -> Iterator:
    """Raises ValidationException for what was never an iterator of ours."""
    arn, _, rest = text.partition("|")
    version, _, encoded = rest.partition("|")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    place, checksum = raw[: _PLACE.size], raw[_PLACE.size :]
    expected = zlib.crc32(arn.encode(errors="replace") + place).to_bytes(_CHECKSUM_BYTES, "big")
    if version != _VERSION or len(place) != _PLACE.size or checksum != expected:
        # Inferred: that it is refused was observed, the words are ours.
        raise ApiError("ValidationException", "Invalid ShardIterator")
    return Iterator(arn, *_PLACE.unpack(place))


def arn_of(text: str) -> str:
    """The stream's ARN in what may be an iterator; "*" where there is none."""
    arn, bar, _ = text.partition("|")
    return arn if bar and arn.startswith("arn:") else "*"


def check_age(iterator: Iterator, now: float) -> None:
    if int(now * 1000) - iterator.issued_ms > LIFE_MS:
        raise ApiError("ExpiredIteratorException", "The provided iterator exceeds the maximum age allowed.")
