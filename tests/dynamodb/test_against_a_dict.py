"""Random operations on random schemas, judged by a plain dict that knows DynamoDB's rules and nothing of our code.

A failure names its seed: ``pytest tests/dynamodb/test_against_a_dict.py -k "[17]"`` runs it again.
"""

from __future__ import annotations

import asyncio
import base64
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb import checker
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.dynamodb.sizes import item_size
from tabletop.storage import checker as storage_checker
from tabletop.storage.engine import LmdbStore, open_store

SEEDS = range(24)
STEPS = 220
ACCOUNT, REGION, TABLE = "000000000000", "us-east-1", "table"
FIVE_YEARS_S = 5 * 365 * 86400
"""An item that expired longer ago stays."""

Item = dict[str, dict[str, Any]]

# Few values, so that they meet; each type has prefixes of others, zeros, and the ends of its order.
TEXTS = ["a", "ab", "a\0", "a\0b", "b", "é", "\uffee", "\U0001f600", "Z", "~~"]
NUMBERS = {"0": "0", "1": "1", "1.0": "1", "-1": "-1", "2": "2", "10": "10", "1e1": "10", "-0.5": "-0.5", "100": "100",
           "0.05": "0.05", "-1E2": "-100", "12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
           "-1e-130": "-0." + "0" * 129 + "1", "9.9E+125": "99" + "0" * 124}  # fmt: skip
"""What is given -> what it is; compared as numbers."""
BINARIES = [b"\0", b"\0\0", b"\0\1", b"a", b"a\0", b"ab", b"\xfe", b"\xff", b"\xff\xff", b"\xff\0"]
ATTRIBUTES = {"k0": "S", "k1": "N", "k2": "B", "k3": "S", "k4": "N"}
"""Attributes that indexes may use, with the types that tables declare for them."""
FREE = ["v0", "v1", "size", "n"]


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def order_of(value: dict[str, Any]) -> Any:
    """What a key attribute's value sorts by: numbers by value, strings and binaries by their bytes."""
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content.encode() if kind == "S" else base64.b64decode(content)


