"""Random conditions, updates, projections and key conditions, as expressions and as legacy parameters."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.differential.tables import Table
from benchmarks.differential.values import FREE, Value, number_set, scalar, typical, value

COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]
PATHS = [*FREE, "map.x", "map.y", "list[0]", "list[1]", "map.nothing", "h", "r"]
LEGACY = {"EQ": 1, "NE": 1, "LE": 1, "LT": 1, "GE": 1, "GT": 1, "NOT_NULL": 0, "NULL": 0, "CONTAINS": 1, "NOT_CONTAINS": 1,
          "BEGINS_WITH": 1, "IN": 2, "BETWEEN": 2}  # fmt: skip
"""Operator of a legacy condition -> how many values it takes here."""


class Writer:
    """Writes expressions of one request and collects the names and values they use."""

    def __init__(self, dice: random.Random, table: Table) -> None:
        self.dice, self.table = dice, table
        self.names: dict[str, str] = {}
        self.values: dict[str, Value] = {}

    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.names:
            found["ExpressionAttributeNames"] = self.names
        if self.values:
            found["ExpressionAttributeValues"] = self.values
        return found

    def name(self, name: str) -> str:
        if self.dice.random() < 0.7 and name not in ("list", "map"):
            return name
        self.names[f"#{name}"] = name
        return f"#{name}"

    def path(self, choices: list[str] = PATHS) -> str:
        head, dot, rest = self.dice.choice(choices).partition(".")
        bare, bracket, place = head.partition("[")
        return self.name(bare) + bracket + place + dot + rest

    def given(self, content: Value) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = content
        return name

    def operand(self) -> str:
        if self.dice.random() < 0.15:
            return self.path()
        return self.given(scalar(self.dice, self.dice.choice("SNB")) if self.dice.random() < 0.7 else value(self.dice))

    def condition(self, depth: int = 0, paths: list[str] = PATHS) -> str:
        dice = self.dice
        kind = dice.randrange(10 if depth < 2 else 7)
        if kind < 2:
            return f"{self.path(paths)} {dice.choice(COMPARISONS)} {self.operand()}"
        if kind == 2:
            return f"{dice.choice(['attribute_exists', 'attribute_not_exists'])}({self.path(paths)})"
        if kind == 3:
            function = dice.choice(["begins_with", "contains"])
            return f"{function}({self.path(paths)}, {self.given(scalar(dice, dice.choice('SB')))})"
        if kind == 4:
            return (
                f"attribute_type({self.path(paths)}, {self.given({'S': dice.choice(['S', 'N', 'B', 'L', 'M', 'SS'])})})"
            )
        if kind == 5:
            return f"{self.path(paths)} IN ({', '.join(self.operand() for _ in range(dice.randint(1, 3)))})"
        if kind == 6:
            low, high = sorted((dice.randint(-2, 10), dice.randint(-2, 10)))
            return f"{self.path(paths)} BETWEEN {self.given({'N': str(low)})} AND {self.given({'N': str(high)})}"
        if kind == 7:
            return f"NOT {self.condition(depth + 1, paths)}"
        if kind == 8:
            return f"size({self.path(paths)}) {dice.choice(COMPARISONS)} {self.given({'N': str(dice.randint(0, 4))})}"
        return f"({self.condition(depth + 1, paths)} {dice.choice(['AND', 'OR'])} {self.condition(depth + 1, paths)})"

    def projection(self) -> str:
        return ", ".join(
            self.path([each])
            for each in self.dice.sample(["h", *FREE[:4], "map.x", "list[0]"], self.dice.randint(1, 3))
        )

    def update(self) -> str:
        dice = self.dice
        clauses: dict[str, list[str]] = {}
        free = [*FREE, *(name for name in self.table.types if name not in self.table.keys)]
        for name in dice.sample(free, dice.randint(1, 3)):
            clause = dice.choice(["SET", "SET", "SET", "REMOVE", "ADD", "DELETE"])
            clauses.setdefault(clause, []).append(self._action(clause, name))
        return " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items())

    def _action(self, clause: str, name: str) -> str:
        dice = self.dice
        path = self.name(name)
        if name in ("list", "map") and dice.random() < 0.6:
            path += dice.choice(["[0]", "[1]", "[7]"] if name == "list" else [".x", ".y", ".new"])
        if clause == "REMOVE":
            return path
        if clause in ("ADD", "DELETE"):
            sets = [{"NS": number_set(dice)}, {"SS": ["a", "b"]}]
            return f"{path} {self.given(dice.choice([*sets, {'N': '1'}] if clause == 'ADD' else sets))}"
        kind = dice.randrange(5)
        if name in self.table.types:
            return f"{path} = {self.given(scalar(dice, self.table.types[name]))}"
        if kind == 0:
            return f"{path} = {self.path(['n0', 'v0'])} {dice.choice('+-')} {self.given({'N': '3'})}"
        if kind == 1:
            return f"{path} = if_not_exists({self.path(FREE)}, {self.given(typical(dice, name))})"
        if kind == 2:
            return f"{path} = list_append({self.path(['list', 'v0'])}, {self.given({'L': [value(dice, 1)]})})"
        return f"{path} = {self.given(typical(dice, name))}"

    def key_condition(self, keys: tuple[str, ...]) -> str:
        dice, types = self.dice, self.table.types
        parts = [f"{self.name(keys[0])} = {self.given(scalar(dice, types[keys[0]]))}"]
        if len(keys) == 2 and dice.random() < 0.6:
            name, kind = keys[1], types[keys[1]]
            form = dice.choice(["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"])
            if form == "BETWEEN":
                parts.append(
                    f"{self.name(name)} BETWEEN {self.given(scalar(dice, kind))} AND {self.given(scalar(dice, kind))}"
                )
            elif form == "begins_with":
                parts.append(f"begins_with({self.name(name)}, {self.given(scalar(dice, kind))})")
            else:
                parts.append(f"{self.name(name)} {form} {self.given(scalar(dice, kind))}")
        if dice.random() < 0.2:
            parts.reverse()
        return " AND ".join(parts)


def legacy_condition(
    dice: random.Random, kind: str | None = None, operators: tuple[str, ...] = tuple(LEGACY)
) -> dict[str, Any]:
    operator = dice.choice(operators)
    values = [scalar(dice, kind or dice.choice("SN")) for _ in range(LEGACY[operator])]
    return {"ComparisonOperator": operator, **({"AttributeValueList": values} if values else {})}


def legacy_filter(dice: random.Random) -> dict[str, Any]:
    return {name: legacy_condition(dice) for name in dice.sample(FREE, dice.randint(1, 2))}


def legacy_key_conditions(dice: random.Random, table: Table, keys: tuple[str, ...]) -> dict[str, Any]:
    found = {keys[0]: legacy_condition(dice, table.types[keys[0]], ("EQ",))}
    if len(keys) == 2 and dice.random() < 0.6:
        operators = ("EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN")
        found[keys[1]] = legacy_condition(dice, table.types[keys[1]], operators)
    return found


def expected(dice: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dice.sample(FREE, dice.randint(1, 2)):
        form = dice.randrange(3)
        found[name] = (
            {"Exists": False} if form == 0 else {"Value": typical(dice, name)} if form == 1 else legacy_condition(dice)
        )
    return found


def attribute_updates(dice: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dice.sample(FREE, dice.randint(1, 2)):
        action = dice.choice(["PUT", "ADD", "DELETE"])
        content = typical(dice, name)
        if action == "ADD":
            content = dice.choice([{"N": "1"}, {"NS": number_set(dice)}, {"SS": ["a"]}, {"L": [{"S": "x"}]}])
        found[name] = {"Action": action, "Value": content}
        if action == "DELETE" and dice.random() < 0.7:
            found[name] = {"Action": action}
    return found
