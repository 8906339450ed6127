"""Proves the change log whole: streams with their tables, generations in line, every change in its place, nothing ownerless.

Of a stream's changes: each lies in the slice of its item, within a generation that is stored, and no two share a
sequence number; none is newer than the stream says, nor as old as what was trimmed. Memory is bounded by the number
of streams.
"""

from __future__ import annotations

import hashlib
import heapq
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson

from tabletop.dynamodb import catalog, changes, keys
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.streams import shards
from tabletop.storage.store import View, after_prefix

Record = dict[str, Any]


def problems(view: View) -> Iterator[str]:
    """One line for each thing that is wrong; nothing for a whole change log."""
    owned: set[int] = set()
    enabled: set[int] = set()
    tended = {raw for _, raw in view.range(keys.tending_prefix(), after_prefix(keys.tending_prefix()))}
    for key, raw in view.range(keys.stream_prefix(), after_prefix(keys.stream_prefix())):
        stream = orjson.loads(raw)
        number = stream["number"]
        if number in owned:
            yield f"{stream['arn']}: has the number of another stream"
        owned.add(number)
        if key not in tended:
            yield f"{stream['arn']}: will never be tended"
        if stream["disabled"] is None:
            enabled.add(number)
        try:
            yield from _table_problems(view, stream)
            yield from _stream_problems(view, stream)
        except Exception as error:
            yield f"{stream['arn']}: cannot be checked to the end: {error!r}"
    for _, table in catalog.readable(view):
        if table.stream is not None and table.stream.number not in enabled:
            yield f"table {table.arn}: its stream is missing"
    yield from _orphans(view, owned)


def _table_problems(view: View, stream: Record) -> Iterator[str]:
    if stream["disabled"] is not None:
        return
    table = catalog.find(view, stream["account"], stream["region"], stream["table"])
    if table is None or table.stream is None or table.stream.number != stream["number"]:
        yield f"{stream['arn']}: is enabled, but its table has it not"


def _stream_problems(view: View, stream: Record) -> Iterator[str]:
    number, arn = stream["number"], stream["arn"]
    if view.get(keys.sequence_key(number)) is None:
        yield f"{arn}: nothing tells where it stands"
        return
    state = shards.read_state(view, number)
    rows = shards.generations(view, number)
    yield from _generation_problems(stream, state, rows)
    firsts = [row["first"] for _, row in rows]
    lasts = [state.sequence if row["last"] is None else row["last"] for _, row in rows]
    slice_of = _slicer(stream)
    before = 0
    for key, value in heapq.merge(*(_slice(view, number, slice_) for slice_ in range(shards.SLICES)), key=_order):
        sequence = keys.sequence_of(key)
        if sequence == before:
            yield f"{arn}: two changes have the sequence number {sequence}"
        before = sequence
        at = bisect_right(firsts, sequence) - 1
        if at < 0 or not firsts[at] < sequence <= lasts[at]:
            yield f"{arn}: change {sequence} is in no shard"
        if slice_of(changes.key_of(value)) != key[-9]:
            yield f"{arn}: change {sequence} is not in the slice of its item"
        raw = view.get(keys.trimmed_key(number, key[-9]))
        if raw is not None and sequence <= int.from_bytes(raw, "big"):
            yield f"{arn}: change {sequence} should have been trimmed"


def _generation_problems(stream: Record, state: shards.State, rows: list[tuple[int, Record]]) -> Iterator[str]:
    arn = stream["arn"]
    open_ = [generation for generation, row in rows if row["last"] is None]
    if open_ != ([state.generation] if stream["disabled"] is None else []):
        yield f"{arn}: the generations {open_} are open"
    for (one, older), (other, newer) in pairwise(rows):
        if other != one + 1 or older["last"] is None or newer["first"] != older["last"] + 1:
            yield f"{arn}: generation {other} does not follow on {one}"


def _slice(view: View, number: int, slice_: int) -> Iterator[tuple[bytes, bytes]]:
    prefix = keys.change_prefix(number) + bytes((slice_,))
    return view.range(prefix, after_prefix(prefix))


def _order(change: tuple[bytes, bytes]) -> bytes:
    return change[0][-8:]


def _slicer(stream: Record) -> Any:
    """From an item's key to its slice, as the table of the stream has or had it."""
    types = dict(stream["attributes"])
    (name,) = (part["AttributeName"] for part in stream["key_schema"] if part["KeyType"] == "HASH")
    attribute = KeyAttribute(name, types[name])
    hasher = hashlib.blake2b(digest_size=keys.HASH_BYTES, key=bytes.fromhex(stream["seed"]))

    def slice_of(key: keys.Item) -> int:
        copied = hasher.copy()
        copied.update(keys.key_bytes(attribute, key[name]))
        return shards.slice_of(copied.digest())

    return slice_of


def _orphans(view: View, owned: set[int]) -> Iterator[str]:
    for kind in keys.stream_kinds():
        for number in keys.numbers_below(view, kind):
            if number not in owned:
                yield f"data of stream number {number}, which is nowhere described, under {kind.hex()}"
