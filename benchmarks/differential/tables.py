"""Random table definitions: a sort key or none, up to two local and two global indexes, all projections."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from benchmarks.differential.values import FREE, Value, scalar, typical

THROUGHPUT = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    keys: tuple[str, ...]
    is_global: bool


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    keys: tuple[str, ...]
    types: dict[str, str]
    """Of all attributes that are a key of the table or of an index."""
    indexes: tuple[Index, ...]
    definition: dict[str, Any] = field(repr=False)

    def key(self, dice: random.Random) -> dict[str, Value]:
        return {name: scalar(dice, self.types[name]) for name in self.keys}

    def item(self, dice: random.Random) -> dict[str, Value]:
        item = self.key(dice)
        for name in self.types:
            if name not in item and dice.random() < 0.7:
                item[name] = scalar(dice, self.types[name])
        for name in dice.sample(FREE, dice.randint(0, 4)):
            item[name] = typical(dice, name)
        return item


def table(dice: random.Random, name: str) -> Table:
    keys = ("h", "r") if dice.random() < 0.75 else ("h",)
    indexes = [Index(f"local{n}", ("h", f"l{n}"), False) for n in range(dice.randint(0, 2))] if len(keys) == 2 else []
    for n in range(dice.randint(0, 2)):
        sort = dice.choice([(), (f"gr{n}",), keys[1:]])
        indexes.append(Index(f"global{n}", (f"gh{n}", *sort), True))
    names = dict.fromkeys([*keys, *(key for index in indexes for key in index.keys)])
    types = {each: dice.choice("SSNB") for each in names}
    definition: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": kind} for each, kind in types.items()],
        "KeySchema": _schema(keys),
    }
    if dice.random() < 0.5:
        definition |= {"BillingMode": "PROVISIONED", "ProvisionedThroughput": THROUGHPUT}
    else:
        definition["BillingMode"] = "PAY_PER_REQUEST"
    for index in indexes:
        described: dict[str, Any] = {
            "IndexName": index.name,
            "KeySchema": _schema(index.keys),
            "Projection": _projection(dice),
        }
        if index.is_global and definition["BillingMode"] == "PROVISIONED":
            described["ProvisionedThroughput"] = THROUGHPUT
        definition.setdefault("GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes", []).append(
            described
        )
    return Table(name, keys, types, tuple(indexes), definition)


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def _projection(dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(["ALL", "KEYS_ONLY", "INCLUDE"])
    return {"ProjectionType": kind, **({"NonKeyAttributes": dice.sample(FREE, 2)} if kind == "INCLUDE" else {})}
