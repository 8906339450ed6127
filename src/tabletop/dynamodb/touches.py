"""What each target of a request touches: partition keys, attributes, and what it asks to be shown.

Policies see it as DynamoDB's condition keys. It is taken from the request as it was prepared to run (the compiled
expressions, the canonical key values), never from its text, so that no other reading of the text can differ from what
is done. It is made only when a policy asks.

    dynamodb:LeadingKeys, FirstPartitionKeyValues    the partition key of the table, or of the index that is read
    dynamodb:Second-, Third-, FourthPartitionKeyValues    further partition key attributes of an index
    dynamodb:Attributes              top-level attributes in keys, items and expressions
    dynamodb:Select, ReturnValues, ReturnConsumedCapacity    with AWS's default where the request is silent
    dynamodb:EnclosingOperation      the transaction around the target
    dynamodb:FullTableScan           of a PartiQL SELECT
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tabletop.base.access import UNBOUNDED, ConditionValue
from tabletop.base.call import Call
from tabletop.dynamodb import catalog
from tabletop.dynamodb.expressions import Projection
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.write import Write
from tabletop.storage.store import View

PARTITION_KEYS = (
    "dynamodb:firstpartitionkeyvalues",
    "dynamodb:secondpartitionkeyvalues",
    "dynamodb:thirdpartitionkeyvalues",
    "dynamodb:fourthpartitionkeyvalues",
)
NO_VALUES = "NONE"


@dataclass(slots=True)
class Touch:
    """``partitions``: for each partition key attribute the values that are touched; None: all there are, or unknown.

    None for one of the other members: the key does not exist for such a target.
    """

    partitions: list[list[str]] | None
    attributes: frozenset[str]
    select: str | None = None
    return_values: str | None = None
    return_consumed_capacity: str | None = None
    enclosing: str | None = None
    full_table_scan: bool | None = None
    every_attribute: bool = False
    """Whether it reaches for all attributes there are, as None says of the partitions."""

    def keys(self) -> dict[str, ConditionValue]:
        """By lower-case names."""
        keys: dict[str, ConditionValue] = {
            name: value
            for name, value in (
                ("dynamodb:select", self.select),
                ("dynamodb:returnvalues", self.return_values),
                ("dynamodb:returnconsumedcapacity", self.return_consumed_capacity),
                ("dynamodb:enclosingoperation", self.enclosing),
            )
            if value is not None
        }
        if self.full_table_scan is not None:
            keys["dynamodb:fulltablescan"] = "true" if self.full_table_scan else "false"
        if self.every_attribute:
            keys["dynamodb:attributes"] = UNBOUNDED
        elif self.attributes:
            keys["dynamodb:attributes"] = sorted(self.attributes)
        if self.partitions is None:
            keys |= dict.fromkeys(PARTITION_KEYS, UNBOUNDED)
        else:
            keys |= dict(zip(PARTITION_KEYS, self.partitions, strict=False))
        keys["dynamodb:leadingkeys"] = keys[PARTITION_KEYS[0]]
        return keys


Touches = Callable[[View, Any], list[Touch]]
"""(view, the prepared request) -> what each of the request's targets touches, in their order."""


def text_of(value: dict[str, Any]) -> str:
    """A key's value as policies compare it: a number in canonical digits, binary as base64 (inferred)."""
    return str(next(iter(value.values())))


def item_partitions(view: View, call: Call, table_name: str, items: Iterable[Item]) -> list[list[str]] | None:
    """The partition keys of items, or of keys of items. None where the table or an item has none to tell."""
    table = catalog.find(view, call.account, call.region, table_name)
    if table is None:
        return None
    name = table.hash.name
    values = []
    for item in items:
        value = item.get(name)
        if value is None:
            return None
        values.append(text_of(value))
    return [values]


def hash_attributes_of(
    view: View, call: Call, table_name: str, index_name: str | None
) -> tuple[KeyAttribute, ...] | None:
    """The partition key attributes of a table or index that is read; None where there is no such."""
    table = catalog.find(view, call.account, call.region, table_name)
    if table is None:
        return None
    if index_name is None:
        return table.hash_attributes
    index = table.index_named.get(index_name)
    return None if index is None else index.hash


def shown_select(projection: Projection | None, select: str | None = None, index: str | None = None) -> str:
    """The Select that a read has or means."""
    if select is not None:
        return select
    if projection is not None:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_ATTRIBUTES" if index is None else "ALL_PROJECTED_ATTRIBUTES"


def get_touch(
    view: View,
    call: Call,
    table_name: str,
    keys: list[Item],
    projection: Projection | None,
    return_consumed_capacity: str | None,
    *,
    enclosing: str | None = None,
) -> Touch:
    """Of reading items of one table by their keys."""
    attributes = frozenset(name for key in keys for name in key)
    if projection is not None:
        attributes |= projection.top_level_attributes
    return Touch(
        partitions=item_partitions(view, call, table_name, keys),
        attributes=attributes,
        select=shown_select(projection),
        return_consumed_capacity=return_consumed_capacity or NO_VALUES,
        enclosing=enclosing,
    )


def write_attributes(write: Write) -> frozenset[str]:
    attributes = frozenset(write.subject)
    if write.condition is not None:
        attributes |= write.condition.top_level_attributes
    if write.update is not None:
        attributes |= write.update.top_level_attributes | write.update.attributes_read
    return attributes


def write_touch(
    view: View,
    call: Call,
    write: Write,
    return_values: str | None,
    return_consumed_capacity: str | None,
    *,
    enclosing: str | None = None,
) -> Touch:
    """Of one write. What is shown of an item whose condition failed counts as ALL_OLD, since it is (inferred)."""
    return Touch(
        partitions=item_partitions(view, call, write.table, [write.subject]),
        attributes=write_attributes(write),
        return_values="ALL_OLD" if write.return_old_on_refusal else return_values or NO_VALUES,
        return_consumed_capacity=return_consumed_capacity,
        enclosing=enclosing,
    )