def canonical(value: Any) -> Any:
    """The value with numbers made comparable, for equality however they are written."""
    if isinstance(value, dict):
        if len(value) == 1 and "N" in value:
            return ("N", Fraction(value["N"]))
        return tuple(sorted((name, canonical(each)) for name, each in value.items()))
    return tuple(canonical(each) for each in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class IndexModel:
    name: str
    is_global: bool
    keys: tuple[str, ...]
    """Hash attribute, and the range attribute where there is one."""
    projection: str
    included: tuple[str, ...] = ()

    def definition(self) -> dict[str, Any]:
        projection: dict[str, Any] = {"ProjectionType": self.projection}
        if self.projection == "INCLUDE":
            projection["NonKeyAttributes"] = list(self.included)
        return {"IndexName": self.name, "KeySchema": key_schema(self.keys), "Projection": projection}


def key_schema(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


@dataclass
class Model:
    """The table as it must be."""

    keys: tuple[str, ...]
    types: dict[str, str]
    ttl: bool
    indexes: list[IndexModel] = field(default_factory=list)
    items: dict[Any, Item] = field(default_factory=dict)

    def key(self, item: Item) -> Any:
        return tuple(order_of(item[name]) for name in self.keys)

    def index_keys(self) -> set[str]:
        return {name for index in self.indexes for name in index.keys} - set(self.keys)

    def lawful(self, item: Item) -> bool:
        """Whether index key attributes have their declared types."""
        return all(self.types[name] in item[name] for name in self.index_keys() if name in item)

    def projected(self, index: IndexModel | None, item: Item) -> Item | None:
        """What the index holds of the item; None where it holds nothing."""
        if index is None:
            return item
        if any(self.types[name] not in item.get(name, {}) for name in index.keys):
            return None
        if index.projection == "ALL":
            return item
        kept = {*self.keys, *index.keys, *index.included}
        return {name: value for name, value in item.items() if name in kept}

    def rows(self, index: IndexModel | None) -> list[Item]:
        found = (self.projected(index, item) for item in self.items.values())
        return [row for row in found if row is not None]

    def write_units(self, old: Item | None, new: Item | None) -> tuple[int, dict[str, int]]:
        """(units of the table, units of each index that changes)."""
        table = units(max(item_size(old or {}), item_size(new or {})))
        indexes = {}
        for index in self.indexes:
            before = None if old is None else self.projected(index, old)
            after = None if new is None else self.projected(index, new)
            if before == after:
                continue
            moved = before and after and any(order_of(before[n]) != order_of(after[n]) for n in index.keys)
            sides = [item_size(row) for row in (before, after) if row is not None]
            indexes[index.name] = sum(map(units, sides)) if moved else units(max(sides))
        return table, indexes


def units(size_bytes: int) -> int:
    return max(1, math.ceil(size_bytes / 1024))


class Scene:
    """The database, the model of its one table, and the dice."""

    def __init__(self, seed: int, store: LmdbStore, clock: ManualClock) -> None:
        self.dice = random.Random(seed)
        self.store, self.clock = store, clock
        self.dynamodb = DynamoDb(store)
        self.background = Background(store, clock)
        self.filling: IndexModel | None = None
        self.model = self._schema()
        self._create()

    # The database.

    def ask(self, action: str, **body: Any) -> dict[str, Any]:
        answers: list[Any] = []
        principal = Principal("root", ACCOUNT, "arn", ACCOUNT)
        call = Call("id", ACCOUNT, REGION, principal, self.clock())
        try:
            operation, decoded = self.dynamodb.decode(action, orjson.dumps(body), call)
            self.dynamodb.run(operation, call, decoded, answers.append)
        except ApiError as error:
            answers.append(error)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, dict) else orjson.loads(answer)

    def refused(self, action: str, **body: Any) -> str:
        with pytest.raises(ApiError) as caught:
            self.ask(action, **body)
        return caught.value.code

    def settle(self) -> None:
        """Let background work end: new indexes are filled, expired items deleted."""

        async def work() -> None:
            for _ in range(200):
                if not await self.background.step_all():
                    return
            raise AssertionError("background work does not end")

        asyncio.run(work())
        self.filling = None
        now = self.clock()
        for at, item in list(self.model.items.items()):
            second = item.get("ttl", {}).get("N") if self.model.ttl else None
            if second is not None and now - FIVE_YEARS_S <= int(second) <= now:
                del self.model.items[at]

    # Random things.

    def _schema(self) -> Model:
        dice = self.dice
        types = dict(ATTRIBUTES)
        types["h"] = dice.choice("SNB")
        keys: tuple[str, ...] = ("h",)
        if dice.random() < 0.8:
            types["r"] = dice.choice("SNB")
            keys = ("h", "r")
        model = Model(keys, types, ttl=dice.random() < 0.5)
        if len(keys) == 2:
            model.indexes += [self._index(model, f"local{n}", is_global=False) for n in range(dice.randint(0, 2))]
        model.indexes += [self._index(model, f"global{n}", is_global=True) for n in range(dice.randint(0, 3))]
        return model

    def _index(self, model: Model, name: str, *, is_global: bool) -> IndexModel:
        dice = self.dice
        pool = [*ATTRIBUTES, *model.keys]
        first = dice.choice(pool) if is_global else "h"
        second = dice.choice([each for each in pool if each != first])
        keys = (first, second) if not is_global or dice.random() < 0.7 else (first,)
        projection = dice.choice(("ALL", "KEYS_ONLY", "INCLUDE"))
        included = tuple(dice.sample(FREE, 2)) if projection == "INCLUDE" else ()
        return IndexModel(name, is_global, keys, projection, included)

    def _create(self) -> None:
        model = self.model
        local = [index.definition() for index in model.indexes if not index.is_global]
        globals_ = [index.definition() for index in model.indexes if index.is_global]
        self.ask(
            "CreateTable",
            TableName=TABLE,
            KeySchema=key_schema(model.keys),
            AttributeDefinitions=self._attributes(),
            BillingMode="PAY_PER_REQUEST",
            **({"LocalSecondaryIndexes": local} if local else {}),
            **({"GlobalSecondaryIndexes": globals_} if globals_ else {}),
        )
        if model.ttl:
            specification = {"Enabled": True, "AttributeName": "ttl"}
            self.ask("UpdateTimeToLive", TableName=TABLE, TimeToLiveSpecification=specification)

    def _attributes(self) -> list[dict[str, str]]:
        names = {*self.model.keys, *self.model.index_keys()}
        return [{"AttributeName": name, "AttributeType": self.model.types[name]} for name in sorted(names)]

    def value(self, kind: str) -> dict[str, Any]:
        if kind == "S":
            return {"S": self.dice.choice(TEXTS)}
        if kind == "N":
            return {"N": self.dice.choice(list(NUMBERS))}
        return {"B": encoded(self.dice.choice(BINARIES))}

    def key(self) -> Item:
        key = {name: self.value(self.model.types[name]) for name in self.model.keys}
        # The partition key often from few values, so that partitions have many items.
        if len(key) == 2 and self.dice.random() < 0.6:
            key["h"] = {"S": {"S": "a"}, "N": {"N": "1"}, "B": {"B": "AA=="}}[self.model.types["h"]]
        return key

    def attributes(self) -> Item:
        """Attributes beside the key; now and then one of a wrong type for an index."""
        dice = self.dice
        item: Item = {}
        for name, kind in ATTRIBUTES.items():
            if dice.random() < 0.6:
                item[name] = self.value(kind if dice.random() < 0.98 else dice.choice("SNB"))
        if dice.random() < 0.5:
            item["v0"] = {"L": [{"M": {"x": self.value(dice.choice("SNB"))}}, {"BOOL": True}, {"NULL": True}]}
        if dice.random() < 0.4:
            item["v1"] = {"SS": sorted(dice.sample(["p", "q", "r"], dice.randint(1, 3)))}
        if dice.random() < 0.1:
            item["size"] = {"S": "x" * dice.randint(500, 5000)}
        if dice.random() < 0.4:
            item["n"] = {"N": str(dice.randint(-9, 9))}
        if dice.random() < 0.4:
            item["ttl"] = dice.choice(
                ({"N": str(int(self.clock()) + dice.randint(-50, 500))}, {"S": "never"}, {"N": "1"})
            )
        return item

    # Operations, each judged.

    def put(self) -> None:
        model, item = self.model, self.key() | self.attributes()
        options: dict[str, Any] = {"ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "INDEXES"}
        if not model.lawful(item):
            assert self.refused("PutItem", TableName=TABLE, Item=item, **options) == "ValidationException"
            return
        old = model.items.get(model.key(item))
        if self.dice.random() < 0.2:
            options["ConditionExpression"] = "attribute_not_exists(h)"
            if old is not None:
                assert (
                    self.refused("PutItem", TableName=TABLE, Item=item, **options) == "ConditionalCheckFailedException"
                )
                return
        answer = self.ask("PutItem", TableName=TABLE, Item=item, **options)
        self.same(answer.get("Attributes"), old)
        new = stored(item)
        model.items[model.key(item)] = new
        self.charged(answer["ConsumedCapacity"], old, new)

    def delete(self) -> None:
        model, key = self.model, self.key()
        answer = self.ask(
            "DeleteItem", TableName=TABLE, Key=key, ReturnValues="ALL_OLD", ReturnConsumedCapacity="INDEXES"
        )
        old = model.items.pop(model.key(key), None)
        self.same(answer.get("Attributes"), old)
        self.charged(answer["ConsumedCapacity"], old, None)

    def update(self) -> None:
        model, key, dice = self.model, self.key(), self.dice
        old = model.items.get(model.key(key))
        new = dict(old or stored(key))
        changes = {name: value for name, value in self.attributes().items() if name not in (*model.keys, "n")}
        gone = sorted(set(dice.sample(list(ATTRIBUTES), 2)) - set(changes) - set(model.keys))
        parts = ["SET " + ", ".join(f"#{name} = :{name}" for name in changes)] if changes else []
        parts += ["REMOVE " + ", ".join(f"#{name}" for name in gone)] if gone else []
        amount = dice.randint(-5, 5)
        parts.append("ADD #n :n")
        new |= stored(changes)
        for name in gone:
            new.pop(name, None)
        new["n"] = {"N": str(int(new.get("n", {"N": "0"})["N"]) + amount)}
        body = {
            "TableName": TABLE,
            "Key": key,
            "UpdateExpression": " ".join(parts),
            "ExpressionAttributeNames": {f"#{name}": name for name in (*changes, *gone, "n")},
            "ExpressionAttributeValues": {f":{name}": value for name, value in changes.items()}
            | {":n": {"N": str(amount)}},
            "ReturnValues": "ALL_NEW",
            "ReturnConsumedCapacity": "INDEXES",
        }
        if not model.lawful(new):
            assert self.refused("UpdateItem", **body) == "ValidationException"
            return
        answer = self.ask("UpdateItem", **body)
        self.same(answer["Attributes"], new)
        model.items[model.key(key)] = new
        self.charged(answer["ConsumedCapacity"], old, new)

    def get(self) -> None:
        key, consistent = self.key(), self.dice.random() < 0.5
        answer = self.ask(
            "GetItem", TableName=TABLE, Key=key, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
        )
        item = self.model.items.get(self.model.key(key))
        self.same(answer.get("Item"), item)
        whole = max(1, math.ceil(item_size(item or {}) / 4096))
        assert answer["ConsumedCapacity"]["CapacityUnits"] == (whole if consistent else whole / 2)

    def batch(self) -> None:
        keys = {self.model.key(key): key for key in (self.key() for _ in range(8))}
        answer = self.ask("BatchGetItem", RequestItems={TABLE: {"Keys": list(keys.values())}})
        expected = [self.model.items[key] for key in keys if key in self.model.items]
        self.same_rows(answer["Responses"][TABLE], expected)
        requests: list[dict[str, Any]] = []
        changes: dict[Any, Item | None] = {}
        for at, key in keys.items():
            if self.dice.random() < 0.5:
                requests.append({"DeleteRequest": {"Key": key}})
                changes[at] = None
            else:
                item = key | self.attributes()
                requests.append({"PutRequest": {"Item": item}})
                changes[at] = stored(item)
        if not all(item is None or self.model.lawful(item) for item in changes.values()):
            assert self.refused("BatchWriteItem", RequestItems={TABLE: requests}) == "ValidationException"
            return
        assert self.ask("BatchWriteItem", RequestItems={TABLE: requests})["UnprocessedItems"] == {}
        self.apply(changes)

    def transact(self) -> None:
        keys = {self.model.key(key): key for key in (self.key() for _ in range(4))}
        members: list[dict[str, Any]] = []
        changes: dict[Any, Item | None] = {}
        reasons: list[str] = []
        for at, key in keys.items():
            item = key | self.attributes()
            options: dict[str, Any] = {"TableName": TABLE}
            wanted = self.dice.choice((None, None, True, False))
            reason = "None"
            if wanted is not None:
                options["ConditionExpression"] = "attribute_exists(h)" if wanted else "attribute_not_exists(h)"
                reason = "None" if (at in self.model.items) is wanted else "ConditionalCheckFailed"
            roll = self.dice.random()
            if roll < 0.5:
                members.append({"Put": options | {"Item": item}})
                changes[at] = stored(item)
                if not self.model.lawful(item):
                    reason = "ValidationError"
            elif roll < 0.8 or wanted is None:
                members.append({"Delete": options | {"Key": key}})
                changes[at] = None
            else:
                members.append({"ConditionCheck": options | {"Key": key}})
            reasons.append(reason)
        if set(reasons) == {"None"}:
            self.ask("TransactWriteItems", TransactItems=members)
            self.apply(changes)
            return
        with pytest.raises(ApiError) as caught:
            self.ask("TransactWriteItems", TransactItems=members)
        if "ValidationError" in reasons and caught.value.code == "ValidationException":
            return
        assert caught.value.code == "TransactionCanceledException"
        if "ValidationError" in reasons:
            # Members are validated before any condition is tested, up to the first that is invalid.
            first = reasons.index("ValidationError")
            reasons = ["ValidationError" if at == first else "None" for at in range(len(reasons))]
        assert [reason["Code"] for reason in caught.value.fields["CancellationReasons"]] == reasons

    def apply(self, changes: dict[Any, Item | None]) -> None:
        for at, item in changes.items():
            if item is None:
                self.model.items.pop(at, None)
            else:
                self.model.items[at] = item

    def query(self) -> None:
        model, dice = self.model, self.dice
        index = dice.choice([None, *model.indexes])
        names = model.keys if index is None else index.keys
        wanted = self.value(model.types[names[0]])
        if dice.random() < 0.6:
            wanted = self.key()["h"] if names[0] == "h" else wanted
        rows = [row for row in model.rows(index) if order_of(row[names[0]]) == order_of(wanted)]
        text, bound = "#h = :h", {":h": wanted}
        expression_names = {"#h": names[0]}
        if len(names) == 2 and dice.random() < 0.7:
            operands = [self.value(model.types[names[1]]) for _ in range(2)]
            term, holds, used = self.sort_condition(model.types[names[1]], operands)
            if holds is None:
                return
            text += " AND " + term
            bound |= {f":{n}": operands[n] for n in range(used)}
            expression_names["#r"] = names[1]
            rows = [row for row in rows if holds(order_of(row[names[1]]))]
        forward = dice.random() < 0.5
        body = {
            "TableName": TABLE,
            "KeyConditionExpression": text,
            "ExpressionAttributeNames": expression_names,
            "ExpressionAttributeValues": bound,
            "ScanIndexForward": forward,
        }
        if index is not None:
            body["IndexName"] = index.name
            if index is self.filling:
                assert self.refused("Query", **body) == "ValidationException"
                return
        found = self.pages("Query", body, rows)
        self.same_rows(found, rows)
        if len(names) == 2:
            sort_keys = [order_of(row[names[1]]) for row in found]
            assert all((one <= other) if forward else (one >= other) for one, other in pairwise(sort_keys))

    def sort_condition(
        self, kind: str, operands: list[dict[str, Any]]
    ) -> tuple[str, Callable[[Any], bool] | None, int]:
        """(expression, what it means, how many operands it uses)."""
        operator = self.dice.choice(("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"))
        one, other = map(order_of, operands)
        if operator == "BETWEEN":
            if one > other:
                one, other = other, one
                operands.reverse()
            return "#r BETWEEN :0 AND :1", lambda each: bool(one <= each <= other), 2
        if operator == "begins_with":
            return "begins_with(#r, :0)", None if kind == "N" else lambda each: bool(each.startswith(one)), 1
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda each: bool(each == one),
            "<": lambda each: bool(each < one),
            "<=": lambda each: bool(each <= one),
            ">": lambda each: bool(each > one),
            ">=": lambda each: bool(each >= one),
        }
        return f"#r {operator} :0", tests[operator], 1

    def scan(self) -> None:
        model, dice = self.model, self.dice
        index = dice.choice([None, *model.indexes])
        if index is not None and index is self.filling:
            return
        body: dict[str, Any] = {"TableName": TABLE} | ({} if index is None else {"IndexName": index.name})
        rows = model.rows(index)
        if dice.random() < 0.4:
            body |= {"FilterExpression": "attribute_exists(v1)"}
            rows = [row for row in rows if "v1" in row]
        segments = dice.choice((1, 1, 2, 5))
        found: list[Item] = []
        for segment in range(segments):
            part = {"Segment": segment, "TotalSegments": segments} if segments > 1 else {}
            found += self.pages("Scan", body | part, None)
        self.same_rows(found, rows)

    def pages(self, action: str, body: dict[str, Any], rows: list[Item] | None) -> list[Item]:
        """All items, page by page; with a limit every page but the last is full. ``rows``: to know what is charged."""
        limit = self.dice.choice((None, 1, 2, 3, 7))
        body = body | {"ReturnConsumedCapacity": "TOTAL"} | ({} if limit is None else {"Limit": limit})
        found: list[Item] = []
        start: dict[str, Any] = {}
        for _ in range(2000):
            answer = self.ask(action, **body, **start)
            assert answer["Count"] == len(answer["Items"])
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                if rows is not None and limit is None:
                    read = max(1, math.ceil(sum(map(item_size, rows)) / 4096))
                    assert answer["ConsumedCapacity"]["CapacityUnits"] == read / 2
                return found
            assert answer["ScannedCount"] == limit
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        raise AssertionError("pagination does not end")

    def expire(self) -> None:
        self.clock.advance(self.dice.randint(1, 120))
        self.settle()

    def reindex(self) -> None:
        """Add a global index, to be filled while writes go on, or drop one."""
        model = self.model
        if self.filling is not None:
            self.settle()
        droppable = [index for index in model.indexes if index.is_global]
        if droppable and self.dice.random() < 0.5:
            index = self.dice.choice(droppable)
            update: dict[str, Any] = {"Delete": {"IndexName": index.name}}
            model.indexes.remove(index)
            self.ask("UpdateTable", TableName=TABLE, GlobalSecondaryIndexUpdates=[update])
            self.settle()
        elif len(droppable) < 4:
            index = self._index(model, f"added{self.dice.randrange(10**6)}", is_global=True)
            # An old value of another type keeps its item out of the index; it is no error.
            model.indexes.append(index)
            self.filling = index
            update = {"Create": index.definition()}
            self.ask(
                "UpdateTable",
                TableName=TABLE,
                AttributeDefinitions=self._attributes(),
                GlobalSecondaryIndexUpdates=[update],
            )

    # Judging.

    def same(self, found: Item | None, expected: Item | None) -> None:
        assert canonical(found or {}) == canonical(expected or {})

    def same_rows(self, found: list[Item], expected: list[Item]) -> None:
        assert sorted(map(repr, map(canonical, found))) == sorted(map(repr, map(canonical, expected)))

    def charged(self, capacity: dict[str, Any], old: Item | None, new: Item | None) -> None:
        if self.filling is not None:
            return
        table, indexes = self.model.write_units(old, new)
        assert capacity["CapacityUnits"] == table + sum(indexes.values())
        assert capacity["Table"] == {"CapacityUnits": table}
        shown = capacity.get("GlobalSecondaryIndexes", {}) | capacity.get("LocalSecondaryIndexes", {})
        assert {name: each["CapacityUnits"] for name, each in shown.items()} == indexes

    def whole(self) -> None:
        """The store is whole, and DescribeTable counts right."""
        with self.store.view() as view:
            assert [*storage_checker.problems(view), *checker.problems(view)] == []
        if self.filling is not None:
            return
        table = self.ask("DescribeTable", TableName=TABLE)["Table"]
        model = self.model
        assert table["ItemCount"] == len(model.items)
        assert table["TableSizeBytes"] == sum(map(item_size, model.items.values()))
        described = [*table.get("LocalSecondaryIndexes", ()), *table.get("GlobalSecondaryIndexes", ())]
        assert {each["IndexName"]: each["ItemCount"] for each in described} == {
            index.name: len(model.rows(index)) for index in model.indexes
        }

    def run(self) -> None:
        works = [
            *[self.put] * 12, *[self.update] * 8, *[self.delete] * 3, *[self.get] * 3, *[self.query] * 10,
            *[self.scan] * 4, *[self.batch] * 3, *[self.transact] * 4, self.expire, self.reindex,
        ]  # fmt: skip
        for step in range(STEPS):
            self.dice.choice(works)()
            if step % 40 == 0:
                self.whole()
        self.settle()
        self.whole()
        for index in self.model.indexes:
            body = {"TableName": TABLE, "IndexName": index.name}
            self.same_rows(self.pages("Scan", body, None), self.model.rows(index))


def stored(item: Any) -> Any:
    """The item as the database keeps it: numbers in their canonical form, at any depth."""
    if isinstance(item, list):
        return [stored(each) for each in item]
    if isinstance(item, dict):
        return {
            name: NUMBERS.get(each, each) if name == "N" and isinstance(each, str) else stored(each)
            for name, each in item.items()
        }
    return item


@pytest.fixture
def store() -> Iterator[tuple[LmdbStore, ManualClock]]:
    clock = ManualClock()
    opened = open_store(None, clock=clock)
    yield opened, clock
    opened.close()


# Whatever is done, the database answers as the dict does, charges what the rules say, and stays whole.
@pytest.mark.parametrize("seed", SEEDS)
def test_database_agrees_with_a_dict(seed: int, store: tuple[LmdbStore, ManualClock]) -> None:
    Scene(seed, *store).run()
