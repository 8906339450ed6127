"""Updates: what they make of an item, in which order, and what is refused with and without one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import Binder, compile_update

ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "ss": {"SS": ["p", "q"]},
    "ns": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "m": {"M": {"x": {"N": "7"}, "l": {"L": [{"S": "a"}, {"M": {"y": {"S": "z"}}}]}}},
}
VALUES: dict[str, Any] = {
    ":one": {"N": "1"},
    ":two": {"N": "2"},
    ":str": {"S": "x"},
    ":list": {"L": [{"S": "new"}]},
    ":pq": {"SS": ["q", "p"]},
    ":rp": {"SS": ["r", "p"]},
    ":nums": {"NS": ["1.0", "3"]},
}


def apply(text: str, item: dict[str, Any] = ITEM, *, exists: bool = True) -> tuple[dict[str, Any], Any]:
    values = {key: copy.deepcopy(value) for key, value in VALUES.items() if key in text}
    update = compile_update(text, Binder({"#n": "n"}, values or None))
    before = copy.deepcopy(item)
    result = update.apply(item, exists=exists)
    assert item == before
    return result


def changes(text: str, item: dict[str, Any] = ITEM) -> dict[str, Any]:
    """Attribute -> new value (None: removed), for the attributes that differ."""
    new = apply(text, item)[0]
    return {name: new.get(name) for name in {**item, **new} if new.get(name) != item.get(name)}


def refusal(text: str, item: dict[str, Any] = ITEM) -> str:
    with pytest.raises(ApiError) as caught:
        apply(text, item)
    assert caught.value.code == "ValidationException"
    assert caught.value.message is not None
    return caught.value.message.removeprefix("Invalid UpdateExpression: ")


# One change of each kind. The old item stays as it was (``apply`` above checks that each time).
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SET a = :one", {"a": {"N": "1"}}),
        ("set n = :str", {"n": {"S": "x"}}),
        ("SET n = n + :two", {"n": {"N": "7"}}),
        ("SET #n = :two - #n", {"n": {"N": "-3"}}),
        ("SET n = (n + :two)", {"n": {"N": "7"}}),
        ("SET n = if_not_exists(n, :two) + :one", {"n": {"N": "6"}}),
        ("SET c = if_not_exists(c, :two) + :one", {"c": {"N": "3"}}),
        ("SET c = if_not_exists(c, if_not_exists(d, s))", {"c": {"S": "hello"}}),
        ("SET l = list_append(l, :list)", {"l": {"L": [*ITEM["l"]["L"], {"S": "new"}]}}),
        ("SET l = list_append(:list, l)", {"l": {"L": [{"S": "new"}, *ITEM["l"]["L"]]}}),
        ("SET c = list_append(if_not_exists(c, :list), :list)", {"c": {"L": [{"S": "new"}, {"S": "new"}]}}),
        ("SET l[1] = :str", {"l": {"L": [{"N": "1"}, {"S": "x"}, {"N": "3"}]}}),
        ("SET l[9] = :two, l[8] = :one", {"l": {"L": [*ITEM["l"]["L"], {"N": "1"}, {"N": "2"}]}}),
        ("SET m.a = :one", {"m": {"M": {**ITEM["m"]["M"], "a": {"N": "1"}}}}),
        ("SET m.l[1].y = n", {"m": {"M": {"x": {"N": "7"}, "l": {"L": [{"S": "a"}, {"M": {"y": {"N": "5"}}}]}}}}),
        ("REMOVE n, s", {"n": None, "s": None}),
        ("REMOVE absent, m.absent, l[7]", {}),
        ("REMOVE m.x", {"m": {"M": {"l": ITEM["m"]["M"]["l"]}}}),
        ("REMOVE l[0], l[2]", {"l": {"L": [{"N": "2"}]}}),
        ("REMOVE l[2], l[0]", {"l": {"L": [{"N": "2"}]}}),
        ("ADD n :two", {"n": {"N": "7"}}),
        ("ADD c :two", {"c": {"N": "2"}}),
        ("ADD ss :rp", {"ss": {"SS": ["p", "q", "r"]}}),
        ("ADD ns :nums", {"ns": {"NS": ["1", "2", "3"]}}),
        ("ADD c :rp", {"c": {"SS": ["p", "r"]}}),
        ("ADD m.x :two", {"m": {"M": {"x": {"N": "9"}, "l": ITEM["m"]["M"]["l"]}}}),
        ("DELETE ss :rp", {"ss": {"SS": ["q"]}}),
        ("DELETE ss :pq", {"ss": None}),
        ("DELETE c :pq", {}),
    ],
)
def test_one_change(text: str, expected: dict[str, Any]) -> None:
    assert changes(text) == expected


# All operands are those of the old item: nothing that an update changes is seen by its other actions.
def test_operands_are_read_before_anything_changes() -> None:
    assert changes("SET n = s, s = n") == {"n": {"S": "hello"}, "s": {"N": "5"}}
    assert changes("REMOVE n SET c = n ADD ns :nums DELETE ss :rp") == {
        "n": None,
        "c": {"N": "5"},
        "ns": {"NS": ["1", "2", "3"]},
        "ss": {"SS": ["q"]},
    }


# Indexes mean the old list's elements also when elements before them are removed by the same update.
def test_list_indexes_mean_the_old_list() -> None:
    assert changes("REMOVE l[0] SET l[1] = :str") == {"l": {"L": [{"S": "x"}, {"N": "3"}]}}
    assert changes("SET l[5] = :str REMOVE l[0], l[1]") == {"l": {"L": [{"N": "3"}, {"S": "x"}]}}
    assert changes("REMOVE m.l[0], m.l[1].y") == {"m": {"M": {"x": {"N": "7"}, "l": {"L": [{"M": {}}]}}}}


# What is not changed is shared with the old item, so that an update costs no more than what it touches.
def test_unchanged_parts_are_shared() -> None:
    new, _ = apply("SET m.x = :one")
    assert new["l"] is ITEM["l"]
    assert new["m"]["M"]["l"] is ITEM["m"]["M"]["l"]


# UPDATED_OLD and UPDATED_NEW show just what the paths hold; indexes are not translated (as AWS does it).
@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("SET m.x = :one", {"m": {"M": {"x": {"N": "7"}}}}, {"m": {"M": {"x": {"N": "1"}}}}),
        ("SET l[1] = :str", {"l": {"L": [{"N": "2"}]}}, {"l": {"L": [{"S": "x"}]}}),
        ("SET l[9] = :str", {}, {}),
        ("REMOVE l[1], l[7]", {"l": {"L": [{"N": "2"}]}}, {"l": {"L": [{"N": "3"}]}}),
        ("REMOVE n SET c = :one", {"n": {"N": "5"}}, {"c": {"N": "1"}}),
    ],
)
def test_updated_paths(text: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    item, paths = apply(text)
    assert paths.project(ITEM) == old
    assert paths.project(item) == new


def test_top_level_attributes() -> None:
    update = compile_update("SET a.b = c REMOVE d[0] ADD #n :one DELETE ss :pq", Binder({"#n": "n"}, dict(VALUES)))
    assert update.top_level_attributes == {"a", "d", "n", "ss"}


_TYPE = "Incorrect operand type for operator or function; "


# What is refused whatever the item is.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
        ("FROB a", 'Syntax error; token: "FROB", near: "FROB a"'),
        ("SET _123 = :one", 'Syntax error; token: "_", near: "SET _123"'),
        ("SET a = :one,", 'Syntax error; token: "<EOF>", near: ","'),
        ("SET a = :one + :two + :two", 'Syntax error; token: "+", near: ":two + :two"'),
        ("SET a = if_not_exists(a, :one + :two)", 'Syntax error; token: "+", near: ":one + :two"'),
        ("SET :one = a", 'Syntax error; token: ":one", near: "SET :one ="'),
        ("ADD a s", 'Syntax error; token: "s", near: "a s"'),
        ("SET a[-1] = :one", 'Syntax error; token: "-", near: "[-1"'),
        ("SET a = :one SET b = :two", 'The "SET" section can only be used once in an update expression;'),
        ("set a = :one REMOVE b set c = :two", 'The "SET" section can only be used once in an update expression;'),
        ("SET name = :one", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET a = foo(:one)", "Invalid function name; function: foo"),
        ("SET a = List_append(l, l)", "Invalid function name; function: List_append"),
        ("SET a = size(l)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = list_append(l)",
            "Incorrect number of operands for operator or function; "
            "operator or function: list_append, number of operands: 1",
        ),
        (
            "SET a = list_append(list_append(l, l), l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = if_not_exists(:one, :two)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        ("SET a = list_append(l, :str)", _TYPE + "operator or function: list_append, operand type: S"),
        ("SET a = n + :str", _TYPE + "operator or function: +, operand type: S"),
        ("SET a = list_append(l, l) - :one", _TYPE + "operator or function: -, operand type: L"),
        ("ADD n :str", _TYPE + "operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
        ("DELETE ss :one", _TYPE + "operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
        (
            "SET a = :undefined",
            "An expression attribute value used in expression is not defined; attribute value: :undefined",
        ),
        ("REMOVE a, SET", 'Syntax error; token: "SET", near: ", SET"'),
        ("REMOVE a[01]", 'Syntax error; token: "1", near: "01]"'),
        ("  ", 'Syntax error; token: "<EOF>", near: "  "'),
        (
            "SET a = :one, a.b = :two",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a], path two: [a, b]",
        ),
        (
            "SET a[1][0] = :one REMOVE a[1]",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a, [1], [0]], path two: [a, [1]]",
        ),
        (
            "SET #n = :one, n = :two",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [n], path two: [n]",
        ),
        (
            "SET a.b = :one, a[1] = :two",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [a, b], path two: [a, [1]]",
        ),
    ],
)
def test_refused_without_an_item(text: str, message: str) -> None:
    assert refusal(text) == message


_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_BAD_PATH = "The document path provided in the update expression is invalid for update"


# What is refused for the item as it is.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET a = absent", _MISSING),
        ("SET a = a + :one", _MISSING),
        ("SET a = list_append(absent, :list)", _MISSING),
        ("SET a = s + :one", _WRONG_TYPE),
        ("SET a = list_append(s, :list)", _WRONG_TYPE),
        ("ADD s :one", _WRONG_TYPE),
        ("ADD ss :nums", _WRONG_TYPE),
        ("DELETE ns :pq", _WRONG_TYPE),
        ("SET s.x = :one", _BAD_PATH),
        ("SET absent.x = :one", _BAD_PATH),
        ("SET m[0] = :one", _BAD_PATH),
        ("SET l.x = :one", _BAD_PATH),
        ("SET l[7].x = :one", _BAD_PATH),
        ("REMOVE s.x", _BAD_PATH),
        ("REMOVE absent[0]", _BAD_PATH),
        ("ADD absent.x :one", _BAD_PATH),
    ],
)
def test_refused_for_the_item(text: str, message: str) -> None:
    assert refusal(text) == message


# AWS lets pass the removal of parts of an item that is not there, and of nothing else that does not fit.
def test_removal_from_an_item_to_be_made() -> None:
    key = {"id": {"S": "1"}}
    assert apply("REMOVE x.y, x.z SET a = :one", key, exists=False)[0] == {**key, "a": {"N": "1"}}
    with pytest.raises(ApiError, match="invalid for update"):
        apply("SET x.y = :one", key, exists=False)


# A value that is allowed where it comes from can be nested too deeply where it goes.
def test_nesting_of_what_is_set() -> None:
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(31):
        deep = {"L": [deep]}
    item = {**ITEM, "deep": deep}
    assert changes("SET a = deep", item) == {"a": deep}
    assert "nested levels" in refusal("SET m.a = deep", item)
