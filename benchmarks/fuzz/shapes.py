"""Request bodies made from botocore's model: valid in form, and near enough to the world's tables to be often valid at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.fuzz.expressions import NAMES, VALUES, condition
from benchmarks.fuzz.world import ITEMS, ONE, STREAM_ACTIONS, TWO, World
from tabletop.dynamodb.constraint_model import service_model

Make = Callable[[Random], Any]

OPTIONAL_SHARE = 0.35
"""How often a member that is not required is given."""
DEPTH_MAX = 5

_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
_CHOICES: dict[str, tuple[Any, ...]] = {
    "TableName": (ONE, TWO, TWO, TWO, "three", "four", "none", _ARN + TWO, _ARN + "none", "no", "a" * 256, "white space"),
    "ResourceArn": (_ARN + ONE, _ARN + TWO, _ARN + "none", TWO, "arn:aws:dynamodb:eu-west-1:000000000000:table/two", "arn:"),
    "IndexName": ("by-g", "by-g", "by-l", "none"),
    "AttributeName": ("p", "s", "g", "l", "a", "ttl", "a.b"),
    "KeyConditionExpression": ("p = :p", "p = :p AND s > :n", "p = :p AND s BETWEEN :n AND :big", "g = :s", "g = :s AND s < :n",
                               "p = :p AND l = :n"),
    "ProjectionExpression": ("p", "p, a", "#a, m.b", "a[0]", "p, p", "#a[1].b, ns"),
    "UpdateExpression": ("SET a = :n", "SET #a = if_not_exists(a, :n) + :n", "REMOVE a", "ADD ns :ns", "DELETE ns :ns",
                         "SET m.x = :m REMOVE g", "SET p = :p", "SET l = :n, g = :s", "REMOVE a[0], b"),
    "ExpressionAttributeNames": (NAMES, {"#a": "a"}, {"#a": "a"}, {"#m": "m", "#p": "p"}, {}, {"#": "x"}),
    "ExpressionAttributeValues": ({":n": VALUES[":n"]}, {":p": VALUES[":p"]}, VALUES, {":s": VALUES[":s"]}, {}),
    "Statement": ("SELECT * FROM two", "SELECT * FROM two WHERE p = 'a'", "DELETE FROM two WHERE p = 'a' AND s = 1",
                  "UPDATE two SET a = 1 WHERE p = 'a' AND s = ?", "INSERT INTO one VALUE {'p': ?}",
                  "EXISTS(SELECT * FROM one WHERE p = 'a')"),
    "Policy": ("{}", '{"Version":"2012-10-17","Statement":[]}', "no", "[" * 2000),
    "Limit": (1, 2, 10, 1000),
    "TotalSegments": (1, 2, 4, 1_000_000),
    "Segment": (0, 1, 3, 999_999),
    "NextToken": ("x", "AAAA", "e30="),
    "ClientRequestToken": ("token", "other", "a" * 37),
    "KeyType": ("HASH", "RANGE"),
    "AttributeType": ("S", "N", "B"),
}  # fmt: skip
"""Member name -> what it is, instead of what the model's type alone would allow."""
KEYS = tuple({"p": item["p"], "s": item["s"]} for item in ITEMS)

_KEY_MEMBERS = frozenset({"Key", "ExclusiveStartKey"})
_TEXTS = ("", "a", "b", "x", "é", "\U0001f600", "a" * 300, "arn:aws:x", "2024", "\0")
_NUMBERS = ("0", "1", "-1", "1.5", "1e10", "-9.99e125", "1e-130", "12345678901234567890123456789012345678")
_WRONG_NUMBERS = ("1e126", "x", "", "NaN", "١", "1e-131", "9" * 39)
_WHOLE = (0, 1, 2, 5, 100, 10_000, -1, 1 << 31, (1 << 63) - 1)


