"""Where tables are kept: records in the store, compiled once for each form of the record that is seen.

A process caches the compiled table under the very bytes of its record, and reads those bytes (one lookup, about a
microsecond) with every request: so a change made by another process is seen at once, without any message between them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.dynamodb import keys
from tabletop.dynamodb.constraint_words import TABLE_NAME_CHARACTERS_MIN
from tabletop.dynamodb.schema import Index, KeyAttribute, KeyType, Stream, Table, VectorIndex
from tabletop.storage.store import Batch, View, after_prefix, read_counter

COMPILED_TABLES_MAX = 4096

_INVALID_NAME = (
    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, "
    "and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
)

_compiled: dict[bytes, tuple[bytes, Table]] = {}
_compiled_alone: dict[bytes, tuple[bytes, Table]] = {}
_unreadable: dict[bytes, bytes] = {}
"""Records that were logged as damaged, so that each is logged once."""

_log = Log("dynamodb.catalog")


def find(view: View, account: str, region: str, name: str) -> Table | None:
    """The table, or None where there is none of this name in this account and region."""
    key = keys.catalog_key(account, region, name)
    raw = view.get(key)
    return None if raw is None else _compiled_at(key, raw)


def _compiled_at(key: bytes, raw: bytes) -> Table:
    cached = _compiled.get(key)
    if cached is not None and cached[0] == raw:
        return cached[1]
    if len(_compiled) >= COMPILED_TABLES_MAX:
        _compiled.clear()
    table = compile_table(raw)
    _compiled[key] = (raw, table)
    return table


def table_of(view: View, call: Call, name: str) -> Table:
    """The table for item operations. Raises ResourceNotFoundException in the words of those operations."""
    table = find(view, call.account, call.region, name)
    if table is None or call.now < table.closed_until:
        if len(name) < TABLE_NAME_CHARACTERS_MIN:
            raise ApiError("ValidationException", _INVALID_NAME)
        raise ApiError("ResourceNotFoundException", "Requested resource not found")
    return table


def replicas_of(view: View, table: Table) -> Iterator[Table]:
    """The other replicas of the table's global table, each without replicas of its own: what is written to it goes no further."""
    for key in table.replicas:
        raw = view.get(key)
        assert raw is not None, "a replica leaves its global table before it goes"
        cached = _compiled_alone.get(key)
        if cached is None or cached[0] != raw:
            if len(_compiled_alone) >= COMPILED_TABLES_MAX:
                _compiled_alone.clear()
            cached = _compiled_alone[key] = (raw, replace(compile_table(raw), replicas=()))
        yield cached[1]


def readable(view: View) -> Iterator[tuple[bytes, Table]]:
    """(catalog key, table) for all accounts and regions. A damaged record is logged, and passed over."""
    prefix = keys.catalog_prefix()
    for key, raw in view.range(prefix, after_prefix(prefix)):
        try:
            table = _compiled_at(key, raw)
        except Exception as error:
            if _unreadable.get(key) != raw:
                if len(_unreadable) >= COMPILED_TABLES_MAX:
                    _unreadable.clear()
                _unreadable[key] = raw
                _log.error("a table's record cannot be read", key=key.hex(), fault=repr(error))
            continue
        yield key, table


def totals(view: View) -> tuple[int, int]:
    """(tables, items) of all accounts and regions."""
    counters = [table.counter for _, table in readable(view)]
    return len(counters), sum(read_counter(view, counter, 2)[0] for counter in counters)


def store_record(batch: Batch, record: dict[str, Any]) -> None:
    """Put the table's record, new or changed."""
    batch.put(keys.catalog_key(record["account"], record["region"], record["name"]), orjson.dumps(record))


