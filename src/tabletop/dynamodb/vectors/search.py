"""The nearest vectors of an index, or of one of its partitions: every one of them is looked at."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from tabletop.base.call import Call
from tabletop.dynamodb import catalog, keys, sizes
from tabletop.dynamodb.expressions import Projection
from tabletop.dynamodb.key_schema import empty_index_key, invalid, invalid_parameters
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table, VectorIndex
from tabletop.dynamodb.values import type_of
from tabletop.dynamodb.vectors import packing, rows
from tabletop.dynamodb.vectors.distances import distance_from, score
from tabletop.storage.store import View, after_prefix

STEP_NUMBERS = 65_536
"""Components that one step looks at: about 2 milliseconds."""
STEP_BYTES = 65_536
"""Of items that one step parses for the answer, or one item: a few milliseconds where vectors are shown."""
ROW_NUMBERS = 128
"""What reading a row costs beside its components, in components."""
ANSWER_BYTES_MAX = 16 * 1024 * 1024

_CONDITION = "SearchConditionExpression"


@dataclass(frozen=True, slots=True)
class Search:
    """A SearchVectors request, prepared without the table."""

    call: Call
    table: str
    index: str
    vector: tuple[float, ...]
    """Rounded to 32 bits."""
    top: int
    equal: Item | None
    """What the search condition asks; None: there is none."""
    projection: Projection | None
    return_consumed_capacity: str | None


class Found(NamedTuple):
    """Of the nearest, the farthest is the smallest, so that a heap has it first; of two as far apart the later one."""

    nearness: float
    earliness: int
    item_key: bytes


def steps(view: View, search: Search) -> Generator[None, None, bytes]:
    """The JSON of the answer, after any number of bounded steps. Raises ApiError."""
    table = catalog.table_of(view, search.call, search.table)
    index = searchable_index(table, search.index)
    if len(search.vector) != index.dimensions:
        raise invalid(
            f"Input search vector dimension {len(search.vector)} does not match vector index dimension {index.dimensions}"
        )
    partition, filters = _fit(index, search.equal)
    nearest: list[Found] = []
    measured = yield from _look(view, table, index, search, partition, filters, nearest)
    return (yield from _answer(view, table, index, search, sorted(nearest, reverse=True), measured))


def searchable_index(table: Table, name: str) -> VectorIndex:
    index = next((index for index in table.vectors if index.name == name), None)
    if index is None:
        if name in table.index_named:
            raise invalid("SearchVectors operation not supported on this index type.")  # inferred, after Query's words
        raise invalid(f"The table does not have the specified index: {name}")
    if index.backfilling or index.status == "CREATING":
        raise invalid(f"Cannot search backfilling vector index: {name}")
    return index


def _fit(index: VectorIndex, equal: Item | None) -> tuple[Item, Item]:
    """The partition's attribute with its value (nothing in an index without partitions), and the filters' with theirs.

    Raises ValidationException where the condition does not fit the search schema; all but the first words are inferred.
    """
    if equal is None:
        if index.hash is not None:
            raise invalid(f"{_CONDITION} must be provided when SearchSchema has a HASH key")
        return {}, {}
    parts = {part.name: part for part in index.search_attributes}
    for name, value in equal.items():
        if name not in parts:
            raise invalid(f"Invalid {_CONDITION}: Attribute is not part of the SearchSchema: {name}")
        if type_of(value) != parts[name].type:
            raise invalid_parameters("Condition parameter type does not match schema type")
    filters = dict(equal)
    if index.hash is None:
        return {}, filters
    partition = filters.pop(index.hash.name, None)
    if partition is None:
        raise invalid(f"Invalid {_CONDITION}: Condition missed SearchSchema HASH element: {index.hash.name}")
    if not partition[index.hash.type]:
        raise empty_index_key(index.hash, index.name)
    return {index.hash.name: partition}, filters


def _look(
    view: View, table: Table, index: VectorIndex, search: Search, partition: Item, filters: Item, nearest: list[Found]
) -> Generator[None, None, int]:
    """Put the nearest into ``nearest``, a heap; how many vectors were measured."""
    prefix = keys.vector_partition(table, index, next(iter(partition.values()), None))
    form = packing.form(index)
    unpack, vector_bytes, top = form.unpack_from, form.size, search.top
    distance = distance_from(index, search.vector)
    rows_max = max(1, STEP_NUMBERS // (index.dimensions + ROW_NUMBERS))
    measured = 0
    for at, (key, value) in enumerate(view.range(prefix, after_prefix(prefix)), 1):
        if at % rows_max == 0:
            yield
        if filters:
            held = orjson.loads(value[vector_bytes:])
            if any(held.get(name) != wanted for name, wanted in filters.items()):
                continue
        measured += 1
        nearness = -distance(unpack(value))
        if len(nearest) < top:
            heapq.heappush(nearest, Found(nearness, -at, key[len(prefix) :]))
        elif nearness > nearest[0].nearness:
            heapq.heapreplace(nearest, Found(nearness, -at, key[len(prefix) :]))
    return measured


def _answer(
    view: View, table: Table, index: VectorIndex, search: Search, nearest: list[Found], measured: int
) -> Generator[None, None, bytes]:
    results = []
    counts_bytes = search.return_consumed_capacity not in (None, "NONE")
    returned_bytes = answer_bytes = parsed_bytes = 0
    for found in nearest:
        if parsed_bytes >= STEP_BYTES:
            parsed_bytes = 0
            yield
        raw = view.get(table.item_prefix + found.item_key)
        assert raw is not None, "a vector index has a row without an item"
        parsed_bytes += len(raw)
        item = orjson.loads(raw[4:])
        shown = _shown(index, item, search.projection)
        if counts_bytes:
            returned_bytes += sizes.item_size(shown)
        results.append(orjson.dumps({"Item": shown, "Score": score(index, -found.nearness)}))
        answer_bytes += len(results[-1])
        if answer_bytes > ANSWER_BYTES_MAX:
            # The bound is documented; that it is an error, and its words, are inferred.
            raise invalid("SearchVectors response size exceeds the limit of 16 MB")
    answer = b'{"SearchResults":[' + b",".join(results) + b"]"
    if counts_bytes:
        examined = packing.COMPONENT_BYTES * index.dimensions * measured + returned_bytes
        consumed = {"VectorSearchRequestBytes": float(max(rows.REQUEST_BYTES_MIN, examined))}
        answer += b',"ConsumedCapacity":' + orjson.dumps(consumed)
    return answer + b"}"


def _shown(index: VectorIndex, item: Item, projection: Projection | None) -> Item:
    """What a result shows of an item: what the index projects, the vector only where it is asked for by name."""
    shown = rows.projected(index, item)
    if projection is None:
        return shown
    if index.attribute in projection.top_level_attributes:
        shown[index.attribute] = packing.shown(item[index.attribute])
    return projection.apply(shown)
