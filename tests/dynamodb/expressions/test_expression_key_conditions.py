"""Key conditions: what counts as one, and how several fit a key schema."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import Binder, KeyMatch, analyse_key_condition, match_key_schema
from tabletop.dynamodb.schema import KeyAttribute

P, C = KeyAttribute("p", "S"), KeyAttribute("c", "N")
H = tuple(KeyAttribute(f"h{number}", "S") for number in (1, 2))
R = (KeyAttribute("r1", "N"), KeyAttribute("r2", "S"), KeyAttribute("r3", "B"))
VALUES: dict[str, Any] = {
    ":p": {"S": "x"},
    ":one": {"N": "1.0"},
    ":two": {"N": "2"},
    ":b": {"B": "YQ=="},
    ":empty": {"S": ""},
}


def conditions(text: str, names: dict[str, str] | None = None) -> Any:
    used = {key: dict(value) for key, value in VALUES.items() if key in text}
    return analyse_key_condition(text, Binder(names, used or None))


def match(text: str, hash_attributes: Any = (P,), range_attributes: Any = (C,)) -> KeyMatch:
    return match_key_schema(conditions(text), hash_attributes, range_attributes)


def message_of(caught: pytest.ExceptionInfo[ApiError]) -> str:
    assert caught.value.code == "ValidationException"
    assert caught.value.message is not None
    return caught.value.message


# Every operator that key conditions have, in any order, also with the value first and with one pair of parentheses.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p = :p", [("p", "=", ({"S": "x"},))]),
        ("(p = :p) AND (c < :two)", [("p", "=", ({"S": "x"},)), ("c", "<", ({"N": "2"},))]),
        ("c >= :two and :p = #p", [("c", ">=", ({"N": "2"},)), ("p", "=", ({"S": "x"},))]),
        (":two > c", [("c", "<", ({"N": "2"},))]),
        ("c BETWEEN :one AND :two AND p = :p", [("c", "BETWEEN", ({"N": "1"}, {"N": "2"})), ("p", "=", ({"S": "x"},))]),
        ("begins_with(c, :p)", [("c", "begins_with", ({"S": "x"},))]),
    ],
)
def test_key_conditions(text: str, expected: Any) -> None:
    assert conditions(text, {"#p": "p"}) == expected


# What any other condition may have and a key condition may not. AWS's words do not begin with the parameter here.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p = :p OR c = :one", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT p = :p", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p = :p AND NOT c = :one", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p <> :p", "Invalid operator used in KeyConditionExpression: <>"),
        ("p IN (:p)", "Invalid operator used in KeyConditionExpression: IN"),
        ("p = :p AND attribute_exists(c)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("p = :p AND size(c) = :one", "KeyConditionExpressions cannot contain nested operations"),
        ("p = :p AND p = :p", "KeyConditionExpressions must only contain one condition per key"),
        ("p = :p AND a.b = :one", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("p = c", "Invalid condition in KeyConditionExpression: Multiple attributes used in one condition"),
        (":p = :one", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        ("p", 'Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "p"'),
        ("dog(p)", "Invalid KeyConditionExpression: Invalid function name; function: dog"),
        (
            "c = :one AND begins_with(p, :one)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or "
            "function; operator or function: begins_with, operand type: N",
        ),
        (
            "c BETWEEN :two AND :one",
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be "
            "greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, "
            "upper bound operand: AttributeValue: {N:1}",
        ),
        ("", "Invalid KeyConditionExpression: The expression can not be empty;"),
    ],
)
def test_what_is_no_key_condition(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        conditions(text)
    assert message_of(caught) == message


def test_matching() -> None:
    assert match("p = :p") == KeyMatch({"p": {"S": "x"}}, (), None)
    assert match("c = :one AND p = :p") == KeyMatch({"p": {"S": "x"}}, ({"N": "1"},), None)
    assert match("p = :p AND c > :one") == KeyMatch({"p": {"S": "x"}}, (), (C, ">", ({"N": "1"},)))
    assert match("p = :p", (P,), ()) == KeyMatch({"p": {"S": "x"}}, (), None)


# Keys of several attributes: every hash attribute by equality, range attributes from the first on, the last one freely.
def test_matching_of_multi_attribute_keys() -> None:
    both = "h2 = :p AND h1 = :p"
    hash_values = {"h1": {"S": "x"}, "h2": {"S": "x"}}
    assert match(both, H, R) == KeyMatch(hash_values, (), None)
    assert match(both + " AND r2 = :p AND r1 = :one", H, R) == KeyMatch(hash_values, ({"N": "1"}, {"S": "x"}), None)
    assert match(both + " AND r1 = :one AND begins_with(r2, :p)", H, R) == KeyMatch(
        hash_values, ({"N": "1"},), (R[1], "begins_with", ({"S": "x"},))
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c = :one", "Query condition missed key schema element: p"),
        ("p > :p", "Query key condition not supported"),
        ("p = :p AND a < :one", "Query condition missed key schema element: c"),
        (
            "p = :p AND c = :one AND a = :one",
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        ),
        ("p = :one", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        (
            "p = :p AND c = :p",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :p AND begins_with(c, :p)",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :empty",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: p",
        ),
    ],
)
def test_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        match(text)
    assert message_of(caught) == message


# A gap, an inequality that is not the last, a hash attribute without equality: none can be read as one range.
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("h1 = :p", "HASH"),
        ("h1 = :p AND h2 > :p", "HASH"),
        ("h1 = :p AND h2 = :p AND r2 = :p", "RANGE"),
        ("h1 = :p AND h2 = :p AND r1 = :one AND r3 = :b", "RANGE"),
        ("h1 = :p AND h2 = :p AND r1 > :one AND r2 = :p", "RANGE"),
        ("h1 = :p AND h2 = :p AND r1 > :one AND r2 > :p", "RANGE"),
        ("h1 = :p AND h2 = :p AND a = :one", "RANGE"),
    ],
)
def test_what_does_not_fit_multi_attribute_keys(text: str, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        match(text, H, R)
    assert said in message_of(caught)
    assert "equality" in message_of(caught)
