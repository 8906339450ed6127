"""Target: the five expression parameters, with names and values, compiled and applied to items."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import orjson

from benchmarks.fuzz.mutations import garbage, joined, mutated, nested
from benchmarks.fuzz.run import Input
from benchmarks.fuzz.world import ITEMS
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

VALUES: dict[str, dict[str, Any]] = {
    ":n": {"N": "1"}, ":big": {"N": "9.9e125"}, ":s": {"S": "x"}, ":e": {"S": ""}, ":ss": {"SS": ["x", "z"]},
    ":ns": {"NS": ["1", "3"]}, ":bs": {"BS": ["YQ=="]}, ":l": {"L": [{"S": "x"}]}, ":m": {"M": {"a": {"N": "1"}}},
    ":b": {"B": "YQ=="}, ":t": {"S": "SS"}, ":z": {"NULL": True}, ":o": {"BOOL": False}, ":p": {"S": "a"},
}  # fmt: skip
WRONG_VALUES: tuple[Any, ...] = (
    {}, {"N": "x"}, {"N": 1}, {"SS": []}, {"S": "x", "N": "1"}, {"Q": 1}, {"M": {"a": {}}}, {"L": {}}, {"B": "*"},
    {"NULL": False},
    {"NS": ["1", "1.0"]}, {"N": "1e999"}, {"BOOL": "true"}, None, 3, [], "x", {"L": [None]}, {"M": None}, {"S": None},
)  # fmt: skip
NAMES = {"#a": "a", "#m": "m", "#p": "p", "#odd": "odd.name", "#s": "s", "#size": "size"}
WRONG_NAMES: tuple[tuple[Any, Any], ...] = (
    ("#", "a"), ("a", "a"), ("#a-", "a"), ("#u", ""), ("#u", 3), ("#u", None), ("#u", []), ("#u", "x" * 65536), ("", ""),
)  # fmt: skip

PATHS = ("a", "m", "l", "ns", "p", "s", "g", "#a", "#m", "#p", "m.a", "m.b", "a[0]", "a[1].b", "#m.a[0]", "a[7]", "undefined",
         "#undefined", "size", "a[0][0]", "p.a", "n", "b")  # fmt: skip
OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
FUNCTIONS = ("attribute_exists", "attribute_not_exists", "begins_with", "contains", "attribute_type", "size", "if_not_exists",
             "list_append")  # fmt: skip
WORDS = (*VALUES, ":undefined", *NAMES, *PATHS, *OPERATORS, *FUNCTIONS, "AND", "or", "NOT", "BETWEEN", "in", "SET", "remove",
         "ADD", "DELETE", "(", ")", ",", ".", "[", "]", "+", "-", "[0]", "#", ":", "name")  # fmt: skip

_HASH, _RANGE = KeyAttribute("p", "S"), KeyAttribute("s", "N")


class Expressions:
    name = "expressions"

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []

    def begin(self) -> None:
        self._items = [copy.deepcopy(item) for item in ITEMS]
        for item in self._items:
            canonicalise_item(item)

    def end(self) -> None:
        """Nothing that is compiled may edit the items it was applied to."""
        items = self._items
        self.begin()
        assert items == self._items, "an item was edited in place"

    def make(self, random: Random) -> Input:
        kind = random.choice(tuple(_MAKERS))
        dice = random.random()
        if dice < 0.15:
            tokens = garbage(random, WORDS)
        else:
            tokens = _MAKERS[kind](random)
            if dice < 0.65:
                tokens = mutated(random, tokens, WORDS)
        names, values = _used(random, tokens)
        return kind, orjson.dumps(names), orjson.dumps(values), joined(random, tokens)

    def judge(self, given: Input) -> str:
        kind, names, values, text = given
        try:
            return self._apply(kind, Binder(orjson.loads(names), orjson.loads(values)), text)
        except ApiError as error:
            return error.code if error.status == 400 else _refuse(error)

    def _apply(self, kind: str, binder: Binder, text: str) -> str:
        if kind == "KeyConditionExpression":
            conditions = analyse_key_condition(text, binder)
            binder.refuse_unused()
            match_key_schema(conditions, (_HASH,), (_RANGE,))
        elif kind == "ProjectionExpression":
            projection = compile_projection(text, binder)
            binder.refuse_unused()
            for item in self._items:
                orjson.dumps(projection.apply(item))
        elif kind == "UpdateExpression":
            update = compile_update(text, binder)
            binder.refuse_unused()
            for item in self._items:
                new, paths = update.apply(item)
                orjson.dumps((new, paths.project(item), paths.project(new)))
        else:
            condition = compile_condition(text, kind=kind, binder=binder)
            binder.refuse_unused()
            held = [condition.matches(item) for item in (*self._items, None)]
            assert all(type(each) is bool for each in held), held
        return "result"


def _refuse(error: ApiError) -> str:
    raise AssertionError(f"an expression is never the server's fault: {error}")


def _used(random: Random, tokens: list[str]) -> tuple[Any, Any]:
    """Definitions of the names and values that the tokens hold; at times with one too many, or a wrong one."""
    text = " ".join(tokens)
    names: dict[Any, Any] = {name: to for name, to in NAMES.items() if name in text}
    values: dict[Any, Any] = {name: to for name, to in VALUES.items() if name in text}
    dice = random.random()
    if dice < 0.03:
        name, to = random.choice(WRONG_NAMES)
        names[name] = to
    elif dice < 0.06:
        values[random.choice((":n", ":s", ":w", "w", ":", ":w-", ""))] = random.choice(WRONG_VALUES)
    return names or None, values or None


def operand(random: Random, depth: int = 0) -> list[str]:
    dice = random.random()
    if dice < 0.45:
        return [random.choice(tuple(VALUES))]
    if dice < 0.9 or depth > 2:
        return [random.choice(PATHS)]
    if dice < 0.95:
        return ["size", "(", *operand(random, depth + 1), ")"]
    return nested(random, "(", operand(random, depth + 1), ")") if random.random() < 0.1 else [random.choice(PATHS)]


def condition(random: Random, depth: int = 0) -> list[str]:
    dice = random.random()
    if depth > 4 or dice < 0.35:
        return [*operand(random), random.choice(OPERATORS), *operand(random)]
    if dice < 0.5:
        arguments = operand(random) if random.random() < 0.4 else [*operand(random), ",", *operand(random)]
        return [random.choice(FUNCTIONS[:5]), "(", *arguments, ")"]
    if dice < 0.58:
        return [*operand(random), "BETWEEN", *operand(random), "AND", *operand(random)]
    if dice < 0.66:
        options = [token for _ in range(random.choice((0, 1, 3, 3, 100))) for token in (",", *operand(random))]
        return [*operand(random), "IN", "(", *operand(random), *options, ")"]
    if dice < 0.7:
        return (
            nested(random, random.choice(("(", "(", "NOT")), condition(random, 5), ")")
            if depth == 0
            else ["p", "=", ":s"]
        )
    if dice < 0.76:
        return ["NOT", *condition(random, depth + 1)]
    if dice < 0.84:
        return ["(", *condition(random, depth + 1), ")"]
    return [*condition(random, depth + 1), random.choice(("AND", "OR")), *condition(random, depth + 1)]


def _key_condition(random: Random) -> list[str]:
    range_part = random.choice((
        ["s", random.choice(OPERATORS), ":n"], ["s", "BETWEEN", ":n", "AND", ":big"], ["begins_with", "(", "s", ",", ":s", ")"],
        ["#s", "=", ":n"], ["begins_with", "(", "s", ",", ":b", ")"], condition(random, 4),
    ))  # fmt: skip
    parts = [["p", "=", random.choice((":p", ":p", ":s", ":e", ":n"))], ["AND"], range_part]
    return [token for part in (parts if random.random() < 0.7 else parts[:1]) for token in part]


def _projection(random: Random) -> list[str]:
    paths = [random.choice(PATHS) for _ in range(random.choice((1, 2, 4)))]
    return [token for path in paths for token in (path, ",")][:-1]


def _update(random: Random) -> list[str]:
    sections = random.sample(("SET", "REMOVE", "ADD", "DELETE"), random.choice((1, 1, 2, 4)))
    tokens: list[str] = []
    for section in sections:
        tokens.append(section)
        for number in range(random.choice((1, 1, 2, 5))):
            tokens += [","] if number else []
            tokens.append(random.choice(PATHS))
            if section == "SET":
                tokens += ["=", *_assigned(random)]
            elif section != "REMOVE":
                tokens.append(random.choice(tuple(VALUES)))
    return tokens


def _assigned(random: Random, depth: int = 0) -> list[str]:
    dice = random.random()
    if depth > 3 or dice < 0.4:
        return operand(random)
    if dice < 0.6:
        return [*_assigned(random, depth + 2), random.choice("+-"), *_assigned(random, depth + 2)]
    if dice < 0.9:
        return [
            random.choice(FUNCTIONS[6:]),
            "(",
            *_assigned(random, depth + 1),
            ",",
            *_assigned(random, depth + 1),
            ")",
        ]
    return nested(random, "(", _assigned(random, 4), ")")


_MAKERS = {
    "ConditionExpression": condition,
    "FilterExpression": condition,
    "KeyConditionExpression": _key_condition,
    "ProjectionExpression": _projection,
    "UpdateExpression": _update,
}
