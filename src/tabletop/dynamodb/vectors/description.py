"""A vector index as DescribeTable shows it (VectorIndexDescription), with the counts of the moment."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import keys
from tabletop.dynamodb.lifecycle import Record, is_allocating, shown_index_status
from tabletop.storage.store import View, read_counter


def describe(view: View, record: Record, index: Record, table_status: str, now: float) -> dict[str, Any]:
    vectors, size_bytes = read_counter(view, keys.counter_key(record["number"], index["number"]), 2)
    shown: dict[str, Any] = {"IndexName": index["name"]}
    if index["search_schema"]:
        shown["SearchSchema"] = index["search_schema"]
    shown |= {
        "Projection": index["projection"],
        "VectorAttribute": {"AttributeName": index["attribute"]},
        "Dimensions": index["dimensions"],
        "DistanceFunction": index["distance"],
        "IndexStatus": shown_index_status(record, index, table_status, now),
    }
    if index.get("backfilling"):
        shown["Backfilling"] = not is_allocating(index, now)
    return shown | {"IndexSizeBytes": size_bytes, "ItemCount": vectors, "IndexArn": index["arn"]}
