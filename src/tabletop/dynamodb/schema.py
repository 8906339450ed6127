"""What a table is: the stored record, and its compiled form that the data path uses.

The record is JSON in the catalog; ``operations`` on tables edit it, ``description`` renders it for DescribeTable. Its form:

    number            int; names the table's keys in the store, never used again after the table is dropped
    index_count       int; the number that the last index got (indexes are numbered from 1, never used again)
    seed              32 hex digits; keys the hash of this table's partition keys
    account, region, name, id (UUID), arn, created (epoch seconds), status (TableStatus)
    attributes        [[name, type], ...] in the order of AttributeDefinitions; type is "S", "N" or "B"
    key_schema        AWS's KeySchema
    indexes           [index record, ...]: number, kind ("local" | "global"), name, arn, key_schema, projection (AWS's
                      Projection), status (IndexStatus), backfilling (bool), throughput, on_demand, warm
    billing           {"mode": "PROVISIONED" | "PAY_PER_REQUEST", "changed": epoch seconds or null}
    throughput        {"read": int, "write": int, "increased": epoch or null, "decreased": epoch or null, "decreases": int}
    stream            {"enabled": bool, "view": StreamViewType, "label", "number": int} of the newest stream, or null
    vector_indexes    [vector index record, ...]: see ``vectors.definitions.new_index``; absent in tables without
    replicas, group   of a replica of a global table: see ``replicas``
    on_demand, warm, sse, ttl, tags, table_class, deletion_protection, policy, ...: see ``catalog``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

KeyType = Literal["S", "N", "B"]


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    name: str
    type: KeyType


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index. ``hash`` and ``range`` have one attribute each but for multi-attribute keys (up to four each)."""

    name: str
    number: int
    is_global: bool
    hash: tuple[KeyAttribute, ...]
    range: tuple[KeyAttribute, ...]
    projection: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    projected: frozenset[str]
    """For KEYS_ONLY and INCLUDE: every attribute an entry holds, the keys of table and index among them."""
    status: str
    backfilling: bool
    arn: str
    prefix: bytes
    """Of every entry of this index: kind, table number, index number."""
    counter: bytes
    """Key of the counter row (entries, size in bytes)."""
    may_outgrow: bool
    """Whether keys that are each allowed can be too long here: several attributes, or the table's partition key as sort key."""
    key_attributes: tuple[KeyAttribute, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_attributes", self.hash + self.range)


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """A vector index (``tabletop.dynamodb.vectors``). Its numbers are of the same row as those of the other indexes."""

    name: str
    number: int
    attribute: str
    """The vector attribute."""
    dimensions: int
    distance: Literal["COSINE", "DOT_PRODUCT", "EUCLIDEAN"]
    hash: KeyAttribute | None
    """The attribute that divides the index into partitions; None: it is one."""
    filters: tuple[KeyAttribute, ...]
    """The INLINE_FILTER attributes."""
    projected: frozenset[str] | None
    """Every attribute that results may show, the vector aside; None: all."""
    status: str
    backfilling: bool
    arn: str
    prefix: bytes
    """Of every row of this index: kind, table number, index number."""
    counter: bytes
    """Key of the counter row (vectors, size in bytes)."""

    @property
    def search_attributes(self) -> tuple[KeyAttribute, ...]:
        return self.filters if self.hash is None else (self.hash, *self.filters)


@dataclass(frozen=True, slots=True)
class Stream:
    """An enabled stream, as the write path needs it."""

    number: int
    state: bytes
    """Key of the row that tells where the stream stands (``streams.shards``)."""
    shows_new: bool
    shows_old: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table, compiled from its record. Immutable; a changed record makes a new one."""

    name: str
    account: str
    region: str
    arn: str
    number: int
    status: str
    hash: KeyAttribute
    range: KeyAttribute | None
    indexes: tuple[Index, ...]
    """Every index that writes maintain: all but those being deleted."""
    record: dict[str, Any]
    item_prefix: bytes
    """Of every item's key: kind, table number."""
    counter: bytes
    """Key of the counter row (items, size in bytes)."""
    hasher: Any
    """A keyed blake2b of 16 bytes, to be copied and fed a partition key."""
    ttl_attribute: str | None
    key_names: frozenset[str]
    indexed_types: dict[str, KeyType]
    """Attribute -> type for every attribute that some maintained index uses as a key and the table does not."""
    has_local_indexes: bool
    checks_index_keys: bool
    """Whether a write must be held against the indexes: some attribute is only theirs, or a key may be too long."""
    is_followed: bool
    """Whether anything is to be brought along with an item: index entries, vectors, its expiry."""
    index_named: dict[str, Index] = field(default_factory=dict)
    stream: Stream | None = None
    """None for a table whose changes nobody records."""
    replicas: tuple[bytes, ...] = ()
    """Catalog keys of the other replicas of its global table: what is written here is written there."""
    is_strong: bool = False
    """Whether it is a replica of a global table with multi-Region strong consistency."""
    vectors: tuple[VectorIndex, ...] = ()
    """Every vector index that writes maintain: all but those being deleted."""
    closed_until: float = 0.0
    """Until then (epoch seconds) its items cannot be reached: it is CREATING, or DELETING."""

    key_attributes: tuple[KeyAttribute, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_attributes", (self.hash,) if self.range is None else (self.hash, self.range))

    @property
    def hash_attributes(self) -> tuple[KeyAttribute, ...]:
        """As an index has them: one for a table."""
        return (self.hash,)

    @property
    def range_attributes(self) -> tuple[KeyAttribute, ...]:
        return () if self.range is None else (self.range,)
