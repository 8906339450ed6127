"""Conditions and filters: what they mean, and what is refused before any item is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import Binder, compile_condition

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "n2": {"N": "5"},
    "s": {"S": "hello"},
    "b": {"B": "aGVsbG8="},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "ss": {"SS": ["p", "q"]},
    "l": {"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}, {"SS": ["b", "a"]}]},
    "m": {"M": {"deep": {"M": {"x": {"N": "7"}}}}},
}
VALUES: dict[str, Any] = {
    ":five": {"N": "5.0"},
    ":six": {"N": "6"},
    ":two": {"N": "2"},
    ":hello": {"S": "hello"},
    ":hel": {"S": "hel"},
    ":p": {"S": "p"},
    ":qp": {"SS": ["q", "p"]},
    ":bytes": {"B": "aGVs"},
    ":list": {"L": [{"N": "1"}]},
    ":true": {"BOOL": True},
    ":S": {"S": "S"},
    ":dog": {"S": "DOG"},
    ":ab": {"SS": ["a", "b"]},
}


def used(text: str) -> dict[str, Any] | None:
    return {key: dict(value) for key, value in VALUES.items() if key in text} or None


def matches(text: str, item: dict[str, Any] | None = ITEM, names: dict[str, str] | None = None) -> bool:
    return compile_condition(text, kind="ConditionExpression", binder=Binder(names, used(text))).matches(item)


def refusal(text: str, names: dict[str, str] | None = None) -> str:
    with pytest.raises(ApiError) as caught:
        compile_condition(text, kind="FilterExpression", binder=Binder(names, used(text)))
    assert caught.value.code == "ValidationException"
    assert caught.value.message is not None
    return caught.value.message.removeprefix("Invalid FilterExpression: ")


# Every operator and function where it holds; keywords in any case, operands on either side, parentheses, precedence.
@pytest.mark.parametrize(
    "text",
    [
        "n = :five",
        ":five = n",
        "n = n2",
        "n <> :six",
        "n < :six",
        "n <= :five",
        "n > :two",
        "n >= :five",
        ":six > n",
        ":two < n",
        "s = :hello",
        "s > :hel",
        "b > :bytes",
        "t = :true",
        "ss = :qp",
        "l[2] = :ab",
        "absent <> :five",
        "s <> :five",
        "n BETWEEN :two AND :six",
        "n between n2 and :six",
        "n IN (:two, :five)",
        "n In (n2)",
        "attribute_exists(m.deep.x)",
        "attribute_exists(l[1].x)",
        "attribute_not_exists(l[9])",
        "attribute_not_exists(m.deep.y)",
        "attribute_not_exists(s.x)",
        "attribute_not_exists(l.x)",
        "attribute_type(s, :S)",
        "attribute_type(:hello, :S)",
        "begins_with(s, :hel)",
        "begins_with(b, :bytes)",
        "begins_with(:hello, s)",
        "contains(s, :hel)",
        "contains(b, :bytes)",
        "contains(ss, :p)",
        "contains(l, :ab)",
        "contains(:hello, s)",
        "size(s) = :five",
        "size(b) = n",
        "size(ss) = :two",
        "size(l) > :two",
        "size(m) < :two",
        "size(s) IN (:two, :five)",
        "size(:hello) = size(b)",
        "size(s) between :two and :six",
        "NOT n = :six",
        "not not n = :five",
        "NOT (n = :six OR n = :two)",
        "n = :six OR n = :five AND s = :hello",
        "n = :five OR n = :two AND n = :six",
        "(n = :six OR n = :five) AND s = :hello",
        "(n) = (:five)",
        "((n = :five) AND s = :hello)",
        "m . deep . x > :six",
        "attribute_exists (s)",
        "n=:five and s=:hello",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert matches(text)


# Types that do not fit, and attributes that are not there, make a condition false and no error.
@pytest.mark.parametrize(
    "text",
    [
        "n = :six",
        "n = :hello",
        "n <> :five",
        "absent = :five",
        "absent < :five",
        "absent = absent2",
        "s < :five",
        "s < n",
        "l < :five",
        "n < l",
        "n BETWEEN :six AND :six",
        "n BETWEEN l AND m",
        "s IN (:five, :hel)",
        "attribute_exists(absent)",
        "attribute_not_exists(n)",
        "attribute_type(n, :S)",
        "attribute_type(absent, :S)",
        "begins_with(n, :hel)",
        "begins_with(ss, s)",
        "contains(n, :hel)",
        "contains(ss, :two)",
        "contains(m, :p)",
        "size(n) = :five",
        "size(t) = :five",
        "size(absent) = :five",
        "size(s) = :hello",
        "l[0].x = :five",
        "NOT n = :five",
        "NOT NOT NOT n = :five",
        "n = :five AND n = :six",
    ],
)
def test_conditions_that_do_not_hold(text: str) -> None:
    assert not matches(text)


# A condition is also asked of an item that does not exist: only what denies can hold.
def test_without_an_item() -> None:
    assert matches("attribute_not_exists(n)", None)
    assert matches("n <> :five", None)
    assert not matches("n = :five", None)


# Names stand for one attribute each, whatever characters they have: no dots are read in them.
def test_names() -> None:
    item = {"a.b": {"N": "5"}, "name": {"N": "5"}}
    assert matches("#0 = :five", item, {"#0": "a.b"})
    assert matches("#n = #0", item, {"#n": "name", "#0": "a.b"})


# The attributes that a filter names decide whether it touches keys.
def test_top_level_attributes() -> None:
    binder = Binder({"#x": "n"}, None)
    text = "attribute_exists(m.deep.x) AND (#x = s OR size(l[0]) IN (t, ss))"
    condition = compile_condition(text, kind="FilterExpression", binder=binder)
    assert condition.top_level_attributes == {"m", "n", "s", "l", "t", "ss"}


# What AWS checks without an item, with its words.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("n =", 'Syntax error; token: "<EOF>", near: "="'),
        ("a x b", 'Syntax error; token: "x", near: "a x b"'),
        ("n = :five AND", 'Syntax error; token: "<EOF>", near: "AND"'),
        ("_a = :five", 'Syntax error; token: "_", near: "_a"'),
        ("n IN ()", 'Syntax error; token: ")", near: "()"'),
        ("s", 'Syntax error; token: "<EOF>", near: "s"'),
        ("NOT s", 'Syntax error; token: "<EOF>", near: "s"'),
        ("(n = :five", 'Syntax error; token: "<EOF>", near: ":five"'),
        ("n = :five)", 'Syntax error; token: ")", near: ":five)"'),
        ("name = :five", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("n = :five AND m.Status = :six", "Attribute name is a reserved keyword; reserved keyword: Status"),
        ("((n = :five))", "The expression has redundant parentheses;"),
        ("n = :five AND ((n = :six))", "The expression has redundant parentheses;"),
        ("foo(n)", "Invalid function name; function: foo"),
        ("Size(n) = :five", "Invalid function name; function: Size"),
        ("list_append(n, s)", "The function is not allowed in a condition expression; function: list_append"),
        ("size(s)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "contains(s, :p) = :five",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "begins_with(s)",
            "Incorrect number of operands for operator or function; "
            "operator or function: begins_with, number of operands: 1",
        ),
        (
            "size(s, n) = :five",
            "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
        ),
        (
            "attribute_exists(:five)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(s, :five)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        ("n < :list", "Incorrect operand type for operator or function; operator or function: <, operand type: L"),
        (
            "n BETWEEN :list AND :list",
            "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: L",
        ),
        (
            "size(:five) = :five",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "size(size(s)) = :five",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "n BETWEEN :six AND :two",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:2}",
        ),
        (
            "n BETWEEN :two AND :hello",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:hello}",
        ),
        (
            "m.deep = m.deep",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [m, deep]",
        ),
        (
            "contains(l[0], l[0])",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: contains, first operand: [l, [0]]",
        ),
        (
            "n = :undefined",
            "An expression attribute value used in expression is not defined; attribute value: :undefined",
        ),
        ("#u = :five", "An expression attribute name used in the document path is not defined; attribute name: #u"),
        ("l[99999999999] = :five", "List index is not within the allowable range; index: [99999999999]"),
        ("n" + ".x" * 32 + " = :five", "The document path has too many nesting levels; nesting levels: 33"),
        (
            "attribute_type(s, n)",
            "Incorrect operand type for operator or function; "
            "operator or function: attribute_type, operand type: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
    ],
)
def test_refusals(text: str, message: str) -> None:
    assert refusal(text) == message


def test_unknown_attribute_type() -> None:
    assert refusal("attribute_type(s, :dog)").startswith("Invalid attribute type name found; type: DOG")


# Limits: at, and above. 300 operators may nest as deep as they like without reaching the interpreter's own limit.
def test_limits() -> None:
    assert matches("n" + " " * 4087 + "= :five")
    assert refusal("n" + " " * 4089 + "= :five") == (
        "Expression size has exceeded the maximum allowed size; expression size: 4097"
    )
    assert matches("n = :five " + "or (n < :two " * 149 + ")" * 149)
    assert matches("n = :five " + "or n < :two " * 149)
    assert matches("n = :five " + "or n < :two and not n = :six " * 59)
    assert not matches("NOT (" * 299 + "n = :five" + ")" * 299)
    too_many = "The expression contains too many operators; operator count: 301"
    assert refusal("n = :five " + "or (n < n2 " * 150 + ")" * 150) == too_many
    assert refusal("not " * 300 + "n = :five") == too_many
    assert matches("n" + ".x" * 31 + " <> :five")
    many = ", ".join(f"x{number}" for number in range(100))
    assert not matches(f"n IN ({many})")
    assert refusal(f"n IN ({many}, y)").startswith("The IN operator is provided with too many operands")


# Deep nesting of every sort ends in an answer.
@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        "(" * 2000 + "n = s" + ")" * 2000,
        "size(" * 680 + "n" + ")" * 680 + " < s",
        "n = " + "(" * 2000,
        "n < " + "f(" * 1300 + "s" + ")" * 1300,
        "NOT " * 1000 + "n",
    ],
)
def test_hostile_nesting(text: str) -> None:
    assert refusal(text)
