"""Names and values: their own syntax, that each is defined where it is used and used where it is defined."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import Binder, compile_condition, compile_projection, compile_update
from tabletop.dynamodb.expressions.reserved_words import RESERVED_WORDS

_UNUSED = "unused in expressions: keys: "


# What is wrong with either map is told before any expression is looked at.
@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, None, "ExpressionAttributeNames must not be empty"),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        ({"x": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "x"'),
        ({"#": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'),
        ({"#a-b": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
        ({"#a\n": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a\n"'),
        (None, {"v": {"S": ""}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'),
        ({"#a": ""}, None, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"),
        (
            None,
            {":v": {}},
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, "
            "must contain exactly one of the supported datatypes for key :v",
        ),
        (
            None,
            {":v": {"SS": []}},
            "ExpressionAttributeValues contains invalid value: One or more parameter values were "
            "invalid: An string set  may not be empty for key :v",
        ),
    ],
)
def test_malformed_maps(names: Any, values: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        Binder(names, values)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)


# A value of the wrong JSON type is the parser's to refuse, without any mention of the map.
def test_values_of_wrong_json_types() -> None:
    with pytest.raises(ApiError) as caught:
        Binder(None, {":v": {"N": 3}})
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize("parameter", ["Names", "Values"])
def test_maps_without_expressions(parameter: str) -> None:
    names, values = ({"#a": "a"}, None) if parameter == "Names" else (None, {":v": {"S": "x"}})
    with pytest.raises(ApiError, match=f"ExpressionAttribute{parameter} can only be specified when using expressions"):
        Binder(names, values, expressions_given=False, missing="FilterExpression is null")


# One binder for all of a request's expressions: a name or value may be used by any of them, and must be by one.
def test_use_is_counted_over_all_expressions() -> None:
    binder = Binder({"#a": "a", "#b": "b", "#c": "c"}, {":v": {"N": "1"}, ":w": {"N": "2"}})
    compile_projection("#a", binder)
    compile_condition("#b = :v OR #b = :v", kind="FilterExpression", binder=binder)
    with pytest.raises(ApiError) as caught:
        binder.refuse_unused()
    assert caught.value.message == "Value provided in ExpressionAttributeNames " + _UNUSED + "{#c}"
    compile_update("REMOVE #c", binder)
    with pytest.raises(ApiError) as caught:
        binder.refuse_unused()
    assert caught.value.message == "Value provided in ExpressionAttributeValues " + _UNUSED + "{:w}"
    compile_update("SET z = :w", binder)
    binder.refuse_unused()


# The tree of a text is kept and shared; names and values are those of each request all the same.
def test_one_text_with_other_names_and_values() -> None:
    for name, number in (("a", "1"), ("b", "2")):
        binder = Binder({"#n": name}, {":v": {"N": number}})
        condition = compile_condition("#n = :v", kind="ConditionExpression", binder=binder)
        assert condition.matches({name: {"N": number}})
        assert not condition.matches({name: {"N": "3"}})


# The developer guide's list, whole: 573 words.
def test_reserved_words() -> None:
    assert len(RESERVED_WORDS) == 573
    assert {"NAME", "STATUS", "SIZE", "TTL", "ABORT", "ZONE"} <= RESERVED_WORDS
    assert all(word.isupper() for word in RESERVED_WORDS)
