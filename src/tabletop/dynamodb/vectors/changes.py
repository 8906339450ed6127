"""What the VectorIndexUpdates of UpdateTable do to a table's record."""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb import definitions, keys
from tabletop.dynamodb.lifecycle import Record, all_indexes, invalid_parameters
from tabletop.dynamodb.table_changes import declare_attributes, drop_index, phases
from tabletop.dynamodb.vectors.definitions import (
    INDEXES_MAX,
    check_billing,
    check_index,
    check_no_key,
    check_same_dimensions,
    new_index,
)
from tabletop.storage.store import Batch

Body = dict[str, Any]

_ACTIONS = "VectorIndexUpdate.Create, VectorIndexUpdate.Delete"


def check_update(body: Body) -> None:
    """What can be judged without the table. An index of either kind is made or removed one at a time."""
    updates = body.get("VectorIndexUpdates") or []
    for update in updates:
        given = [kind for kind in ("Create", "Delete") if kind in update]
        if len(given) != 1:
            # Inferred, after the words for global indexes.
            refusal = f"Only one of {_ACTIONS} can be given" if given else f"One of {_ACTIONS} must not be null"
            raise invalid_parameters(refusal)
    others = sum("Update" not in update for update in body.get("GlobalSecondaryIndexUpdates") or ())
    if updates and len(updates) + others > 1:
        raise definitions.one_index_at_a_time()


def change(batch: Batch, record: Record, body: Body, now: float) -> None:
    """To be called when the table's settings and its other indexes are changed. Raises what AWS refuses."""
    for update in body.get("VectorIndexUpdates") or ():
        if "Create" in update:
            _add(batch, record, body, update["Create"], now)
        else:
            _remove(batch, record, update["Delete"]["IndexName"], now)
    vectors = [index for index in record.get("vector_indexes") or () if index["status"] != "DELETING"]
    if vectors:
        check_billing(record["billing"]["mode"])
        check_no_key({index["attribute"] for index in vectors}, list(dict(record["attributes"])))


def _add(batch: Batch, record: Record, body: Body, definition: Body, now: float) -> None:
    given = body.get("AttributeDefinitions") or []
    defined = [*definitions.attribute_names(given), *dict(record["attributes"])]
    check_index(definition, defined)
    if any(index["name"] == definition["IndexName"] for index in all_indexes(record)):
        raise invalid_parameters(f"Attempting to create an index which already exists: {definition['IndexName']}")
    others = record.get("vector_indexes") or []
    if len(others) >= INDEXES_MAX:
        # Inferred, as a global index too many is refused here and at the table's making.
        raise ApiError("LimitExceededException", f"VectorIndex count exceeds the per-table limit of {INDEXES_MAX}")
    check_same_dimensions(definition, {index["attribute"]: index["dimensions"] for index in others})
    schema = definition.get("SearchSchema") or []
    declare_attributes(record, given, [(part["AttributeName"], part["SearchSchemaElementType"]) for part in schema])
    record["index_count"] += 1
    index = new_index(record["index_count"], definition, record["arn"])
    index |= {"status": "CREATING", "backfilling": True, **phases(now)}
    record["vector_indexes"] = [*others, index]
    catalog_key = keys.catalog_key(record["account"], record["region"], record["name"])
    batch.put(keys.backfill_key(record["number"], index["number"]), catalog_key)


def _remove(batch: Batch, record: Record, name: str, now: float) -> None:
    for index in record.get("vector_indexes") or ():
        if index["name"] == name and index["status"] != "DELETING":
            drop_index(batch, record, index, now)
            return
    raise ApiError("ResourceNotFoundException", "Requested resource not found")
