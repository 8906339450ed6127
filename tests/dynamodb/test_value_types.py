"""AWS reads a whole request before it validates any of it: a value of a wrong JSON type is told before every other error."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraints
from tabletop.dynamodb.value_types import refuse_unreadable

JAVA_MAP = "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"


# Each JSON type that does not fit has the words that the parser has for the same mistake anywhere else.
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"M": []}, f"Unrecognized collection type {JAVA_MAP}"),
        (
            {"L": [{"M": {"a": []}}]},
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
        ),
        ({"B": 1}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": []}, "Unrecognized collection type class java.nio.ByteBuffer"),
        ({"BS": ["abc"]}, "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
        ({"S": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"NS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"BOOL": "maybe"}, "Unexpected token received from parser"),
    ],
)
def test_unreadable(value: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        refuse_unreadable(value)
    assert (caught.value.code, caught.value.message) == ("SerializationException", message)


# What parses is left to validation, however wrong it is.
@pytest.mark.parametrize(
    "value", [{}, {"S": None}, {"X": 1}, {"S": "a", "N": "b"}, {"SS": []}, {"NULL": False}, {"L": [None]}]
)
def test_readable(value: Any) -> None:
    refuse_unreadable(value)


# A broken constraint elsewhere in the request does not hide the value's type.
def test_types_come_before_constraints() -> None:
    with pytest.raises(ApiError) as caught:
        constraints.check("GetItem", {"TableName": "a b", "Key": {"p": {"S": 1}}})
    assert caught.value.code == "SerializationException"


# Nor does an error that is found before the value is used: here the parameter Select.
def test_types_come_before_other_parameters() -> None:
    body = {"TableName": "abc", "ExclusiveStartKey": {"p": {"B": "a"}}, "Select": "SPECIFIC_ATTRIBUTES"}
    constraints.check("Scan", body)
    with pytest.raises(ApiError) as caught:
        constraints.refuse_unreadable("Scan", body)
    assert caught.value.code == "SerializationException"
