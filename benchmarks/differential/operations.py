"""Random requests that are right, or nearly so: one function for each operation."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.differential.expressions import (
    Writer,
    attribute_updates,
    expected,
    legacy_filter,
    legacy_key_conditions,
)
from benchmarks.differential.tables import Table
from benchmarks.differential.values import FREE

Body = dict[str, Any]


def request(dice: random.Random, table: Table) -> tuple[str, Body]:
    """An operation's name and the body of its request."""
    name = dice.choices(list(OPERATIONS), weights=[weight for weight, _ in OPERATIONS.values()])[0]
    body = {"TableName": table.name} if not name.startswith(("Batch", "List")) else {}
    body |= OPERATIONS[name][1](dice, table)
    if name not in ("DescribeTable", "ListTables") and dice.random() < 0.3:
        body["ReturnConsumedCapacity"] = dice.choice(["TOTAL", "INDEXES", "NONE"])
    return name, body


def put_item(dice: random.Random, table: Table) -> Body:
    return {"Item": table.item(dice), **_condition(dice, table), **_returned(dice, ["NONE", "ALL_OLD"])}


def delete_item(dice: random.Random, table: Table) -> Body:
    return {"Key": table.key(dice), **_condition(dice, table), **_returned(dice, ["NONE", "ALL_OLD"])}


def update_item(dice: random.Random, table: Table) -> Body:
    body: Body = {"Key": table.key(dice)}
    body |= _returned(dice, ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
    if dice.random() < 0.25:
        return (
            body
            | {"AttributeUpdates": attribute_updates(dice)}
            | ({"Expected": expected(dice)} if dice.random() < 0.3 else {})
        )
    writer = Writer(dice, table)
    body["UpdateExpression"] = writer.update()
    if dice.random() < 0.3:
        body["ConditionExpression"] = writer.condition()
    return body | writer.parameters()


def get_item(dice: random.Random, table: Table) -> Body:
    return {"Key": table.key(dice), **_projected(dice, table), **_consistent(dice)}


def query(dice: random.Random, table: Table) -> Body:
    index = dice.choice([None, *table.indexes])
    keys = index.keys if index else table.keys
    body: Body = {"IndexName": index.name} if index else {}
    writer = Writer(dice, table)
    legacy = dice.random() < 0.25
    if legacy:
        body["KeyConditions"] = legacy_key_conditions(dice, table, keys)
        if dice.random() < 0.3:
            body["QueryFilter"] = legacy_filter(dice)
            if len(body["QueryFilter"]) > 1:
                body["ConditionalOperator"] = dice.choice(["AND", "OR"])
        if dice.random() < 0.2:
            body["AttributesToGet"] = dice.sample(FREE, 2)
    else:
        body["KeyConditionExpression"] = writer.key_condition(keys)
        if dice.random() < 0.3:
            body["FilterExpression"] = writer.condition(paths=FREE)
        if dice.random() < 0.2:
            body["ProjectionExpression"] = writer.projection()
        body |= writer.parameters()
    if dice.random() < 0.3:
        body["ScanIndexForward"] = dice.random() < 0.5
    return body | _paged(dice, table, keys) | _selected(dice, body) | _consistent(dice)


def scan(dice: random.Random, table: Table) -> Body:
    index = dice.choice([None, None, *table.indexes])
    body: Body = {"IndexName": index.name} if index else {}
    writer = Writer(dice, table)
    if dice.random() < 0.25:
        body["ScanFilter"] = legacy_filter(dice)
        if len(body["ScanFilter"]) > 1 and dice.random() < 0.5:
            body["ConditionalOperator"] = dice.choice(["AND", "OR"])
    else:
        if dice.random() < 0.5:
            body["FilterExpression"] = writer.condition()
        if dice.random() < 0.2:
            body["ProjectionExpression"] = writer.projection()
        body |= writer.parameters()
    return body | _selected(dice, body) | _consistent(dice)


def batch_get_item(dice: random.Random, table: Table) -> Body:
    keys = [table.key(dice) for _ in range(dice.randint(1, 4))]
    return {"RequestItems": {table.name: {"Keys": keys, **_projected(dice, table), **_consistent(dice)}}}


def batch_write_item(dice: random.Random, table: Table) -> Body:
    writes: list[Body] = []
    for _ in range(dice.randint(1, 4)):
        deletes = dice.random() < 0.3
        writes.append(
            {"DeleteRequest": {"Key": table.key(dice)}} if deletes else {"PutRequest": {"Item": table.item(dice)}}
        )
    return {"RequestItems": {table.name: writes}}


def describe_table(dice: random.Random, table: Table) -> Body:
    return {}


def list_tables(dice: random.Random, table: Table) -> Body:
    return {"Limit": dice.randint(1, 100)} if dice.random() < 0.5 else {}


OPERATIONS: dict[str, tuple[int, Callable[[random.Random, Table], Body]]] = {
    "PutItem": (26, put_item),
    "UpdateItem": (20, update_item),
    "DeleteItem": (7, delete_item),
    "GetItem": (8, get_item),
    "Query": (20, query),
    "Scan": (10, scan),
    "BatchGetItem": (4, batch_get_item),
    "BatchWriteItem": (4, batch_write_item),
    "DescribeTable": (1, describe_table),
    "ListTables": (1, list_tables),
}
"""Name -> how often, and what writes its request."""


def _returned(dice: random.Random, choices: list[str]) -> Body:
    return {"ReturnValues": dice.choice(choices)} if dice.random() < 0.5 else {}


def _consistent(dice: random.Random) -> Body:
    return {"ConsistentRead": dice.random() < 0.7} if dice.random() < 0.3 else {}


def _condition(dice: random.Random, table: Table) -> Body:
    chance = dice.random()
    if chance < 0.2:
        writer = Writer(dice, table)
        return {"ConditionExpression": writer.condition(), **writer.parameters()}
    if chance < 0.27:
        wanted = expected(dice)
        return {
            "Expected": wanted,
            **({"ConditionalOperator": "OR"} if len(wanted) > 1 and dice.random() < 0.5 else {}),
        }
    return {}


def _projected(dice: random.Random, table: Table) -> Body:
    chance = dice.random()
    if chance < 0.3:
        writer = Writer(dice, table)
        return {"ProjectionExpression": writer.projection(), **writer.parameters()}
    return {"AttributesToGet": dice.sample([*table.keys, *FREE], 2)} if chance < 0.4 else {}


def _paged(dice: random.Random, table: Table, keys: tuple[str, ...]) -> Body:
    """Pages of the table's own order only: what an index does with equal keys is its own affair."""
    body: Body = {}
    if keys == table.keys:
        if dice.random() < 0.4:
            body["Limit"] = dice.randint(1, 4)
        if dice.random() < 0.15:
            body["ExclusiveStartKey"] = table.key(dice)
    return body


def _selected(dice: random.Random, body: Body) -> Body:
    if dice.random() > 0.2:
        return {}
    return {"Select": dice.choice(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])}