class Bodies:
    """Makers of the valid body of every action, over one world's stream."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._makers: dict[str, Make] = {}

    def use(self, world: World) -> None:
        self._world = world

    def body(self, action: str, random: Random) -> dict[str, Any]:
        make = self._makers.get(action)
        if make is None:
            model = service_model("dynamodbstreams" if action in STREAM_ACTIONS else "dynamodb")
            make = self._shape(model["shapes"], model["operations"][action]["input"]["shape"], {}, 0)
            self._makers[action] = make
        body: dict[str, Any] = make(random)
        return body

    def _shape(self, shapes: dict[str, Any], name: str, made: dict[tuple[str, int], Make], depth: int) -> Make:
        if name == "AttributeValue":
            return attribute_value
        shape = shapes[name]
        kind = shape["type"]
        known = made.get((name, depth))
        if known is not None:
            return known
        make: Make
        if kind == "structure":
            make = self._structure(shapes, shape, made, depth)
        elif kind == "list":
            make = self._list(shapes, shape, made, depth)
        elif kind == "map":
            make = self._map(shapes, shape, made, depth)
        else:
            make = _scalar(shape)
        made[name, depth] = make
        return make

    def _structure(self, shapes: Any, shape: Any, made: Any, depth: int) -> Make:
        required = set(shape.get("required", ()))
        members = []
        for member, reference in shape["members"].items():
            if depth < DEPTH_MAX or member in required:
                make = self._member(member) or self._shape(shapes, reference["shape"], made, depth + 1)
                # Legacy parameters beside expressions are refused: given rarely, they leave requests that work.
                share = 1.0 if member in required else 0.03 if member in _LEGACY else OPTIONAL_SHARE
                members.append((member, make, share))

        def structure(random: Random) -> dict[str, Any]:
            body = {member: make(random) for member, make, share in members if random.random() < share}
            if "ExpressionAttributeNames" in shape["members"] and random.random() < 0.9:
                _define_what_is_used(body)
            return body

        return structure

    def _member(self, member: str) -> Make | None:
        if member in _KEY_MEMBERS:
            return key
        if member == "Item":
            return item
        if member in ("ConditionExpression", "FilterExpression"):
            return lambda random: " ".join(condition(random, 3)) if random.random() < 0.7 else "a = :n"
        if member in ("StreamArn", "ShardId", "ShardIterator"):
            return lambda random: self._of_stream(member, random)
        choices = _CHOICES.get(member)
        return None if choices is None else lambda random: random.choice(choices)

    def _of_stream(self, member: str, random: Random) -> str:
        assert self._world is not None
        world = self._world
        right: str = {"StreamArn": world.stream_arn, "ShardId": world.shard_id, "ShardIterator": world.iterator}[member]
        if random.random() < 0.7:
            return right
        at = random.randrange(len(right))
        return right[:at] + random.choice(("", "x", "é", "0" * 70)) + right[at + 1 :]

    def _list(self, shapes: Any, shape: Any, made: Any, depth: int) -> Make:
        low, high = max(shape.get("min", 0), 0), min(shape.get("max", 3), 3)
        if depth >= DEPTH_MAX:
            high = low
        element = self._shape(shapes, shape["member"]["shape"], made, depth + 1)
        if shape["member"]["shape"] == "Key":
            element = key
        attribute_names = shape["member"]["shape"] in ("AttributeName", "KeySchemaAttributeName")
        if attribute_names:
            element = self._member("AttributeName") or element
        return lambda random: [element(random) for _ in range(random.randint(low, max(low, high)))]

    def _map(self, shapes: Any, shape: Any, made: Any, depth: int) -> Make:
        name = shape["key"]["shape"]
        choices = _CHOICES["TableName" if "Table" in name else "AttributeName"]
        element = self._shape(shapes, shape["value"]["shape"], made, depth + 1)
        high = 0 if depth >= DEPTH_MAX else 2
        return lambda random: {
            random.choice(choices): element(random) for _ in range(random.randint(min(1, high), high))
        }


def _define_what_is_used(body: dict[str, Any]) -> None:
    """Exactly the names and values that the expressions hold."""
    text = " ".join([value for member, value in body.items() if member.endswith("Expression")])
    for member, known, sign in (("ExpressionAttributeNames", NAMES, "#"), ("ExpressionAttributeValues", VALUES, ":")):
        used = {name: known[name] for name in re.findall(sign + "[a-z]+", text) if name in known}
        if used:
            body[member] = used
        else:
            body.pop(member, None)


_LEGACY = frozenset({
    "AttributesToGet", "AttributeUpdates", "Expected", "ConditionalOperator", "KeyConditions", "QueryFilter", "ScanFilter",
})  # fmt: skip


def _scalar(shape: Any) -> Make:
    kind = shape["type"]
    if "enum" in shape:
        allowed = tuple(shape["enum"])
        return lambda random: random.choice(allowed)
    if kind == "boolean":
        return lambda random: random.random() < 0.5
    if kind in ("integer", "long"):
        least = shape.get("min", -1)
        whole = tuple(number for number in _WHOLE if number >= least)
        return lambda random: random.choice(whole)
    if kind in ("double", "float", "timestamp"):
        return lambda random: random.choice((0, 0.5, 1.7e9, -1, 70.0))
    texts = tuple(text for text in _TEXTS if len(text) >= shape.get("min", 0))
    return lambda random: random.choice(texts or ("abc-1234" * 5,))


def key(random: Random) -> Any:
    found = dict(random.choice(KEYS))
    if random.random() < 0.3:
        del found["s"]
    if random.random() < 0.1:
        found[random.choice(("p", "s", "g", "l"))] = attribute_value(random)
    return found


def item(random: Random) -> Any:
    found = dict(random.choice(ITEMS))
    for _ in range(random.choice((0, 1, 3))):
        found[random.choice(("a", "g", "l", "ttl", "m", "s", "x"))] = attribute_value(random)
    return found


def attribute_value(random: Random, depth: int = 0) -> dict[str, Any]:
    """Mostly a right one."""
    kind = random.choice(("S", "S", "N", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"))
    count = random.choice((0, 1, 3)) if kind in ("L", "M") or random.random() < 0.05 else random.choice((1, 2))
    content: Any
    if kind == "S":
        content = random.choice(_TEXTS)
    elif kind == "N":
        content = _number(random)
    elif kind == "B":
        content = random.choice(("", "YQ==", "/+8=")) if random.random() < 0.9 else random.choice(("YQ", "*"))
    elif kind == "SS":
        content = random.sample(_TEXTS[1:], count)
    elif kind == "NS":
        content = [_number(random) for _ in range(count)]
    elif kind == "BS":
        content = random.sample(("YQ==", "YWI=", "/+8="), count)
    elif kind in ("BOOL", "NULL"):
        content = kind == "NULL" or random.random() < 0.5
    elif depth > 3:
        content = [] if kind == "L" else {}
    elif kind == "L":
        content = [attribute_value(random, depth + 1) for _ in range(count)]
    else:
        content = {random.choice(_TEXTS): attribute_value(random, depth + 1) for _ in range(count)}
    return {kind: content}


def _number(random: Random) -> str:
    return random.choice(_NUMBERS if random.random() < 0.95 else _WRONG_NUMBERS)
