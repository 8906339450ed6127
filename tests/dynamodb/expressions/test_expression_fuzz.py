"""Whatever text arrives: an ApiError or something that runs, nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import (
    Binder,
    analyse_key_condition,
    compile_condition,
    compile_projection,
    compile_update,
    match_key_schema,
)
from tabletop.dynamodb.schema import KeyAttribute
from tabletop.dynamodb.values import canonicalise_item

ITEM: dict[str, Any] = {
    "a": {"N": "5"},
    "b": {"L": [{"N": "1"}, {"M": {"a": {"SS": ["x"]}}}, {"L": []}]},
    "c": {"M": {"a": {"L": [{"S": "x"}]}, "b": {"B": "YQ=="}, "c": {"BOOL": True}}},
    "d": {"SS": ["x", "y"]},
    "e": {"S": "x"},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "1"},
    ":s": {"S": "x"},
    ":x": {"SS": ["x"]},
    ":l": {"L": [{"S": "x"}]},
    ":b": {"B": "YQ=="},
    ":t": {"S": "SS"},
    ":z": {"NULL": True},
}
WORDS = [
    *"abcde",
    "#a",
    "#b",
    *VALUES,
    ":undefined",
    "a.b",
    "b[1].a",
    "c.a[0]",
    "[0]",
    "[",
    "]",
    "[7]",
    ".",
    ",",
    "(",
    ")",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "AND",
    "or",
    "NOT",
    "BETWEEN",
    "in",
    "SET",
    "remove",
    "ADD",
    "DELETE",
    "size(",
    "contains(",
    "begins_with(",
    "attribute_exists(",
    "attribute_not_exists(",
    "attribute_type(",
    "if_not_exists(",
    "list_append(",
    "f(",
    "name",
    "12",
    "_",
    "$",
    "é",
    "\0",
    " ",
    "\n",
]

texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join),
    st.text("()a=:n,.[]0 <", max_size=40),
)


def run_all(text: str) -> None:
    """Each compiler on the text; what compiles is run on an item and on none."""
    item = copy.deepcopy(ITEM)

    def binder() -> Binder:
        return Binder({"#a": "a", "#b": "b"}, copy.deepcopy(VALUES))

    def run_condition() -> None:
        condition = compile_condition(text, kind="FilterExpression", binder=binder())
        assert isinstance(condition.matches(item), bool)
        assert isinstance(condition.matches(None), bool)

    def run_projection() -> None:
        projected = compile_projection(text, binder()).apply(item)
        canonicalise_item(projected)

    def run_update() -> None:
        new, paths = compile_update(text, binder()).apply(item)
        canonicalise_item(copy.deepcopy(new))
        paths.project(item)
        paths.project(new)

    def run_key_condition() -> None:
        match_key_schema(analyse_key_condition(text, binder()), (KeyAttribute("a", "N"),), (KeyAttribute("e", "S"),))

    for run in (run_condition, run_projection, run_update, run_key_condition):
        try:
            run()
        except ApiError as error:
            assert error.code == "ValidationException"  # noqa: PT017
            assert error.message  # noqa: PT017
        assert item == ITEM


@given(texts)
@example("")
@example("SET b[9]=:n,b[5]=:s REMOVE b[0],b[1].a DELETE d :x ADD a :n")
@example("(" * 4096)
@example("a=" + "f(" * 2000)
@example("a[" + "9" * 4000 + "]")
@example("((a)=(:n))")
@example("SET a = ((a + :n))")
def test_any_text_is_refused_or_runs(text: str) -> None:
    run_all(text)


# Well-formed conditions of any shape compile and run: what the generator builds has nothing to be refused for.
operands = st.sampled_from(["a", "b[0]", "c.a[0]", "e", "#a.z", ":n", "size(e)", "size(b)"])
conditions = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(["a", "e", "c.b"]), st.sampled_from(["=", "<>", "<", ">="]), st.just(":n")).map(
            " ".join
        ),
        st.sampled_from(
            [
                "attribute_exists(c.b)",
                "attribute_not_exists(z)",
                "contains(d, :s)",
                "begins_with(e, :s)",
                "e BETWEEN :s AND :t",
                "attribute_type(d, :t)",
                "a IN (:n, :s, b)",
                "size(e) > a",
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda members: "(" + " AND ".join(members) + ")"),
        st.lists(inner, min_size=2, max_size=4).map(lambda members: "(" + " OR ".join(members) + ")"),
        inner.map("NOT {}".format),
    ),
    max_leaves=20,
)


@given(conditions)
def test_well_formed_conditions_run(text: str) -> None:
    text = text.replace("BETWEEN :s AND :t", "BETWEEN :t AND :s")
    condition = compile_condition(text, kind="ConditionExpression", binder=Binder(None, copy.deepcopy(VALUES)))
    negated = compile_condition(
        f"NOT ({text})" if text[0] != "(" else f"NOT {text}",
        kind="ConditionExpression",
        binder=Binder(None, copy.deepcopy(VALUES)),
    )
    for item in (ITEM, None):
        assert condition.matches(item) is not negated.matches(item)


# Every prefix of a good expression, and the expression with anything behind it.
@pytest.mark.parametrize("tail", ["", " ", ")", " a", ",", "\0"])
def test_prefixes_and_trailing_text(tail: str) -> None:
    for text in (
        "a = :n AND (contains(d, :s) OR NOT e IN (:s, :t)) AND b[1].a <> :x",
        "SET a = if_not_exists(#a, :n) + :n, b[1].a = :x REMOVE c.a[0] ADD d :x",
        "a, b[1].a, c.#b",
    ):
        for length in range(len(text) + 1):
            run_all(text[:length] + tail)
