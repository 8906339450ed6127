"""Makes a right request wrong in one place, or in two."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.differential.operations import Body

Place = tuple[Any, Any]
"""A container and the key or position of a member in it."""

WRONG_VALUES: list[Any] = [
    {},
    {"S": 1},
    {"N": ""},
    {"N": "one"},
    {"N": "1e126"},
    {"N": "1e-131"},
    {"N": "1" * 39},
    {"SS": []},
    {"NS": ["1", "1.0"]},
    {"SS": ["a", "a"]},
    {"NULL": False},
    {"S": "a", "N": "1"},
    {"B": "a"},
    {"BS": []},
    {"NS": ["x"]},
    {"S": ""},
    {"B": ""},
    {"L": {}},
    {"M": []},
    {"BOOL": "maybe"},
    {"X": "a"},
    {"BS": ["YQ==", "YQ=="]},
    {"SS": ["a", ""]},
    {"N": "1 "},
    {"NS": []},
]
WRONG_TYPES: list[Any] = [1, "", "text", True, [], {}, ["a"], {"a": "b"}, -1, 1.5]
WRONG_EXPRESSIONS = [
    "",
    "a",
    "a =",
    "a = = :v0",
    "a = :missing",
    "#missing = :v0",
    "size(a)",
    "a = :v0 AND",
    "(a = :v0",
    "nope(a)",
    "a IN ()",
    "attribute_exists(a, b)",
    "a BETWEEN :v0",
    "a..b = :v0",
    "list = :v0",
    "SET",
    "SET a",
    "SET a = :v0, a = :v0",
    "SET a = b + :v0 + c",
    "SET a = :v0 SET b = :v0",
    "REMOVE a, a.b",
    "ADD a b",
    "DELETE a",
    "SET h = :v0",
    "a, a",
    "a.b, a",
    "a[x]",
    "a[-1]",
    "a,",
    ",",
    "1a",
    "a = :v0 OR OR b = :v0",
    "begins_with(a)",
    "attribute_type(a, :v0)",
    "contains(:v0, :v0)",
    "h = :v0 OR r = :v0",
    "h > :v0",
    "h = :v0 AND h = :v0",
    "NOT h = :v0",
    "h <> :v0",
    "h = :v0 AND v0 = :v0",
    "SET a = if_not_exists(:v0, b)",
    "SET a = list_append(a)",
    "a = $b",
    "a = :v0 ; b",
    "SET a = size(b)",
    "#",
    ":",
    "a BETWEEN :v0 AND :v0",
    "h IN (:v0)",
    "SET v0 = :v0, v0.x = :v0",
]
WORDS = ["ReturnValues", "Select", "ReturnConsumedCapacity", "ComparisonOperator", "ConditionalOperator", "Action"]
NUMBERS = ["Limit", "Segment", "TotalSegments"]
EXPRESSIONS = [
    "ConditionExpression",
    "FilterExpression",
    "UpdateExpression",
    "ProjectionExpression",
    "KeyConditionExpression",
]


def spoilt(dice: random.Random, body: Body) -> Body:
    """A changed copy."""
    changed = copy.deepcopy(body)
    for _ in range(1 if dice.random() < 0.95 else 2):
        dice.choice(WAYS)(dice, changed)
    return changed


def _without_a_member(dice: random.Random, body: Body) -> None:
    if body:
        del body[dice.choice(list(body))]


def _other_type(dice: random.Random, body: Body) -> None:
    if body:
        body[dice.choice(list(body))] = copy.deepcopy(dice.choice(WRONG_TYPES))


def _wrong_value(dice: random.Random, body: Body) -> None:
    values = list(_attribute_values(body))
    if values:
        container, name = dice.choice(values)
        container[name] = copy.deepcopy(dice.choice(WRONG_VALUES))


def _wrong_word(dice: random.Random, body: Body) -> None:
    body[dice.choice(WORDS)] = dice.choice(
        ["ALL", "", "none", "AND", "UPDATED_NEW", "ALL_NEW", "COUNT", "SPECIFIC_ATTRIBUTES"]
    )


def _wrong_number(dice: random.Random, body: Body) -> None:
    for name in dice.sample(NUMBERS, dice.randint(1, 2)):
        body[name] = dice.choice([0, -1, 1, 2, 1000000, 1000001])


def _wrong_expression(dice: random.Random, body: Body) -> None:
    present = [name for name in EXPRESSIONS if name in body]
    body[dice.choice(present or EXPRESSIONS)] = dice.choice(WRONG_EXPRESSIONS)
    if "ExpressionAttributeValues" not in body and dice.random() < 0.7:
        body["ExpressionAttributeValues"] = {":v0": {"S": "a"}}


def _unused(dice: random.Random, body: Body) -> None:
    names = dice.random() < 0.5
    member = "ExpressionAttributeNames" if names else "ExpressionAttributeValues"
    if isinstance(body.get(member, {}), dict):
        body.setdefault(member, {})[dice.choice(["#u", ":u", "u", "#", "#a-b"])] = "u" if names else {"S": "u"}


def _wrong_name(dice: random.Random, body: Body) -> None:
    body[dice.choice(["TableName", "IndexName"])] = dice.choice(["", "ab", "nothing", "a b c", "x" * 256, "global0"])


def _wrong_key(dice: random.Random, body: Body) -> None:
    member = next((name for name in ("Key", "Item", "ExclusiveStartKey") if isinstance(body.get(name), dict)), None)
    if member is None:
        body["ExclusiveStartKey"] = {"h": {"S": "a"}}
        return
    key = body[member]
    chance = dice.randrange(4)
    if chance == 0 and key:
        del key[dice.choice(list(key))]
    elif chance == 1:
        key[dice.choice(["extra", "h", "r"])] = {"S": "x"}
    else:
        key[dice.choice(["h", "r"])] = copy.deepcopy(
            dice.choice([{"BOOL": True}, {"NULL": True}, {"S": ""}, {"N": "1"}, {"L": []}])
        )


def _old_and_new(dice: random.Random, body: Body) -> None:
    body[
        dice.choice(["AttributesToGet", "Expected", "QueryFilter", "ScanFilter", "KeyConditions", "AttributeUpdates"])
    ] = dice.choice(
        [
            {},
            [],
            ["v0", "v0"],
            {"v0": {"ComparisonOperator": "EQ", "AttributeValueList": []}},
            {"v0": {"Exists": True}},
            {"v0": {}},
        ]
    )


def _twice_in_a_batch(dice: random.Random, body: Body) -> None:
    if not isinstance(body.get("RequestItems"), dict):
        return
    for table in body["RequestItems"].values():
        members = table.get("Keys") if isinstance(table, dict) else table
        if isinstance(members, list) and members:
            times = dice.choice([1, 1, 30, 101])
            members.extend(copy.deepcopy(members[0]) for _ in range(times))


WAYS: list[Callable[[random.Random, Body], None]] = [
    _without_a_member,
    _other_type,
    _wrong_value,
    _wrong_value,
    _wrong_word,
    _wrong_number,
    _wrong_expression,
    _wrong_expression,
    _unused,
    _wrong_name,
    _wrong_key,
    _wrong_key,
    _old_and_new,
    _twice_in_a_batch,
]


def _attribute_values(node: Any) -> Iterator[Place]:
    """Where attribute values stand, by their looks."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, member in members:
        if isinstance(member, dict) and len(member) == 1 and next(iter(member)) in _TYPES:
            yield node, name
        yield from _attribute_values(member)


_TYPES = {"S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"}
