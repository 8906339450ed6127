"""Target: PartiQL statements, alone, in batches and in transactions, over tables with indexes."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from benchmarks.fuzz.expressions import WRONG_VALUES
from benchmarks.fuzz.mutations import garbage, joined, mutated, nested
from benchmarks.fuzz.run import Input
from benchmarks.fuzz.world import World

SOURCES = ("one", "two", "two", '"two"', '"two"."by-g"', '"two"."by-l"', '"one"."none"', "none")
PATHS = ("p", "s", "a", "m", "g", "l", '"p"', '"m"."a"', "m.a[0]", "a[1].b", "ns", "x", "a[0]", "m.b")
LITERALS = ("'a'", "'b'", "''", "'x''y'", "1", "-1.5", "2", "1e3", "TRUE", "false", "NULL", "?", "[1, 'a']", "{'a': 1}",
    "<<1, 2>>",
            "<<'x'>>", "[]", "{}", "{'a': ?}", "[?]", "<<?>>", "MISSING")  # fmt: skip
OPERATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")
TYPES = ("NULL", "MISSING", "STRING", "LIST", "INT", "BLOB", "nothing")
FUNCTIONS = ("begins_with", "contains", "attribute_type", "size", "list_append", "set_add", "set_delete", "EXISTS")
WORDS = (*SOURCES, *PATHS, *LITERALS, *OPERATORS, *TYPES, *FUNCTIONS, "SELECT", "*", "FROM", "WHERE", "AND", "OR", "NOT", "IN",
         "BETWEEN", "IS", "ORDER", "BY", "DESC", "asc", "INSERT", "INTO", "VALUE", "UPDATE", "SET", "REMOVE", "DELETE",
         "RETURNING",
         "ALL", "MODIFIED", "OLD", "NEW", "LIMIT", "GROUP", "JOIN", "AS", "(", ")", "[", "]", "{", "}", "<<", ">>", ",", ".", ":",
         ";", "+", "-", "?", "index")  # fmt: skip
PARAMETERS: tuple[Any, ...] = ({"S": "a"}, {"S": "b"}, {"N": "1"}, {"N": "2"}, {"SS": ["x"]}, {"L": []}, {"M": {"p": {"S": "a"}}},
    {"M": {"p": {"S": "z"}, "s": {"N": "1"}}}, {"B": "YQ=="}, {"NULL": True}, *WRONG_VALUES)  # fmt: skip


class Partiql:
    name = "partiql"

    def __init__(self) -> None:
        self._world: World | None = None

    def begin(self) -> None:
        if self._world is not None:
            self._world.store.close()
        self._world = World()

    def end(self) -> None:
        assert self._world is not None
        world, self._world = self._world, None
        world.close()

    def make(self, random: Random) -> Input:
        statements = [_text(random) for _ in range(1 if random.random() < 0.9 else random.choice((2, 3, 26, 101)))]
        action = "ExecuteStatement"
        more: dict[str, Any] = {}
        if len(statements) > 1 or random.random() < 0.1:
            action = random.choice(("BatchExecuteStatement", "ExecuteTransaction"))
        elif random.random() < 0.1:
            more = random.choice(
                ({"Limit": 1}, {"NextToken": "x"}, {"ConsistentRead": True}, {"ReturnConsumedCapacity": "INDEXES"})
            )
        parameters = []
        for statement in statements:
            # No list of parameters is a valid one: DynamoDB wants at least one where it is given.
            count = statement.count("?") + random.choice((0, 0, 0, 0, 0, 0, 0, 1, -1))
            likely = PARAMETERS if random.random() < 0.2 else PARAMETERS[: -len(WRONG_VALUES)]
            parameters.append([random.choice(likely) for _ in range(min(count, 40))])
        rest = orjson.dumps([action, more, statements[1:], parameters])
        return rest, statements[0]

    def judge(self, given: Input) -> str:
        assert self._world is not None
        action, more, others, parameters = orjson.loads(given[0])
        requests = []
        for statement, values in zip([given[1], *others], parameters, strict=True):
            request = {"Statement": statement}
            if values:
                request["Parameters"] = values
            requests.append(request)
        if action == "ExecuteStatement":
            body: dict[str, Any] = requests[0] | more
        else:
            body = {("Statements" if action == "BatchExecuteStatement" else "TransactStatements"): requests}
        return self._world.kind_of(self._world.send(action, orjson.dumps(body)))


def _text(random: Random) -> str:
    dice = random.random()
    if dice < 0.12:
        return joined(random, garbage(random, WORDS))
    tokens = random.choice((_select, _select, _insert, _update, _update, _delete, _exists))(random)
    if dice < 0.6:
        tokens = mutated(random, tokens, WORDS)
    return " ".join(tokens) if dice > 0.2 else joined(random, tokens)


def _select(random: Random) -> list[str]:
    columns = ["*"] if random.random() < 0.6 else [random.choice(PATHS), ",", random.choice(PATHS)]
    where = ["WHERE", *_condition(random)] if random.random() < 0.8 else []
    order = ["ORDER", "BY", random.choice(PATHS), random.choice(("DESC", "ASC", ""))] if random.random() < 0.2 else []
    return ["SELECT", *columns, "FROM", random.choice(SOURCES), *where, *order]


def _insert(random: Random) -> list[str]:
    if random.random() < 0.2:
        return ["INSERT", "INTO", random.choice(SOURCES), "VALUE", "?"]
    members = [
        "'p'",
        ":",
        random.choice(("'a'", "'b'", "'c'", "?")),
        ",",
        "'s'",
        ":",
        random.choice(("1", "2", "3", "?")),
    ]
    for _ in range(random.choice((0, 1, 3))):
        members += [",", random.choice(("'a'", "'m'", "'g'", "'x'")), ":", *_literal(random)]
    return ["INSERT", "INTO", random.choice(SOURCES), "VALUE", "{", *members, "}"]


def _update(random: Random) -> list[str]:
    changes: list[str] = []
    for _ in range(random.choice((1, 1, 2, 4))):
        path = random.choice(PATHS)
        if random.random() < 0.3:
            changes += ["REMOVE", path]
        elif random.random() < 0.5:
            changes += ["SET", path, "=", *_literal(random)]
        elif random.random() < 0.5:
            changes += ["SET", path, "=", path, random.choice("+-"), *_literal(random)]
        else:
            changes += ["SET", path, "=", random.choice(FUNCTIONS[4:7]), "(", path, ",", *_literal(random), ")"]
    return ["UPDATE", random.choice(SOURCES), *changes, "WHERE", *_keyed(random), *_returning(random)]


def _delete(random: Random) -> list[str]:
    return ["DELETE", "FROM", random.choice(SOURCES), "WHERE", *_keyed(random), *_returning(random)]


def _exists(random: Random) -> list[str]:
    return ["EXISTS", "(", "SELECT", "*", "FROM", random.choice(SOURCES), "WHERE", *_keyed(random), ")"]


def _keyed(random: Random) -> list[str]:
    keys = ["p", "=", random.choice(("'a'", "'b'", "'c'", "?")), "AND", "s", "=", random.choice(("1", "2", "9", "?"))]
    return keys if random.random() < 0.6 else [*keys, "AND", *_condition(random, 2)]


def _returning(random: Random) -> list[str]:
    if random.random() < 0.7:
        return []
    return ["RETURNING", random.choice(("ALL", "MODIFIED")), random.choice(("OLD", "NEW")), "*"]


def _condition(random: Random, depth: int = 0) -> list[str]:
    dice = random.random()
    path = random.choice(PATHS)
    if depth > 3 or dice < 0.4:
        return [path, random.choice(OPERATORS), *_literal(random)]
    if dice < 0.48:
        options = [token for _ in range(random.choice((0, 1, 3, 60, 120))) for token in (",", random.choice(LITERALS))]
        brackets = random.choice(("()", "[]"))
        return [path, "IN", brackets[0], random.choice(LITERALS), *options, brackets[1]]
    if dice < 0.54:
        return [path, "BETWEEN", *_literal(random), "AND", *_literal(random)]
    if dice < 0.6:
        return [path, "IS", random.choice(("", "NOT")), random.choice(TYPES)]
    if dice < 0.7:
        return [random.choice(FUNCTIONS[:3]), "(", path, ",", *_literal(random), ")"]
    if dice < 0.73:
        return ["size", "(", path, ")", random.choice(OPERATORS), *_literal(random)]
    if dice < 0.8:
        return ["NOT", *_condition(random, depth + 1)]
    if dice < 0.83 and depth == 0:
        return nested(random, random.choice(("(", "(", "NOT")), _condition(random, 4), ")")
    if dice < 0.88:
        return ["(", *_condition(random, depth + 1), ")"]
    return [*_condition(random, depth + 1), random.choice(("AND", "OR")), *_condition(random, depth + 1)]


def _literal(random: Random) -> list[str]:
    dice = random.random()
    if dice < 0.02:
        opening, closing = random.choice((("[", "]"), ("<<", ">>"), ("{'a':", "}"), ("(", ")"), ("-", "")))
        return nested(random, opening, [random.choice(LITERALS)], closing)
    return [random.choice(PATHS)] if dice < 0.06 else [random.choice(LITERALS)]
