"""The change log: one record for each change of an item of a table with a stream, in the batch of the change itself.

A change is stored under its stream, slice and sequence number (``keys``). Its value is

    8  millisecond of the commit, big-endian
    1  kind: INSERT, MODIFY, REMOVE, or EXPIRE (a REMOVE by time to live)
       members of the wire's ``dynamodb`` object without braces: Keys, NewImage, OldImage as the view type has them, SizeBytes

The images are the bytes that the item is stored as, and GetRecords copies them: nothing is parsed to write or to read
a change. What follows from the key and the stream (event id, sequence number, region ...) is added by ``rendered``.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import orjson

from tabletop.dynamodb import keys, sizes
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.streams import shards
from tabletop.storage.store import Batch, View

_HEAD = struct.Struct(">QB")
INSERT, MODIFY, REMOVE, EXPIRE = range(1, 5)
_EVENT_NAMES = {INSERT: "INSERT", MODIFY: "MODIFY", REMOVE: "REMOVE", EXPIRE: "REMOVE"}
_BY_TIME_TO_LIVE = b',"userIdentity":{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"}'
"""Named as the model of GetRecords names them; the events that Lambda gets have small initials."""


def record(
    view: View,
    batch: Batch,
    table: Table,
    item_key: bytes,
    item: Item,
    old_raw: bytes | None,
    new_raw: bytes | None,
    now: float,
    *,
    expired: bool = False,
) -> None:
    """Add the change of an item from one stored form to the other (None: there is no item) to the log.

    Only for a table whose ``stream`` is not None. ``item`` has the key attributes.
    """
    stream = table.stream
    assert stream is not None
    now_ms = int(now * 1000)
    sequence = shards.draw(view, batch, stream.number, stream.state, now_ms)
    key_attributes = {part.name: item[part.name] for part in table.key_attributes}
    size_bytes = sizes.item_size(key_attributes)
    members = [b'"Keys":', orjson.dumps(key_attributes)]
    if stream.shows_new and new_raw is not None:
        members += (b',"NewImage":', new_raw[4:])
        size_bytes += int.from_bytes(new_raw[:4], "big")
    if stream.shows_old and old_raw is not None:
        members += (b',"OldImage":', old_raw[4:])
        size_bytes += int.from_bytes(old_raw[:4], "big")
    members.append(b',"SizeBytes":%d' % size_bytes)
    kind = INSERT if old_raw is None else MODIFY if new_raw is not None else EXPIRE if expired else REMOVE
    slice_ = shards.slice_of(item_key[len(table.item_prefix) :])
    batch.put(keys.change_key(stream.number, slice_, sequence), _HEAD.pack(now_ms, kind) + b"".join(members))


def millisecond(value: bytes) -> int:
    """When the change of this stored value was made."""
    return int.from_bytes(value[:8], "big")


def key_of(value: bytes) -> Item:
    """The key attributes of the item that a stored change is about."""
    return orjson.loads(b"{" + value[_HEAD.size :] + b"}")["Keys"]  # type: ignore[no-any-return]


def rendered(stream: dict[str, Any], key: bytes, value: bytes) -> bytes:
    """The JSON of a stored change as GetRecords shows it. ``stream``: its record (``streams.records``)."""
    made_ms, kind = _HEAD.unpack_from(value)
    event_id = hashlib.blake2b(key, digest_size=16, key=stream["label"].encode()).hexdigest()
    head = (
        f'{{"eventID":"{event_id}","eventName":"{_EVENT_NAMES[kind]}","eventVersion":"1.1","eventSource":"aws:dynamodb",'
        f'"awsRegion":"{stream["region"]}","dynamodb":{{"ApproximateCreationDateTime":{made_ms // 1000},'
    )
    tail = f',"SequenceNumber":"{shards.sequence_text(keys.sequence_of(key))}","StreamViewType":"{stream["view"]}"}}'
    identity = _BY_TIME_TO_LIVE if kind == EXPIRE else b""
    return b"".join((head.encode(), value[_HEAD.size :], tail.encode(), identity, b"}"))
