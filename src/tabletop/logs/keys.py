"""Every key that log data has in the store, but for the documents of ``records``.

Layout (``|`` joins; numbers are big-endian; every key begins with ``prefixes.LOGS`` and a kind below 32, which no kind
of document begins with):

    EVENT    | group:4 | stream:4 | timestamp:8 | sequence:8     ingestion time:8 and the message in UTF-8
    DROPPED  | group:4 | stream:4                               data to be cleared later (stream 0: the group's)
    COUNTER  | group:4                                         [bytes] stored in the group
    RECENT   | group:4 | last timestamp:8 | stream:4            the key of the stream's document; 0 without events
    NUMBERS  | group:4                                         newest event's sequence:8, newest stream's number:4
    PARCEL   | group:4 | filter:4 | first sequence:8           events for a subscriber, see ``delivery``
"""

from __future__ import annotations

from typing import NamedTuple

from tabletop.storage import prefixes
from tabletop.storage.store import Batch, View

_EVENT = prefixes.LOGS + b"\x01"
_DROPPED = prefixes.LOGS + b"\x02"
_COUNTER = prefixes.LOGS + b"\x03"
_RECENT = prefixes.LOGS + b"\x04"
_NUMBERS = prefixes.LOGS + b"\x05"
_PARCEL = prefixes.LOGS + b"\x06"

GROUP_NUMBER = prefixes.META + b"logs.group_number"
"""The number that the newest group got, 4 bytes."""

TIMESTAMP_MAX = 2**62
"""Beyond any timestamp; times in requests are cut to it so that they fit a key."""


class Position(NamedTuple):
    """Where an event lies in its group: no two events share one. Sequences begin at 1, so (t, 0) is just before t."""

    timestamp: int
    sequence: int


def number_bytes(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def event_prefix(group: int, *stream: int) -> bytes:
    return _EVENT + number_bytes(group, *stream)


def event_key(group: int, stream: int, position: Position) -> bytes:
    timestamp, sequence = position
    return event_prefix(group, stream) + timestamp.to_bytes(8, "big") + sequence.to_bytes(8, "big")


def position_of(key: bytes) -> Position:
    return Position(int.from_bytes(key[-16:-8], "big"), int.from_bytes(key[-8:], "big"))


def stream_of(key: bytes) -> int:
    """The stream's number in an event's key."""
    return int.from_bytes(key[-20:-16], "big")


def dropped_prefix() -> bytes:
    return _DROPPED


def dropped_key(group: int, stream: int = 0) -> bytes:
    return _DROPPED + number_bytes(group, stream)


def dropped_numbers(key: bytes) -> tuple[int, int]:
    """(group, stream) of a DROPPED key."""
    return int.from_bytes(key[2:6], "big"), int.from_bytes(key[6:10], "big")


def counter_key(group: int) -> bytes:
    return _COUNTER + number_bytes(group)


def recent_prefix(group: int) -> bytes:
    return _RECENT + number_bytes(group)


def recent_key(group: int, last_timestamp: int | None, stream: int) -> bytes:
    return recent_prefix(group) + (last_timestamp or 0).to_bytes(8, "big") + number_bytes(stream)


def numbers_key(group: int) -> bytes:
    return _NUMBERS + number_bytes(group)


def new_group_number(view: View, batch: Batch) -> int:
    number = int.from_bytes(view.get(GROUP_NUMBER) or b"", "big") + 1
    batch.put(GROUP_NUMBER, number_bytes(number))
    return number


def read_numbers(view: View, group: int) -> tuple[int, int]:
    """(sequence of the newest event, number of the newest stream) of a group."""
    raw = view.get(numbers_key(group)) or bytes(12)
    return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")


def write_numbers(batch: Batch, group: int, sequence: int, stream: int) -> None:
    batch.put(numbers_key(group), sequence.to_bytes(8, "big") + number_bytes(stream))


def parcels_prefix() -> bytes:
    return _PARCEL


def parcel_key(group: int, subscription: int, first_sequence: int) -> bytes:
    return _PARCEL + number_bytes(group, subscription) + first_sequence.to_bytes(8, "big")


def parcel_numbers(key: bytes) -> tuple[int, int]:
    """(group, filter) of a PARCEL key."""
    return int.from_bytes(key[2:6], "big"), int.from_bytes(key[6:10], "big")
