"""Every key that DynamoDB data has in the store, and the order-preserving encodings: one place.

Layout (``|`` joins; numbers are big-endian; every key begins with ``prefixes.DYNAMODB`` and a kind):

    CATALOG    | account \\0 region \\0 table name            the table's record (``schema``)
    COUNTER    | table:4 | index:2                           [items, bytes] of the table (index 0) or of one index
    ITEM       | table:4 | hash:16 | sort                    size:4 and the item's JSON
    ENTRY      | table:4 | index:2 | hash:16 | sort* | base:16    an index's entry: size:4 and the projected item's JSON
    VECTOR     | table:4 | index:2 | [hash:16] | hash:16 | sort    a vector index's row (``vectors``): components, filters
    COLLECTION | table:4 | hash:16                           [bytes] of one item collection (tables with local indexes)
    EXPIRY     | table:4 | second:8 | hash:16 | sort          an item that expires then (empty value)
    TOKEN      | account \\0 region \\0 token                  what a client token of a transaction did
    TOKEN_AGE  | millisecond:8 | account \\0 region \\0 token   the same in order of age, to be forgotten after ten minutes
    CHANGE     | stream:4 | slice:1 | sequence:8              the change log (``changes``); it outlives the table by a day
    STREAM     | account \\0 region \\0 table name \\0 label      a stream (``streams.records``)
    SEQUENCE   | stream:4                                    where the stream stands (``streams.shards``)
    GENERATION | stream:4 | generation:4                     shards that were opened together (``streams.shards``)
    TRIMMED    | stream:4 | slice:1                          sequence number of the last change that was trimmed: 8 bytes
    TENDING    | millisecond:8 | stream:4                    when the stream is to be tended next: the key of the stream
    DROPPED    | table:4 | index:2                           data to be cleared in the background (index 0: the whole table)
    BACKFILL   | table:4 | index:2                           where the filling of an index (0: a replica) stands: the last item

``hash`` is the 16-byte keyed blake2b of the partition key, so that partitions lie in hash order, as in DynamoDB: Scan
order, parallel segments and cursors follow from it. ``sort`` is the sort key's order-preserving form: UTF-8 bytes, the
binary itself, or ``numbers.sortable``. ``sort*`` is the same made self-terminating (``terminated``): no encoding is a
prefix of another, order is kept, and it grows by at most a half, so that sort keys of 1,024 bytes (the bound holds for all
sort attributes of a multi-attribute key together) stay within LMDB's 1,978-byte keys. (Escaping each zero
byte alone would double it; groups of eight with a marker would cost a loop over every key.)
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

from tabletop.dynamodb import numbers
from tabletop.dynamodb.schema import Index, KeyAttribute, Table, VectorIndex
from tabletop.storage import prefixes
from tabletop.storage.store import View, after_prefix

Item = dict[str, dict[str, Any]]

_CATALOG = prefixes.DYNAMODB + b"\x01"
_COUNTER = prefixes.DYNAMODB + b"\x02"
_ITEM = prefixes.DYNAMODB + b"\x03"
_ENTRY = prefixes.DYNAMODB + b"\x04"
_COLLECTION = prefixes.DYNAMODB + b"\x05"
_EXPIRY = prefixes.DYNAMODB + b"\x06"
_TOKEN = prefixes.DYNAMODB + b"\x07"
_TOKEN_AGE = prefixes.DYNAMODB + b"\x08"
_CHANGE = prefixes.DYNAMODB + b"\x09"
_DROPPED = prefixes.DYNAMODB + b"\x0a"
_BACKFILL = prefixes.DYNAMODB + b"\x0b"
_VECTOR = prefixes.DYNAMODB + b"\x0c"
_STREAM = prefixes.DYNAMODB + b"\x20"
_SEQUENCE = prefixes.DYNAMODB + b"\x21"
_GENERATION = prefixes.DYNAMODB + b"\x22"
_TRIMMED = prefixes.DYNAMODB + b"\x23"
_TENDING = prefixes.DYNAMODB + b"\x24"

TABLE_NUMBER_COUNTER = prefixes.META + b"dynamodb.table_number"
"""The number that the newest table got, 4 bytes."""
STREAM_NUMBER_COUNTER = prefixes.META + b"dynamodb.stream_number"
"""The number that the newest stream got, 4 bytes."""

HASH_BYTES = 16
EXPIRY_NUMBER = 0xFFFF
"""Stands for the expiry entries where an index number is asked for: they are filled in as a new index is."""


def catalog_key(account: str, region: str, name: str = "") -> bytes:
    """The record of the table; with an empty name the prefix of all tables of the account and region."""
    return _CATALOG + f"{account}\0{region}\0{name}".encode()


def catalog_prefix() -> bytes:
    """Of all table records: all accounts and regions."""
    return _CATALOG


def catalog_parts(key: bytes) -> tuple[str, str, str]:
    """(account, region, table name) of a catalog key."""
    account, region, name = key[len(_CATALOG) :].decode().split("\0")
    return account, region, name


def counter_key(table: int, index: int) -> bytes:
    return _COUNTER + table.to_bytes(4, "big") + index.to_bytes(2, "big")


def item_prefix(table: int) -> bytes:
    return _ITEM + table.to_bytes(4, "big")


def index_prefix(table: int, index: int) -> bytes:
    return _ENTRY + table.to_bytes(4, "big") + index.to_bytes(2, "big")


def vector_prefix(table: int, index: int) -> bytes:
    return _VECTOR + table.to_bytes(4, "big") + index.to_bytes(2, "big")


def collection_key(table: int, partition_hash: bytes) -> bytes:
    return _COLLECTION + table.to_bytes(4, "big") + partition_hash


def expiry_prefix(table: int) -> bytes:
    return _EXPIRY + table.to_bytes(4, "big")


def expiry_key(table: Table, second: int, item_key: bytes) -> bytes:
    return expiry_prefix(table.number) + second.to_bytes(8, "big") + item_key[len(table.item_prefix) :]


def dropped_key(table: int, index: int = 0) -> bytes:
    return _DROPPED + table.to_bytes(4, "big") + index.to_bytes(2, "big")


def dropped_prefix() -> bytes:
    return _DROPPED


def backfill_key(table: int, index: int) -> bytes:
    return _BACKFILL + table.to_bytes(4, "big") + index.to_bytes(2, "big")


def backfill_prefix() -> bytes:
    return _BACKFILL


def numbers_of(key: bytes) -> tuple[int, int]:
    """(table number, index number) of a DROPPED or BACKFILL key."""
    return int.from_bytes(key[2:6], "big"), int.from_bytes(key[6:8], "big")


def table_kinds() -> tuple[bytes, ...]:
    """The kinds of keys that go on with a table's number."""
    return (_ITEM, _ENTRY, _VECTOR, _COLLECTION, _EXPIRY, _BACKFILL, _COUNTER)


