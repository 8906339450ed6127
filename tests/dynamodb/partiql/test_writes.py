"""INSERT, UPDATE and DELETE: what they store, refuse and return."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError

INVALID = "ValidationException"
FAILED = ("ConditionalCheckFailedException", "The conditional request failed")
WHERE = "WHERE p = 'a' AND s = 1"


# Every literal becomes the attribute value of its type; doubled quotes are one, parameters may stand inside.
def test_insert(database: Any) -> None:
    statement = """INSERT INTO "music" VALUE {'p': 'it''s', 's': -1.50, 'yes': TRUE, 'no': false, 'nil': NULL,
        'l': [1, 'two', {'deep': [?]}], 'm': {}, 'ss': <<'x', 'y'>>, 'ns': <<1, 2e1>>, 'b': ?}"""
    assert database.run(statement, {"S": "in"}, {"B": "AAE="}) == {"Items": []}
    item = database("GetItem", TableName="music", Key={"p": {"S": "it's"}, "s": {"N": "-1.5"}})["Item"]
    assert item == {
        "p": {"S": "it's"},
        "s": {"N": "-1.5"},
        "yes": {"BOOL": True},
        "no": {"BOOL": False},
        "nil": {"NULL": True},
        "l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"deep": {"L": [{"S": "in"}]}}}]},
        "m": {"M": {}},
        "ss": {"SS": ["x", "y"]},
        "ns": {"NS": ["1", "20"]},
        "b": {"B": "AAE="},
    }


# An item of the same key is never overwritten.
def test_insert_of_an_item_that_is_there(music: Any) -> None:
    refusal = music.refusal("INSERT INTO music VALUE {'p': 'a', 's': 1}")
    assert refusal == ("DuplicateItemException", "Duplicate primary key exists in table")
    assert "n" in music.item("a", 1)


# An item nests as deeply as one of PutItem may, and no deeper.
def test_depth_of_an_insert(database: Any) -> None:
    for levels, refused in ((31, False), (32, True)):
        nested = "[" * levels + "]" * levels
        statement = f"INSERT INTO music VALUE {{'p': 'deep', 's': {levels}, 'l': {nested}}}"
        value: dict[str, Any] = {"L": []}
        for _ in range(levels - 1):
            value = {"L": [value]}
        item = {"p": {"S": "put"}, "s": {"N": "1"}, "l": value}
        if refused:
            with pytest.raises(ApiError) as raised:
                database("PutItem", TableName="music", Item=item)
            assert database.refusal(statement) == (raised.value.code, raised.value.message)
        else:
            database("PutItem", TableName="music", Item=item)
            database.run(statement)


# A parameter may be the whole item.
def test_insert_of_a_parameter(database: Any) -> None:
    database.run("insert into music value ?", {"M": {"p": {"S": "q"}, "s": {"N": "1"}}})
    assert database.item("q", 1) == {"p": {"S": "q"}, "s": {"N": "1"}}


UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("SET n = 1, x = 'y'", {"n": {"N": "1"}, "x": {"S": "y"}}),
    ("SET n = n + 1 SET x = n - 3", {"n": {"N": "11"}, "x": {"N": "7"}}),
    ("SET x = g", {"x": {"S": "g1"}}),
    ("SET m.items = list_append(m.items, [1])", {"m.items": {"L": [{"N": "7"}, {"S": "x"}, {"N": "1"}]}}),
    ("SET m.items[0] = 'new' REMOVE m.deep", {"m": {"M": {"items": {"L": [{"S": "new"}, {"S": "x"}]}}}}),
    ("SET tags = set_add(tags, <<'three'>>)", {"tags": {"SS": ["one", "three", "two"]}}),
    ("SET tags = SET_DELETE(tags, <<'one'>>)", {"tags": {"SS": ["two"]}}),
    ("REMOVE tags REMOVE m", {"tags": None, "m": None}),
    ("REMOVE m.items[0] REMOVE n", {"n": None, "m.items": {"L": [{"S": "x"}]}}),
    ("SET \"order\" = [1, {'a': <<1>>}]", {"order": {"L": [{"N": "1"}, {"M": {"a": {"NS": ["1"]}}}]}}),
]


# Every form of SET and REMOVE changes what it names, and nothing else.
@pytest.mark.parametrize(("changes", "expected"), UPDATES)
def test_update(music: Any, changes: str, expected: dict[str, Any]) -> None:
    before = music.item("a", 1)
    assert music.run(f"UPDATE music {changes} {WHERE}") == {"Items": []}
    for path, value in expected.items():
        if path == "m.items":
            before["m"]["M"]["items"] = value
        elif value is None:
            del before[path]
        else:
            before[path] = value
    assert music.item("a", 1) == before


# RETURNING shows the item, or what was changed of it, before or after.
@pytest.mark.parametrize(
    ("returning", "expected"),
    [
        ("MODIFIED OLD *", {"n": {"N": "10"}}),
        ("modified new *", {"n": {"N": "5"}, "x": {"N": "1"}}),
    ],
)
def test_returning(music: Any, returning: str, expected: dict[str, Any]) -> None:
    assert music.items(f"UPDATE music SET n = 5, x = 1 {WHERE} RETURNING {returning}") == [expected]


# All of the item, before and after; and the item that a DELETE took.
def test_returning_all(music: Any) -> None:
    before = music.item("a", 1)
    assert music.items(f"UPDATE music SET n = 5 {WHERE} RETURNING ALL OLD *") == [before]
    assert music.items(f"UPDATE music SET n = 6 {WHERE} RETURNING ALL NEW *") == [before | {"n": {"N": "6"}}]
    assert music.items(f"DELETE FROM music {WHERE} RETURNING ALL OLD *") == [before | {"n": {"N": "6"}}]
    assert music.item("a", 1) is None


# An UPDATE never makes an item, and its further conditions must hold.
def test_update_conditions(music: Any) -> None:
    assert music.refusal("UPDATE music SET n = 1 WHERE p = 'none' AND s = 1") == FAILED
    assert music.refusal(f"UPDATE music SET n = 1 {WHERE} AND (n = 11 OR g = 'x')") == FAILED
    music.run(f"UPDATE music SET n = 1 {WHERE} AND (n = 11 OR g = 'g1')")
    assert music.item("a", 1)["n"] == {"N": "1"}


# The item that failed a condition is shown on request.
def test_item_of_a_failed_condition(music: Any) -> None:
    with pytest.raises(ApiError) as raised:
        music.run(f"DELETE FROM music {WHERE} AND n = 11", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert raised.value.fields["Item"]["n"] == {"N": "10"}


# Deleting what is not there is no fault, with further conditions neither; an item that does not meet them stays.
def test_delete(music: Any) -> None:
    assert music.run("DELETE FROM music WHERE p = 'none' AND s = 1") == {"Items": []}
    assert music.run("DELETE FROM music WHERE p = 'none' AND s = 1 AND n = 1 RETURNING ALL OLD *") == {"Items": []}
    assert music.refusal(f"DELETE FROM music {WHERE} AND n = 1") == FAILED
    assert music.item("a", 1) is not None
    assert music.run(f"DELETE FROM music {WHERE} AND n = 10") == {"Items": []}
    assert music.item("a", 1) is None


MALFORMED = "Statement wasn't well formed, can't be processed: "
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"
REFUSALS = [
    ("UPDATE music SET n = 1", NO_KEY),
    ("UPDATE music SET n = 1 WHERE p = 'a'", NO_KEY),
    ("UPDATE music SET n = 1 WHERE p = 'a' AND s > 1", NO_KEY),
    ("UPDATE music SET n = 1 WHERE p = 'a' AND s IN [1]", NO_KEY),
    ("UPDATE music SET n = 1 WHERE p = 'a' OR s = 1", NO_KEY),
    ("DELETE FROM music", NO_KEY),
    ("DELETE FROM music WHERE n = 1", NO_KEY),
    (f"UPDATE music {WHERE}", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
    ("INSERT INTO music (p) VALUES ('a')", "Statement wasn't well formed, can't be processed: Unexpected token"),
    ("INSERT INTO music VALUES {}", "Statement wasn't well formed, can't be processed: Unexpected keyword"),
    (
        f"UPDATE music SET p = 'b' {WHERE}",
        "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key",
    ),
    ("INSERT INTO music VALUE {'p': 'a'}", "One or more parameter values were invalid: Missing the key s in the item"),
    (
        "DELETE FROM music WHERE p = 'a' AND s = '1'",
        "Key attribute's data type should match its data type in table's schema: Key s",
    ),
    (
        "INSERT INTO music VALUE {'p': ['a'], 's': 1}",
        "Key value must be of type S, N, or B. Key name: p, Key type: L",
    ),
    (
        "UPDATE music SET n = 1 WHERE p = 'a' AND p = 'b' AND s = 1",
        "Multiple conditions on same key p. Only single item Update/Insert/Delete are supported",
    ),
    (f"UPDATE music REMOVE n, m {WHERE}", MALFORMED + "Unexpected token after expression"),
    (f"UPDATE music SET tags = set_add(tags) {WHERE}", "SET_ADD must have exactly two arguments at 1:25:7"),
    (
        f"UPDATE music SET tags = set_delete(tags, 1) {WHERE}",
        "The second argument to SET_DELETE must be a value with type SET at 1:36:4",
    ),
    ('UPDATE "music"."by-g" SET n = 1', "This operation is not supported on an index"),
    (
        'INSERT INTO "music"."by-g" VALUE {}',
        "FROM clause may only contain a single table name in data manipulation statements at 1:13:7",
    ),
    ("DELETE music", MALFORMED + "Expected FROM after DELETE"),
    ("FROM music", MALFORMED + "Expected data manipulation"),
    (
        f"DELETE FROM music {WHERE} RETURNING ALL NEW *",
        "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
    ),
    (
        f"UPDATE music SET x = set_add(tags, <<'z'>>) {WHERE}",
        "The first argument to SET_ADD must equal the assignment value at 1:22:7",
    ),
]


# Faults in words of their own; nothing is written.
@pytest.mark.parametrize(("statement", "message"), REFUSALS)
def test_refusals(music: Any, statement: str, message: str) -> None:
    assert music.refusal(statement) == (INVALID, message)


# A write's cost is its item's, and shows its indexes.
def test_consumed_capacity(database: Any) -> None:
    statement = "INSERT INTO music VALUE {'p': 'a', 's': 1, 'g': 'x'}"
    consumed = database.run(statement, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert consumed["CapacityUnits"] == 2.0
    assert consumed["GlobalSecondaryIndexes"] == {"by-g": {"CapacityUnits": 1.0}}
