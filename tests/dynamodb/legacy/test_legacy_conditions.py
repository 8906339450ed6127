"""Conditions of the legacy parameters: what each ComparisonOperator means, and what is refused before any item is read."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.legacy import analyse_key_conditions, compile_expected, compile_filter

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "ss": {"SS": ["a", "b"]},
    "l": {"L": [{"N": "1"}]},
    "a.b": {"S": "dotted"},
    "a": {"M": {"b": {"S": "nested"}}},
}
PREFIX = "One or more parameter values were invalid: "


def condition(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": [dict(value) for value in values]}


def matches(name: str, operator: str, *values: dict[str, Any]) -> bool:
    compiled = compile_filter({name: condition(operator, *values)}, None)
    assert compiled is not None
    return compiled.matches(ITEM)


def refusal(compile: Any, *arguments: Any) -> str:
    with pytest.raises(ApiError) as raised:
        compile(*arguments)
    assert raised.value.code == "ValidationException"
    assert raised.value.message is not None
    return raised.value.message.removeprefix(PREFIX)


# Every operator where it holds: numbers by value, sets in any order, names with dots as they are.
@pytest.mark.parametrize(
    ("name", "operator", "values"),
    [
        ("n", "EQ", [{"N": "5.0"}]),
        ("ss", "EQ", [{"SS": ["b", "a"]}]),
        ("s", "NE", [{"S": "x"}]),
        ("s", "NE", [{"N": "1"}]),
        ("gone", "NE", [{"N": "1"}]),
        ("n", "LT", [{"N": "6"}]),
        ("n", "LE", [{"N": "5"}]),
        ("n", "GT", [{"N": "4"}]),
        ("n", "GE", [{"N": "5"}]),
        ("n", "BETWEEN", [{"N": "4"}, {"N": "6"}]),
        ("n", "IN", [{"N": "4"}, {"N": "5"}]),
        ("s", "BEGINS_WITH", [{"S": "hell"}]),
        ("s", "CONTAINS", [{"S": "ell"}]),
        ("ss", "CONTAINS", [{"S": "a"}]),
        ("l", "CONTAINS", [{"N": "1"}]),
        ("ss", "NOT_CONTAINS", [{"S": "c"}]),
        ("gone", "NULL", []),
        ("s", "NOT_NULL", []),
        ("a.b", "EQ", [{"S": "dotted"}]),
    ],
)
def test_holds(name: str, operator: str, values: list[dict[str, Any]]) -> None:
    assert matches(name, operator, *values)


# And where it does not: another type never compares, and what is not there neither contains nor does not contain.
@pytest.mark.parametrize(
    ("name", "operator", "values"),
    [
        ("n", "EQ", [{"S": "5"}]),
        ("gone", "EQ", [{"S": "5"}]),
        ("s", "LT", [{"N": "9"}]),
        ("gone", "GE", [{"N": "0"}]),
        ("n", "BEGINS_WITH", [{"S": "5"}]),
        ("gone", "CONTAINS", [{"S": "a"}]),
        ("gone", "NOT_CONTAINS", [{"S": "a"}]),
        ("s", "NULL", []),
        ("gone", "NOT_NULL", []),
        ("ss", "IN", [{"S": "a"}]),
    ],
)
def test_does_not_hold(name: str, operator: str, values: list[dict[str, Any]]) -> None:
    assert not matches(name, operator, *values)


# All conditions must hold, or any with OR; AND may be said.
def test_several_conditions() -> None:
    conditions = {"n": condition("EQ", {"N": "5"}), "s": condition("EQ", {"S": "other"})}
    for operator, expected in ((None, False), ("AND", False), ("OR", True)):
        compiled = compile_filter(conditions, operator)
        assert compiled is not None
        assert compiled.matches(ITEM) is expected
        assert compiled.top_level_attributes == {"n", "s"}


# An empty map is no condition at all, and an operator needs two conditions to join.
def test_conditional_operator_needs_conditions() -> None:
    assert compile_filter({}, None) is None
    assert compile_expected(None, None) is None
    alone = "ConditionalOperator cannot be used without Filter or Expected"
    assert refusal(compile_filter, {}, "AND") == alone
    assert refusal(compile_expected, None, "OR") == alone
    one = {"n": condition("NOT_NULL")}
    assert refusal(compile_filter, one, "OR") == (
        "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    )


# Each operator takes its number of arguments.
@pytest.mark.parametrize(
    ("operator", "count"),
    [("EQ", 0), ("EQ", 2), ("LT", 2), ("BETWEEN", 1), ("BETWEEN", 3), ("IN", 0), ("NULL", 1), ("CONTAINS", 0)],
)
def test_number_of_arguments(operator: str, count: int) -> None:
    conditions = {"x": condition(operator, *[{"N": "1"}] * count)}
    assert refusal(compile_filter, conditions, None) == (
        f"Invalid number of argument(s) for the {operator} ComparisonOperator"
    )


# Each operator takes certain types, all of one, and bounds in order.
@pytest.mark.parametrize(
    ("operator", "values", "message"),
    [
        ("LT", [{"SS": ["a"]}], "ComparisonOperator LT is not valid for SS AttributeValue type"),
        ("BEGINS_WITH", [{"N": "1"}], "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
        ("IN", [{"L": []}], "ComparisonOperator IN is not valid for L AttributeValue type"),
        ("CONTAINS", [{"M": {}}], "ComparisonOperator CONTAINS is not valid for M AttributeValue type"),
        ("NOT_CONTAINS", [{"L": []}], "ComparisonOperator NOT_CONTAINS is not valid for L AttributeValue type"),
        ("IN", [{"N": "1"}, {"S": "a"}], "AttributeValues inside AttributeValueList must be of same type"),
        (
            "BETWEEN",
            [{"N": "10"}, {"N": "9"}],
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ),
        ("EQ", [{"SS": []}], "An string set  may not be empty"),
    ],
)
def test_types_of_arguments(operator: str, values: list[dict[str, Any]], message: str) -> None:
    assert refusal(compile_filter, {"x": condition(operator, *values)}, None) == message


# Without a ComparisonOperator, Expected asks for a value or for absence; "Exists" true adds nothing to a value.
@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ({"n": {"Value": {"N": "5"}}}, True),
        ({"n": {"Value": {"N": "6"}}}, False),
        ({"n": {"Value": {"N": "5"}, "Exists": True}}, True),
        ({"gone": {"Exists": False}}, True),
        ({"n": {"Exists": False}}, False),
        ({"n": {"ComparisonOperator": "GT", "Value": {"N": "4"}}}, True),
    ],
)
def test_expected(expected: dict[str, Any], holds: bool) -> None:
    compiled = compile_expected(expected, None)
    assert compiled is not None
    assert compiled.matches(ITEM) is holds


# The members of an expectation fit together in few ways; the others are told apart.
@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: x"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: x"),
        ({"Exists": False, "Value": {"N": "1"}}, "Value cannot be used when Exists is false for Attribute: x"),
        (
            {"Exists": True, "ComparisonOperator": "NULL"},
            "Exists and ComparisonOperator cannot be used together for Attribute: x",
        ),
        (
            {"ComparisonOperator": "EQ"},
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: x",
        ),
        (
            {"AttributeValueList": [{"N": "1"}]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: x",
        ),
        (
            {"Value": {"N": "1"}, "AttributeValueList": [{"N": "1"}], "ComparisonOperator": "EQ"},
            "Value and AttributeValueList cannot be used together for Attribute: x",
        ),
        (
            {"ComparisonOperator": "NULL", "Value": {"N": "1"}},
            "Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
    ],
)
def test_expected_combinations(expectation: dict[str, Any], message: str) -> None:
    assert refusal(compile_expected, {"x": expectation}, None) == message


# KeyConditions become what a KeyConditionExpression becomes; operators that no key order serves are refused.
def test_key_conditions() -> None:
    analysed = analyse_key_conditions(
        {"p": condition("EQ", {"S": "x"}), "c": condition("BETWEEN", {"N": "1"}, {"N": "2.0"})}
    )
    assert analysed == [("p", "=", ({"S": "x"},)), ("c", "BETWEEN", ({"N": "1"}, {"N": "2"}))]
    assert refusal(analyse_key_conditions, {}) == (
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )
    for operator in ("NE", "IN", "CONTAINS", "NOT_CONTAINS"):
        assert refusal(analyse_key_conditions, {"p": condition(operator, {"S": "x"})}) == (
            "Attempted conditional constraint is not an indexable operation"
        )
