"""BatchWriteItem: up to 25 puts and deletes, of any tables, without conditions; all of them in one commit here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import catalog, write
from tabletop.dynamodb.capacity import Consumption
from tabletop.dynamodb.key_schema import invalid
from tabletop.dynamodb.operations.operation import Body, Operation, table_arn, table_name
from tabletop.dynamodb.schema import Table
from tabletop.dynamodb.touches import Touch, item_partitions, write_attributes
from tabletop.dynamodb.values import canonicalise_item, check_item
from tabletop.dynamodb.write import Write
from tabletop.storage.store import Batch, View

WRITES_MAX = 25
_OF_ITEMS = (
    "One or more parameter values were invalid: Missing the key",
    "One or more parameter values were invalid: Type mismatch for key",
)
"""How PutItem's errors of keys begin, of which a batch says what it says of any key (recorded in 2026)."""
REQUEST_BYTES_MAX = 16 * 1024 * 1024


@dataclass(slots=True)
class BatchWriteItem:
    call: Call
    tables: list[str]
    """Each name or ARN of the request, in its order."""
    writes: list[Write]
    return_consumed_capacity: str | None
    return_collection_metrics: bool


def prepare(body: Body, call: Call) -> BatchWriteItem:
    request_items = body["RequestItems"]
    if sum(map(len, request_items.values())) > WRITES_MAX:
        raise invalid("Too many items requested for the BatchWriteItem call")
    writes = [_prepare_write(table_name(name), member) for name, members in request_items.items() for member in members]
    if sum(prepared.subject_bytes for prepared in writes) > REQUEST_BYTES_MAX:
        raise invalid("The aggregated size of the requested items has exceeded the maximum size limit")
    return BatchWriteItem(
        call,
        list(request_items),
        writes,
        body.get("ReturnConsumedCapacity"),
        body.get("ReturnItemCollectionMetrics") == "SIZE",
    )


def _prepare_write(table: str, member: dict[str, Any]) -> Write:
    put, delete = member.get("PutRequest"), member.get("DeleteRequest")
    if (put is None) is (delete is None):
        # These words for neither of them, too (recorded by two projects).
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
        )
    if put is not None:
        item = put["Item"]
        size_bytes = canonicalise_item(item)
        write.check_item_size(size_bytes)
        return Write("put", table, item, size_bytes)
    assert delete is not None
    key = delete["Key"]
    check_item(key)
    return Write("delete", table, key)


def plan(view: View, request: BatchWriteItem, now: float) -> tuple[dict[str, Any], Batch]:
    batch = Batch()
    consumption = Consumption()
    metrics: dict[str, list[dict[str, Any]]] = {}
    seen: set[bytes] = set()
    tables: dict[str, Table] = {}
    for prepared in request.writes:
        table = tables.get(prepared.table)
        if table is None:
            table = tables[prepared.table] = catalog.table_of(view, request.call, prepared.table)
        outcome = write.apply_at(view, batch, table, _checked_key(table, prepared), prepared, now)
        if outcome.key in seen:
            raise invalid("Provided list of item keys contains duplicates")
        seen.add(outcome.key)
        if request.return_consumed_capacity is not None:
            consumption.add(table, outcome.table_units, outcome.index_units)
        if request.return_collection_metrics:
            row = write.collection_metrics(view, outcome)
            if row is not None and row not in metrics.setdefault(outcome.table.name, []):
                metrics[outcome.table.name].append(row)
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    if request.return_collection_metrics:
        answer["ItemCollectionMetrics"] = metrics
    consumption.attach(answer, request.return_consumed_capacity)
    return answer, batch


def _checked_key(table: Table, prepared: Write) -> bytes:
    try:
        return write.checked_key(table, prepared)
    except ApiError as error:
        if (error.message or "").startswith(_OF_ITEMS):
            raise invalid("The provided key element does not match the schema") from error
        raise


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    return [("dynamodb:BatchWriteItem", table_arn(call, name)) for name in body["RequestItems"]]


def touches(view: View, request: BatchWriteItem) -> list[Touch]:
    """A table that is named twice, by name and ARN, touches both times all that is written to it."""
    found = []
    for name in map(table_name, request.tables):
        writes = [prepared for prepared in request.writes if prepared.table == name]
        found.append(
            Touch(
                partitions=item_partitions(view, request.call, name, [prepared.subject for prepared in writes]),
                attributes=frozenset().union(*map(write_attributes, writes)),
                return_consumed_capacity=request.return_consumed_capacity or "NONE",
            )
        )
    return found


OPERATION = Operation("BatchWriteItem", prepare=prepare, targets=targets, plan=plan, touches=touches)