def numbers_below(view: View, kind: bytes) -> Iterator[int]:
    """The numbers (of tables, of streams) that have keys of this kind, ascending; one key is read for each."""
    number = -1
    while True:
        first = next(view.range(kind + (number + 1).to_bytes(4, "big"), after_prefix(kind)), None)
        if first is None:
            return
        number = int.from_bytes(first[0][2:6], "big")
        yield number


def expiring_tables(view: View) -> Iterator[int]:
    """The numbers of the tables that have items which are to expire."""
    return numbers_below(view, _EXPIRY)


def table_data_prefixes(table: int) -> tuple[bytes, ...]:
    """Everything a dropped table leaves behind, to be cleared in the background."""
    number = table.to_bytes(4, "big")
    return tuple(kind + number for kind in table_kinds())


def token_key(account: str, region: str, token: str) -> bytes:
    return _TOKEN + f"{account}\0{region}\0{token}".encode()


def token_age_key(at: float, token: bytes = b"") -> bytes:
    """Of the token with this TOKEN key, used at this time; without one, the first key that tokens of that age can have."""
    return _TOKEN_AGE + int(at * 1000).to_bytes(8, "big") + token[len(_TOKEN) :]


def token_of_age(age: bytes) -> bytes:
    """The TOKEN key that belongs to a TOKEN_AGE key."""
    return _TOKEN + age[len(_TOKEN_AGE) + 8 :]


def token_age_prefix() -> bytes:
    return _TOKEN_AGE


def stream_key(account: str, region: str, table: str = "", label: str = "") -> bytes:
    """A stream; without a label the prefix of the table's streams, without a table that of the account and region."""
    return _STREAM + "\0".join((account, region, table, label) if table else (account, region, "")).encode()


def stream_prefix() -> bytes:
    """Of the streams of all accounts and regions."""
    return _STREAM


def change_prefix(stream: int) -> bytes:
    return _CHANGE + stream.to_bytes(4, "big")


def change_key(stream: int, slice_: int, sequence: int) -> bytes:
    return _CHANGE + stream.to_bytes(4, "big") + bytes((slice_,)) + sequence.to_bytes(8, "big")


def sequence_of(change: bytes) -> int:
    """The sequence number in a CHANGE key."""
    return int.from_bytes(change[-8:], "big")


def sequence_key(stream: int) -> bytes:
    return _SEQUENCE + stream.to_bytes(4, "big")


def generation_prefix(stream: int) -> bytes:
    return _GENERATION + stream.to_bytes(4, "big")