def compile_table(raw: bytes) -> Table:
    """The compiled form of a catalog record."""
    record = orjson.loads(raw)
    number = record["number"]
    types: dict[str, KeyType] = dict(record["attributes"])
    table_hash, table_range = _key_parts(record["key_schema"], types)
    table_keys = {part.name for part in table_hash + table_range}
    indexes = tuple(
        _compile_index(index, number, types, table_keys, table_hash[0].name)
        for index in record["indexes"]
        if index["status"] != "DELETING"
    )
    indexed_types = {
        part.name: part.type for index in indexes for part in index.key_attributes if part.name not in table_keys
    }
    vectors = tuple(
        _compile_vector_index(index, number, types, table_keys)
        for index in record.get("vector_indexes") or ()
        if index["status"] != "DELETING"
    )
    ttl = record.get("ttl") or {}
    ttl_attribute = ttl.get("attribute") if ttl.get("status") in ("ENABLED", "ENABLING") else None
    return Table(
        name=record["name"],
        account=record["account"],
        region=record["region"],
        arn=record["arn"],
        number=number,
        status=record["status"],
        hash=table_hash[0],
        range=table_range[0] if table_range else None,
        indexes=indexes,
        record=record,
        item_prefix=keys.item_prefix(number),
        counter=keys.counter_key(number, 0),
        hasher=hashlib.blake2b(digest_size=16, key=bytes.fromhex(record["seed"])),
        ttl_attribute=ttl_attribute,
        key_names=frozenset(table_keys),
        indexed_types=indexed_types,
        has_local_indexes=any(not index.is_global for index in indexes),
        checks_index_keys=bool(indexed_types or vectors) or any(index.may_outgrow for index in indexes),
        is_followed=bool(indexes or vectors or ttl_attribute is not None),
        index_named={index.name: index for index in indexes},
        stream=_compile_stream(record.get("stream")),
        replicas=tuple(
            keys.catalog_key(one["account"], one["region"], record["name"])
            for one in record.get("replicas") or ()
            if "gone" not in one
        ),
        is_strong=(record.get("group") or {}).get("consistency") == "STRONG",
        closed_until=math.inf if record["status"] == "CREATING" else _closed_until(record.get("transition")),
        vectors=vectors,
    )


def _closed_until(transition: dict[str, Any] | None) -> float:
    """A table that is DELETING stays closed until the background has removed its record."""
    if transition is None or transition["status"] == "UPDATING":
        return 0.0
    return math.inf if transition["status"] == "DELETING" else float(transition["until"])


def _compile_stream(stream: dict[str, Any] | None) -> Stream | None:
    if not stream or not stream["enabled"]:
        return None
    return Stream(
        number=stream["number"],
        state=keys.sequence_key(stream["number"]),
        shows_new=stream["view"] in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"),
        shows_old=stream["view"] in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"),
    )


def _compile_index(
    index: dict[str, Any], number: int, types: dict[str, KeyType], table_keys: set[str], partition_key: str
) -> Index:
    hash_parts, range_parts = _key_parts(index["key_schema"], types)
    projection = index["projection"]
    included = projection.get("NonKeyAttributes") or ()
    return Index(
        name=index["name"],
        number=index["number"],
        is_global=index["kind"] == "global",
        hash=hash_parts,
        range=range_parts,
        projection=projection["ProjectionType"],
        projected=frozenset(table_keys) | {part.name for part in hash_parts + range_parts} | set(included),
        status=index["status"],
        backfilling=bool(index.get("backfilling")),
        arn=index["arn"],
        prefix=keys.index_prefix(number, index["number"]),
        counter=keys.counter_key(number, index["number"]),
        may_outgrow=len(hash_parts) > 1
        or len(range_parts) > 1
        or any(part.name == partition_key for part in range_parts),
    )


def _compile_vector_index(
    index: dict[str, Any], number: int, types: dict[str, KeyType], table_keys: set[str]
) -> VectorIndex:
    hash_parts, filters = (
        tuple(
            KeyAttribute(part["AttributeName"], types[part["AttributeName"]])
            for part in index["search_schema"] or ()
            if part["SearchSchemaElementType"] == kind
        )
        for kind in ("HASH", "INLINE_FILTER")
    )
    projection = index["projection"]
    included = {part.name for part in hash_parts + filters} | set(projection.get("NonKeyAttributes") or ())
    return VectorIndex(
        name=index["name"],
        number=index["number"],
        attribute=index["attribute"],
        dimensions=index["dimensions"],
        distance=index["distance"],
        hash=hash_parts[0] if hash_parts else None,
        filters=filters,
        projected=None if projection["ProjectionType"] == "ALL" else frozenset(table_keys | included),
        status=index["status"],
        backfilling=bool(index.get("backfilling")),
        arn=index["arn"],
        prefix=keys.vector_prefix(number, index["number"]),
        counter=keys.counter_key(number, index["number"]),
    )


def _key_parts(
    key_schema: list[dict[str, str]], types: dict[str, KeyType]
) -> tuple[tuple[KeyAttribute, ...], tuple[KeyAttribute, ...]]:
    hash_parts, range_parts = (
        tuple(
            KeyAttribute(part["AttributeName"], types[part["AttributeName"]])
            for part in key_schema
            if part["KeyType"] == kind
        )
        for kind in ("HASH", "RANGE")
    )
    return hash_parts, range_parts
