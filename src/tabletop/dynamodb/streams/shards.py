"""Generations of shards: where a stream stands, when its shards close, and what they are called.

Every stream has one row, in which the next change finds all it needs (20 bytes, big-endian):

    8  the newest sequence number
    4  the open generation
    8  the millisecond from which the next change belongs to a new generation

Sequence numbers on the wire have 21 digits, the least that AWS's model allows: the counter on top of 10 ** 20.
Opening a generation draws a number too, so that the ranges of parent and child never touch, even if both stay empty.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tabletop.dynamodb import keys
from tabletop.storage.store import Batch, View, after_prefix

SLICES = 4
SLICE_BITS = 2
GENERATION_MS = 4 * 3600 * 1000
"""AWS's shards live for about four hours as well."""
_SEQUENCE_BASE = 10**20
_STATE = struct.Struct(">QIQ")


class State(NamedTuple):
    sequence: int
    generation: int
    rolls_at_ms: int


@dataclass(frozen=True, slots=True)
class Shard:
    id: str
    parent_id: str | None
    """Also of a parent that is trimmed by now."""
    generation: int
    slice: int
    first: int
    last: int | None
    """Of the sequence numbers that may lie in it, inclusive; None while the shard is open."""


def slice_of(partition_hash: bytes) -> int:
    """The slice of a partition, from (at least the first byte of) its hash."""
    return partition_hash[0] >> (8 - SLICE_BITS)


def sequence_text(sequence: int) -> str:
    return str(_SEQUENCE_BASE + sequence)


def parse_sequence(text: str) -> int | None:
    """The counter behind a sequence number of the wire; None for what none of ours can be."""
    if not (text.isascii() and text.isdecimal()):
        return None
    sequence = int(text) - _SEQUENCE_BASE
    return sequence if 0 <= sequence < 1 << 63 else None


def read_state(view: View, number: int) -> State:
    raw = view.get(keys.sequence_key(number))
    assert raw is not None, "every stream has a state"
    return State(*_STATE.unpack(raw))


def draw(view: View, batch: Batch, number: int, state_key: bytes, now_ms: int) -> int:
    """The next sequence number, for a change that the plan adds to the batch. Opens a new generation when it is time."""
    raw = batch.writes.get(state_key) or view.get(state_key)
    assert raw is not None, "every stream has a state"
    sequence, generation, rolls_at_ms = _STATE.unpack(raw)
    if now_ms >= rolls_at_ms:
        state = State(sequence, generation, rolls_at_ms)
        sequence, generation, rolls_at_ms = roll(view, batch, number, state, now_ms)
    batch.put(state_key, _STATE.pack(sequence + 1, generation, rolls_at_ms))
    return int(sequence + 1)


def open_first(batch: Batch, number: int, now_ms: int) -> None:
    """The first generation of a new stream."""
    _open(batch, number, State(0, 0, 0), now_ms, None)


def roll(view: View, batch: Batch, number: int, state: State, now_ms: int) -> State:
    """Close the open generation and open the next one, its child."""
    opened_ms = close(view, batch, number, state, now_ms)
    # The names of shards sort by the time of their opening, whatever the clock does.
    return _open(batch, number, state, max(now_ms, opened_ms + 1), opened_ms)


def close(view: View, batch: Batch, number: int, state: State, now_ms: int) -> int:
    """Close the open generation; the millisecond at which it was opened."""
    key = keys.generation_key(number, state.generation)
    raw = view.get(key)
    assert raw is not None, "the open generation is stored"
    row = orjson.loads(raw)
    batch.put(key, orjson.dumps(row | {"last": state.sequence, "closed": now_ms}))
    return int(row["opened"])


def _open(batch: Batch, number: int, before: State, now_ms: int, parent_opened_ms: int | None) -> State:
    state = State(before.sequence + 1, before.generation + 1, now_ms + GENERATION_MS)
    row = {"opened": now_ms, "first": state.sequence, "last": None, "closed": None, "parent_opened": parent_opened_ms}
    batch.put(keys.generation_key(number, state.generation), orjson.dumps(row))
    batch.put(keys.sequence_key(number), _STATE.pack(*state))
    return state


def generations(view: View, number: int) -> list[tuple[int, dict[str, Any]]]:
    """(generation, row) of all that are stored, the oldest first. A day holds seven of them."""
    prefix = keys.generation_prefix(number)
    return [
        (int.from_bytes(key[len(prefix) :], "big"), orjson.loads(raw))
        for key, raw in view.range(prefix, after_prefix(prefix))
    ]


def shards(view: View, number: int) -> list[Shard]:
    """All shards of a stream in the order of their names, which is the order of time."""
    found = [
        _shard(number, generation, slice_, row)
        for generation, row in generations(view, number)
        for slice_ in range(SLICES)
    ]
    found.sort(key=lambda shard: shard.id)
    return found


def shard_at(view: View, number: int, generation: int, slice_: int) -> Shard | None:
    raw = view.get(keys.generation_key(number, generation))
    return None if raw is None or slice_ >= SLICES else _shard(number, generation, slice_, orjson.loads(raw))


def _shard(number: int, generation: int, slice_: int, row: dict[str, Any]) -> Shard:
    parent_opened_ms = row["parent_opened"]
    return Shard(
        id=_shard_id(number, generation, slice_, row["opened"]),
        parent_id=None if parent_opened_ms is None else _shard_id(number, generation - 1, slice_, parent_opened_ms),
        generation=generation,
        slice=slice_,
        first=row["first"],
        last=row["last"],
    )


def _shard_id(number: int, generation: int, slice_: int, opened_ms: int) -> str:
    """AWS's form: the time of opening in 20 digits, and 8 hex digits without meaning (here the slice is in the last)."""
    mark = int.from_bytes(hashlib.blake2b(f"{number}/{generation}/{slice_}".encode(), digest_size=4).digest(), "big")
    return f"shardId-{opened_ms:020d}-{mark & ~(SLICES - 1) | slice_:08x}"
