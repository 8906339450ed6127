"""Attribute values: what is refused and how, what is made canonical, when two are equal or ordered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletop.base.errors import ApiError
from tabletop.dynamodb import sizes, values

_INVALID = "One or more parameter values were invalid: "


# Values of the wrong JSON type never get as far as validation: AWS's parser refuses them.
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"S": False}, "FALSE_VALUE cannot be converted to String"),
        ({"S": {}}, "Start of structure or map found where not expected"),
        ({"S": []}, "Unrecognized collection type class java.lang.String"),
        ({"N": 123}, "NUMBER_VALUE cannot be converted to String"),
        ({"BOOL": "maybe"}, "Unexpected token received from parser"),
        ({"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"L": {}}, "Start of structure or map found where not expected"),
        ({"L": "x"}, "Unexpected field type"),
        ({"M": 3}, "Unexpected field type"),
        ({"SS": "x"}, "Unexpected field type"),
        ({"SS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"B": "abcde"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": "YWJj??!!"}, "Invalid Base64 content"),
        ({"B": "ÿdog"}, "Invalid Base64 content"),
        ("x", "Unexpected value type in payload"),
        (["x"], "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
        ({"L": ["x"]}, "Unexpected value type in payload"),
        ({"S": "fine", "N": 1}, "NUMBER_VALUE cannot be converted to String"),
    ],
)
def test_wrong_json_types(value: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        values.canonicalise(value)
    assert (caught.value.code, caught.value.message) == ("SerializationException", message)


# What parses and is no attribute value is refused by validation, in AWS's words (two of which have a double space).
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, values.EMPTY_VALUE),
        ({"S": None}, values.EMPTY_VALUE),
        ({"dog": "cat"}, values.EMPTY_VALUE),
        ({"L": [{}]}, values.EMPTY_VALUE),
        ({"M": {"a": {}}}, values.EMPTY_VALUE),
        ({"S": "a", "N": "1"}, values.SEVERAL_TYPES),
        ({"SS": []}, _INVALID + "An string set  may not be empty"),
        ({"NS": []}, _INVALID + "An number set  may not be empty"),
        ({"BS": []}, _INVALID + "Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, _INVALID + "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"BS": ["YQ==", "YR=="]}, _INVALID + "Input collection [YQ==, YQ==]of type BS contains duplicates."),
        ({"NULL": False}, _INVALID + "Null attribute value types must have the value of true"),
        ({"N": "x"}, "The parameter cannot be converted to a numeric value: x"),
        ({"M": {"": {"S": "x"}}}, "Empty attribute name"),
        ({"M": {"a" * 65536: {"S": "x"}}}, _INVALID + "Attribute name is too large, must be less than 65536 bytes"),
    ],
)
def test_invalid_content(value: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        values.canonicalise(value)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)


# One form for one value, at any depth: equality, hashing and storage rest on it. Null and unknown members vanish.
def test_canonical_form_in_place() -> None:
    item: dict[str, Any] = {
        "n": {"N": "1.0"},
        "b": {"B": "YR=="},
        "e": {"S": ""},
        "m": {"M": {"l": {"L": [{"N": "1e2"}, {"NS": ["1.50", "+2"]}]}}},
        "s": {"S": "x", "N": None, "unknown": 3},
        "x" * 65535: {"NULL": True},
    }
    size_bytes = values.canonicalise_item(item)
    assert item["n"] == {"N": "1"}
    assert item["b"] == {"B": "YQ=="}
    assert item["m"] == {"M": {"l": {"L": [{"N": "100"}, {"NS": ["1.5", "2"]}]}}}
    assert item["s"] == {"S": "x"}
    assert size_bytes == sizes.item_size(item)


def nested(levels: int, kind: str) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]} if kind == "L" else {"M": {"a": value}}
    return value


# 32 levels, the item being the first: 31 nested containers are the last that are allowed.
@pytest.mark.parametrize("kind", ["L", "M"])
def test_nesting_limit(kind: str) -> None:
    values.canonicalise_item({"a": nested(30, kind)})
    values.canonicalise_item({"a": nested(31, kind)})
    with pytest.raises(ApiError, match="nested levels"):
        values.canonicalise_item({"a": nested(32, kind)})


# A hostile depth is refused at the limit: it must not reach the interpreter's own.
def test_hostile_nesting() -> None:
    with pytest.raises(ApiError, match="nested levels"):
        values.canonicalise(nested(100_000, "L"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "1", "1.0", "YQ==", "NaN"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL", "a", ""]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


# Whatever JSON arrives: an ApiError, or a canonical value that canonicalising again leaves as it is.
@given(json_values)
def test_any_json_is_refused_or_becomes_canonical(value: Any) -> None:
    try:
        size_bytes = values.canonicalise(value)
    except ApiError:
        return
    before = json.dumps(value)
    assert values.canonicalise(value) == size_bytes
    assert json.dumps(value) == before
    assert values.equal(value, value)


# Sets have no order, at any depth; lists have one; types are never equal to each other.
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}, True),
        ({"SS": ["a", "b"]}, {"SS": ["a", "c"]}, False),
        ({"SS": ["a"]}, {"SS": ["a", "b"]}, False),
        ({"M": {"a": {"L": [{"NS": ["1", "2"]}]}}}, {"M": {"a": {"L": [{"NS": ["2", "1"]}]}}}, True),
        ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}, False),
        ({"M": {"a": {"S": "x"}}}, {"M": {"b": {"S": "x"}}}, False),
        ({"S": "1"}, {"N": "1"}, False),
        ({"SS": ["1"]}, {"NS": ["1"]}, False),
        ({"L": []}, {"M": {}}, False),
        ({"BOOL": True}, {"NULL": True}, False),
    ],
)
def test_equality(first: Any, second: Any, expected: bool) -> None:
    assert values.equal(first, second) is expected
    assert values.equal(second, first) is expected


# Strings order by UTF-8 bytes (in UTF-16 "\U00010000" is before "\uffff"), binary by bytes, numbers by value.
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"S": "\uffff"}, {"S": "\U00010000"}, True),
        ({"S": "Z"}, {"S": "a"}, True),
        ({"N": "9"}, {"N": "10"}, True),
        ({"N": "-10"}, {"N": "-9"}, True),
        ({"B": "/w=="}, {"B": "AA=="}, False),
        ({"S": "1"}, {"N": "2"}, False),
        ({"L": []}, {"L": []}, False),
    ],
)
def test_order(first: Any, second: Any, expected: bool) -> None:
    assert values.less(first, second) is expected


def test_order_keys() -> None:
    assert values.order_key({"N": "9"}) < values.order_key({"N": "10"})
    assert values.type_of({"SS": ["a"]}) == "SS"


# A long list of numbers is judged as a whole where all are canonical already; one that is not, or is no number, counts still.
@pytest.mark.parametrize(
    ("odd", "expected"),
    [("0", "0"), ("-1.5", "-1.5"), ("1.50", "1.5"), ("-0", "0"), ("1e3", "1000"), ("007", "7"), ("-0.05", "-0.05")],
)
def test_long_lists_of_numbers(odd: str, expected: str) -> None:
    value = {"L": [{"N": str(number)} for number in range(20)] + [{"N": odd}]}
    values.canonicalise(value)
    assert value["L"][-1] == {"N": expected}
    assert value["L"][:20] == [{"N": str(number)} for number in range(20)]


@pytest.mark.parametrize(
    "odd",
    [{"N": "1,2"}, {"N": ""}, {"N": "9" * 39}, {"N": "0." + "1" * 39}, {"N": 1}, {"N": "1", "S": "x"}, {}],
)
def test_long_lists_with_what_is_no_number(odd: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        values.canonicalise({"L": [{"N": str(number)} for number in range(20)] + [odd]})


# AWS takes words for booleans, in any case; a false NULL is none.
def test_words_for_booleans() -> None:
    item = {"a": {"BOOL": "Yes"}, "b": {"BOOL": "0"}, "c": {"NULL": "TRUE"}}
    values.check_item(item)
    assert item == {"a": {"BOOL": True}, "b": {"BOOL": False}, "c": {"NULL": True}}
    with pytest.raises(ApiError, match="must have the value of true"):
        values.check_item({"c": {"NULL": "no"}})
