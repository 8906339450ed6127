"""Random writes to tables with vector indexes, judged by a plain list of items that every search goes through.

A failure names its seed: ``pytest tests/dynamodb/vectors/test_vectors_against_a_list.py -k "[17]"`` runs it again.
"""

from __future__ import annotations

import math
import random
import struct
from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, key_schema

SEEDS = range(16)
STEPS = 120
CLOSE = 1e-9

Item = dict[str, dict[str, Any]]


def single(x: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", x))[0])


def distance(function: str, first: list[float], second: list[float]) -> float:
    """As the textbook has it, the smaller the nearer."""
    product = math.fsum(x * y for x, y in zip(first, second, strict=True))
    if function == "DOT_PRODUCT":
        return -product
    if function == "EUCLIDEAN":
        return math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(first, second, strict=True)))
    lengths = math.hypot(*first) * math.hypot(*second)
    return 1 - product / lengths if lengths else 1.0


def components(value: dict[str, Any]) -> list[float]:
    return [single(float(element["N"])) for element in value["L"]]


class Model:
    """One table with up to three vector indexes over two vector attributes."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_
        self.items: dict[str, Item] = {}
        self.dimensions = {"v0": random_.choice((1, 2, 3, 17)), "v1": random_.choice((2, 40))}
        self.indexes = [self.index(f"vix{number}") for number in range(random_.choice((1, 2, 3)))]

    def index(self, name: str) -> dict[str, Any]:
        random_ = self.random
        attribute = random_.choice(("v0", "v1"))
        schema = [{"AttributeName": "part", "SearchSchemaElementType": "HASH"}] if random_.random() < 0.5 else []
        if random_.random() < 0.5:
            schema.append({"AttributeName": "flag", "SearchSchemaElementType": "INLINE_FILTER"})
        projection: dict[str, Any] = {"ProjectionType": random_.choice(("ALL", "KEYS_ONLY", "INCLUDE"))}
        if projection["ProjectionType"] == "INCLUDE":
            projection["NonKeyAttributes"] = ["title"]
        made = {
            "IndexName": name,
            "VectorAttribute": {"AttributeName": attribute},
            "Dimensions": self.dimensions[attribute],
            "DistanceFunction": random_.choice(("COSINE", "DOT_PRODUCT", "EUCLIDEAN")),
            "Projection": projection,
        }
        return made | ({"SearchSchema": schema} if schema else {})

    def vector(self, attribute: str) -> list[dict[str, str]]:
        random_ = self.random
        few = random_.random() < 0.5
        return [
            {
                "N": random_.choice(("0", "1", "-1", "0.5"))
                if few
                else f"{random_.randint(-99999, 99999)}.{random_.randint(1, 9)}"
            }
            for _ in range(self.dimensions[attribute])
        ]

    def item(self) -> Item:
        random_ = self.random
        item: Item = {"p": {"S": f"item{random_.randrange(30)}"}}
        for attribute in ("v0", "v1"):
            if random_.random() < 0.8:
                item[attribute] = {"L": self.vector(attribute)}
        if random_.random() < 0.8:
            item["part"] = {"S": random_.choice("ab")}
        if random_.random() < 0.7:
            item["flag"] = {"N": random_.choice(("1", "2"))}
        if random_.random() < 0.5:
            item["title"] = {"S": random_.choice(("x", "y" * 30))}
        if random_.random() < 0.3:
            item["more"] = {"S": "z"}
        return item

    def held(self, index: dict[str, Any]) -> list[Item]:
        partitioned = any(part["SearchSchemaElementType"] == "HASH" for part in index.get("SearchSchema", ()))
        attribute = index["VectorAttribute"]["AttributeName"]
        return [item for item in self.items.values() if attribute in item and (not partitioned or "part" in item)]

    def shown(self, index: dict[str, Any], item: Item) -> Item:
        names = {"p"} | {part["AttributeName"] for part in index.get("SearchSchema", ())}
        names |= set(index["Projection"].get("NonKeyAttributes", ()))
        every = index["Projection"]["ProjectionType"] == "ALL"
        vector = index["VectorAttribute"]["AttributeName"]
        return {name: value for name, value in item.items() if name != vector and (every or name in names)}


def table_definition(model: Model, indexes: list[dict[str, Any]]) -> dict[str, Any]:
    used = {part["AttributeName"] for index in indexes for part in index.get("SearchSchema", ())}
    types = {"p": "S"} | {name: kind for name, kind in (("part", "S"), ("flag", "N")) if name in used}
    changes = {"VectorIndexes": indexes} if indexes else {}
    return definition(AttributeDefinitions=attributes(**types), KeySchema=key_schema("p"), **changes)


def write(dynamo: Dynamo, model: Model) -> None:
    item = model.item()
    name = item["p"]["S"]
    kind = model.random.choice(("put", "put", "put", "delete", "remove", "batch"))
    if kind == "put":
        dynamo("PutItem", TableName="users", Item=item)
        model.items[name] = item
    elif kind == "batch":
        dynamo("BatchWriteItem", RequestItems={"users": [{"PutRequest": {"Item": item}}]})
        model.items[name] = item
    elif kind == "delete":
        dynamo("DeleteItem", TableName="users", Key={"p": item["p"]})
        model.items.pop(name, None)
    elif name in model.items:
        attribute = model.random.choice(("v0", "v1", "part", "flag", "title"))
        names = {"#a": attribute}
        update = {"UpdateExpression": "REMOVE #a", "ExpressionAttributeNames": names}
        dynamo("UpdateItem", TableName="users", Key={"p": item["p"]}, **update)
        model.items[name].pop(attribute, None)


def search(dynamo: Dynamo, model: Model, index: dict[str, Any]) -> None:
    attribute = index["VectorAttribute"]["AttributeName"]
    searched = model.vector(attribute)
    wanted: Item = {}
    for part in index.get("SearchSchema", ()):
        if part["SearchSchemaElementType"] == "HASH":
            wanted["part"] = {"S": model.random.choice("abc")}
        elif model.random.random() < 0.5:
            wanted["flag"] = {"N": model.random.choice(("1", "1.0", "2"))}
    top = model.random.choice((1, 3, 100))
    body: dict[str, Any] = {
        "TableName": "users",
        "IndexName": index["IndexName"],
        "SearchVector": searched,
        "TopK": top,
    }
    if wanted:
        body["SearchConditionExpression"] = " AND ".join(f"{name} = :{name}" for name in wanted)
        body["ExpressionAttributeValues"] = {f":{name}": value for name, value in wanted.items()}
    results = dynamo("SearchVectors", **body)["SearchResults"]
    equal = {name: value if "S" in value else {"N": str(int(float(value["N"])))} for name, value in wanted.items()}
    candidates = {
        item["p"]["S"]: distance(index["DistanceFunction"], components({"L": searched}), components(item[attribute]))
        for item in model.held(index)
        if all(item.get(name) == value for name, value in equal.items())
    }
    assert len(results) == min(top, len(candidates))
    sign = -1 if index["DistanceFunction"] == "DOT_PRODUCT" else 1
    expected = sorted(candidates.values())[: len(results)]
    for result, nearest in zip(results, expected, strict=True):
        name = result["Item"]["p"]["S"]
        assert math.isclose(result["Score"], sign * candidates[name], rel_tol=CLOSE, abs_tol=CLOSE)
        assert math.isclose(candidates[name], nearest, rel_tol=CLOSE, abs_tol=CLOSE)
        assert result["Item"] == model.shown(index, model.items[name])
    assert len({result["Item"]["p"]["S"] for result in results}) == len(results)


# Whatever is written, a search finds exactly the nearest items of the index, with their scores and what is projected;
# whether the index is there from the start or filled beside writes. The store is proved whole at the end (fixture).
@pytest.mark.parametrize("seed", SEEDS)
def test_searches_against_a_list(dynamo: Dynamo, seed: int) -> None:
    model = Model(random.Random(seed))
    late = model.indexes.pop() if len(model.indexes) > 1 and seed % 2 else None
    dynamo("CreateTable", **table_definition(model, model.indexes))
    for step in range(STEPS):
        write(dynamo, model)
        if late is not None and step == STEPS // 2:
            defined = table_definition(model, [*model.indexes, late])["AttributeDefinitions"]
            dynamo(
                "UpdateTable", TableName="users", AttributeDefinitions=defined, VectorIndexUpdates=[{"Create": late}]
            )
            write(dynamo, model)
            dynamo.settle()
            model.indexes.append(late)
            late = None
        if step % 5 == 0:
            for index in model.indexes:
                search(dynamo, model, index)
    table = dynamo("DescribeTable", TableName="users")["Table"]
    counts = {index["IndexName"]: index["ItemCount"] for index in table["VectorIndexes"]}
    assert counts == {index["IndexName"]: len(model.held(index)) for index in model.indexes}
