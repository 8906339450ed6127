"""Projections: what is kept, in which shape, and which paths cannot stand together."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.dynamodb.expressions import Binder, compile_projection

ITEM: dict[str, Any] = {
    "a.b": {"S": "dotted"},
    "s": {"S": "x"},
    "m": {
        "M": {
            "x": {"N": "1"},
            "y": {"N": "2"},
            "l": {"L": [{"N": "0"}, {"M": {"k": {"S": "v"}, "j": {"S": "w"}}}, {"N": "2"}]},
        }
    },
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"L": [{"S": "p"}, {"S": "q"}]}]},
}


def project(text: str, names: dict[str, str] | None = None) -> dict[str, Any]:
    return compile_projection(text, Binder(names, None)).apply(ITEM)


# Maps keep their shape, lists close up in their own order, and what is not there leaves nothing, not even its parents.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s", {"s": {"S": "x"}}),
        ("s, absent", {"s": {"S": "x"}}),
        ("m.x, m.y", {"m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}}),
        ("l[2], l[0]", {"l": {"L": [{"N": "0"}, {"L": [{"S": "p"}, {"S": "q"}]}]}}),
        ("l[2][1], l[9]", {"l": {"L": [{"L": [{"S": "q"}]}]}}),
        ("m.l[1].k", {"m": {"M": {"l": {"L": [{"M": {"k": {"S": "v"}}}]}}}}),
        ("m.l[1].absent, m.absent", {}),
        ("s.x", {}),
        ("s[0]", {}),
        ("l.x, m[0]", {}),
        ("l[999]", {}),
    ],
)
def test_what_is_kept(text: str, expected: dict[str, Any]) -> None:
    assert project(text) == expected


# A name is one attribute also if it has a dot; a path of two names is something else.
def test_names() -> None:
    assert project("#n", {"#n": "a.b"}) == {"a.b": {"S": "dotted"}}
    assert project("#m.#x", {"#m": "m", "#x": "x"}) == {"m": {"M": {"x": {"N": "1"}}}}


def test_top_level_attributes() -> None:
    assert compile_projection("m.x, l[0], #s", Binder({"#s": "s"}, None)).top_level_attributes == {"m", "l", "s"}


# The projected item is new: what is done with it cannot reach the one that was read.
def test_containers_are_copied() -> None:
    project("m.x")["m"]["M"].clear()
    assert ITEM["m"]["M"]["x"] == {"N": "1"}


# Two paths must not see the same thing, nor one a list where another sees a map; whatever the item is.
@pytest.mark.parametrize(
    ("text", "relation"),
    [
        (text, "overlap")
        for text in ("a, a", "a.b, a.b", "a[1], a[1]", "a, a.b", "a.b, a", "a.b, a.b[2]", "a, a.b[2].c", "a.b.d.e, a.b")
    ]
    + [(text, "conflict") for text in ("a.b, a[1]", "a[1], a.b", "a.b[1], a.b.c", "a.b.c, a.b[1]")],
)
def test_paths_that_cannot_stand_together(text: str, relation: str) -> None:
    with pytest.raises(ApiError, match=f"Invalid ProjectionExpression: Two document paths {relation} with each other"):
        project(text)


@pytest.mark.parametrize("text", ["a, b", "a.b, a.c", "a[1], a[2]", "a.b, a.c[2]", "a.b.d, a.b.e", "a[0].x, a[0].y"])
def test_paths_that_can(text: str) -> None:
    project(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a,", 'Syntax error; token: "<EOF>", near: ","'),
        ("a b", 'Syntax error; token: "b", near: "a b"'),
        ("a[]", 'Syntax error; token: "]", near: "[]"'),
        ("a[-1]", 'Syntax error; token: "-", near: "[-1"'),
        ("a..b", 'Syntax error; token: ".", near: "..b"'),
        ("user-id", 'Syntax error; token: "-", near: "user-id"'),
        ("user", "Attribute name is a reserved keyword; reserved keyword: user"),
        ("#x", "An expression attribute name used in the document path is not defined; attribute name: #x"),
        ("a[99999999999999]", "List index is not within the allowable range; index: [99999999999999]"),
        ("a" + ".b" * 32, "The document path has too many nesting levels; nesting levels: 33"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        project(text)
    assert caught.value.message == "Invalid ProjectionExpression: " + message