def generation_key(stream: int, generation: int) -> bytes:
    return _GENERATION + stream.to_bytes(4, "big") + generation.to_bytes(4, "big")


def trimmed_key(stream: int, slice_: int) -> bytes:
    return _TRIMMED + stream.to_bytes(4, "big") + bytes((slice_,))


def tending_key(millisecond: int, stream: int) -> bytes:
    return _TENDING + millisecond.to_bytes(8, "big") + stream.to_bytes(4, "big")


def tending_prefix() -> bytes:
    return _TENDING


def stream_kinds() -> tuple[bytes, ...]:
    """The kinds of keys that go on with a stream's number."""
    return (_CHANGE, _SEQUENCE, _GENERATION, _TRIMMED)


def key_bytes(attribute: KeyAttribute, value: dict[str, Any]) -> bytes:
    """The order-preserving form of a key attribute's value, which has the attribute's type and canonical form."""
    kind = attribute.type
    return _ENCODINGS[kind](value[kind])


_ENCODINGS: dict[str, Callable[[str], bytes]] = {"S": str.encode, "N": numbers.sortable, "B": base64.b64decode}


def partition_hash(table: Table, partition_key: bytes) -> bytes:
    hasher = table.hasher.copy()
    hasher.update(partition_key)
    digest: bytes = hasher.digest()
    return digest


def item_key(table: Table, key: Item) -> bytes:
    """The store's key of the item with these key attributes (more attributes do no harm)."""
    hash_attribute, range_attribute = table.hash, table.range
    kind = hash_attribute.type
    hasher = table.hasher.copy()
    hasher.update(_ENCODINGS[kind](key[hash_attribute.name][kind]))
    encoded: bytes = table.item_prefix + hasher.digest()
    if range_attribute is None:
        return encoded
    kind = range_attribute.type
    return encoded + _ENCODINGS[kind](key[range_attribute.name][kind])


def index_partition(table: Table, index: Index, key: Item) -> bytes:
    """Prefix of all entries of one index partition: the index's prefix and the hash of its partition key."""
    if len(index.hash) == 1:
        (part,) = index.hash
        return index.prefix + partition_hash(table, key_bytes(part, key[part.name]))
    return index.prefix + partition_hash(
        table, b"".join(terminated(key_bytes(part, key[part.name])) for part in index.hash)
    )


def vector_partition(table: Table, index: VectorIndex, value: dict[str, Any] | None) -> bytes:
    """Prefix of the rows of one partition of a vector index; of all rows, where the index has no partitions (no ``value``)."""
    if index.hash is None or value is None:
        return index.prefix
    return index.prefix + partition_hash(table, key_bytes(index.hash, value))


def entry_key(table: Table, index: Index, item: Item, base_key: bytes) -> bytes:
    """The key of the index's entry for an item that has all of the index's key attributes; ``base_key``: its ``item_key``."""
    key = index_partition(table, index, item)
    for part in index.range:
        kind = part.type
        raw = _ENCODINGS[kind](item[part.name][kind])
        key += terminated(raw) if b"\0" in raw else raw + b"\0\0"
    tail = base_key[len(table.item_prefix) :]
    return key + (tail if len(tail) == HASH_BYTES else partition_hash(table, tail))


def base_digest(table: Table, base_key: bytes) -> bytes:
    """Sixteen bytes that stand for the item in an index entry's key, and order entries whose sort keys tie."""
    tail = base_key[len(table.item_prefix) :]
    return tail if len(tail) == HASH_BYTES else partition_hash(table, tail)


_ZEROS = re.compile(b"\0+")


def terminated(raw: bytes) -> bytes:
    """Self-terminating, order-preserving form of a string of bytes; at most half as long again, and two bytes.

    A run of n zero bytes becomes a zero and one byte that tells n and whether the string ends there:

        \\0 \\0        the string ends (no zeros before the end)
        \\0 n         n zeros, then the end            1 <= n <= 126; the longer run sorts higher
        \\0 127       127 zeros, and on                (the rest of the run follows)
        \\0 255-n     n zeros, then another byte       1 <= n <= 126; the longer run sorts lower
    """
    if b"\0" not in raw:
        return raw + b"\0\0"
    length = len(raw)

    def encode_run(match: re.Match[bytes]) -> bytes:
        full, rest = divmod(match.end() - match.start(), 127)
        at_end = match.end() == length
        tail = bytes((0, rest)) if at_end else (bytes((0, 255 - rest)) if rest else b"")
        return b"\0\x7f" * full + tail

    encoded = _ZEROS.sub(encode_run, raw)
    return encoded if raw.endswith(b"\0") else encoded + b"\0\0"
