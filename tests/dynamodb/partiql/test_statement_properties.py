"""What holds for all statements: SELECT agrees with Scan, and no text brings anything but an answer or an ApiError."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from typing import Any

from tabletop.base.errors import ApiError

VALUES: list[tuple[str, dict[str, Any]]] = [
    ("1", {"N": "1"}),
    ("2", {"N": "2"}),
    ("30", {"N": "30"}),
    ("'a'", {"S": "a"}),
    ("'b'", {"S": "b"}),
    ("'g1'", {"S": "g1"}),
    ("true", {"BOOL": True}),
]
NAMES = ["p", "s", "n", "g", "m.deep", "absent", "tags"]
NOT_KEYS = ["n", "g", "absent", "tags"]
SORTED_TYPES = ("N", "S")
SEEDS = 400


class Maker:
    """Random conditions, in the words of PartiQL and of a filter expression at once."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.values: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    def value(self, *, ordered: bool = False) -> tuple[str, str]:
        text, value = self.random.choice([v for v in VALUES if not ordered or next(iter(v[1])) in SORTED_TYPES])
        name = f":v{len(self.values)}"
        self.values[name] = value
        return text, name

    def path(self, choice: list[str] = NAMES) -> tuple[str, str]:
        path = self.random.choice(choice)
        bound = []
        for name in path.split("."):
            self.names[f"#{name}"] = name
            bound.append(f"#{name}")
        return path, ".".join(bound)

    def condition(self, depth: int = 0) -> tuple[str, str]:
        kind = self.random.randrange(10 if depth < 3 else 6)
        if kind == 0:
            path, bound = self.path()
            negated = self.random.random() < 0.5
            return (
                f"{path} IS {'NOT ' if negated else ''}MISSING",
                f"attribute_{'' if negated else 'not_'}exists({bound})",
            )
        if kind == 1:
            (path, bound), (text, name) = self.path(), self.value()
            return f"contains({path}, {text})", f"contains({bound}, {name})"
        # Keys are compared with values of their types only: a Query refuses others, a Scan does not.
        if kind == 2:
            path, bound = self.path(NOT_KEYS)
            options = [self.value() for _ in range(self.random.randint(1, 3))]
            texts, names = (", ".join(column) for column in zip(*options, strict=True))
            return f"{path} IN [{texts}]", f"{bound} IN ({names})"
        if kind < 6:
            path, bound = self.path(NOT_KEYS)
            operator = self.random.choice(["=", "<>", "<", "<=", ">", ">="])
            text, name = self.value(ordered=operator not in ("=", "<>"))
            return f"{path} {operator} {text}", f"{bound} {operator} {name}"
        if kind == 6:
            text, bound = self.condition(depth + 1)
            return (f"NOT {text}", f"NOT {bound}") if bound.startswith("(") else (f"NOT ({text})", f"NOT ({bound})")
        joint = self.random.choice([" AND ", " OR "])
        parts = [self.condition(depth + 1) for _ in range(2)]
        return "(" + joint.join(p[0] for p in parts) + ")", "(" + joint.join(p[1] for p in parts) + ")"

    def where(self) -> tuple[str, str]:
        """A condition, often with some on the keys beside it, so that it becomes a Query."""
        parts = [self.condition()]
        if self.random.random() < 0.6:
            parts.append(
                self.random.choice(
                    [
                        ("p = 'a'", "p = :pa"),
                        ("p IN ['b', 'a']", "p IN (:pa, :pb)"),
                        ("(p='a' OR p='b')", "p IN (:pa, :pb)"),
                    ]
                )
            )
            if self.random.random() < 0.6:
                parts.append(
                    self.random.choice(
                        [
                            ("s > 1", "s > :one"),
                            ("s = 1", "s = :one"),
                            ("s BETWEEN 1 AND 3", "s BETWEEN :one AND :three"),
                            ("s > 1 AND 3 >= s", "(s > :one AND s <= :three)"),
                        ]
                    )
                )
        self.random.shuffle(parts)
        text, bound = (" AND ".join(column) for column in zip(*parts, strict=True))
        for name, value in ((":pa", {"S": "a"}), (":pb", {"S": "b"}), (":one", {"N": "1"}), (":three", {"N": "3"})):
            if any(name == word.strip("(),") for word in bound.split()):
                self.values[name] = value
        return text, bound


# A SELECT finds what a Scan with the same filter finds, whatever of its WHERE the keys settle.
def test_select_equals_scan(music: Any) -> None:
    for seed in range(SEEDS):
        check_seed(music, seed)


def check_seed(music: Any, seed: int) -> None:
    maker = Maker(seed)
    where, bound = maker.where()
    body: dict[str, Any] = {"ExpressionAttributeNames": maker.names, "ExpressionAttributeValues": maker.values}
    body = {name: members for name, members in body.items() if members}
    expected = music("Scan", TableName="music", FilterExpression=bound, **body)["Items"]
    found = music.items(f"SELECT * FROM music WHERE {where}")
    assert sorted(map(str, found)) == sorted(map(str, expected)), f"seed {seed}: {where}"


WORDS = """SELECT INSERT UPDATE DELETE EXISTS FROM INTO VALUE SET REMOVE WHERE AND OR NOT IN BETWEEN IS MISSING NULL ORDER BY
DESC RETURNING ALL OLD NEW MODIFIED * ( ) [ ] { } << >> , . : ? = <> < > - + ; 'a' '' "p" "" p s n music "music" "by-g" 1 0 -1
1e999 1e-999 .5 9999999999999999999999999999999999999999 true size contains begins_with attribute_type list_append set_add
set_delete `x` /* -- \\ é ' " 'S'"""
STARTS = [
    "SELECT * FROM music WHERE p = 'a' AND",
    "UPDATE music SET",
    "INSERT INTO music VALUE {'p':",
    "DELETE FROM music",
    "",
]
DEEP = [
    "SELECT * FROM music WHERE " + "(" * 4000,
    "SELECT * FROM music WHERE " + "(" * 2000 + "n = 1" + ")" * 2000,
    "SELECT * FROM music WHERE " + "NOT " * 2000 + "n = 1",
    "SELECT * FROM music WHERE n = " + "[" * 4000,
    "SELECT * FROM music WHERE " + "size(" * 1600,
    "INSERT INTO music VALUE {'p': " + "[" * 4000 + "]" * 4000,
    "SELECT * FROM music WHERE " + " OR ".join(["n=1"] * 1300),
    "SELECT * FROM music WHERE " + " AND ".join(["(n=1 OR g='x')"] * 400),
    "SELECT * FROM music WHERE a" + "[0]" * 2700 + " = 1",
    "SELECT " + "a," * 4000 + "a FROM music",
    "UPDATE music " + "SET n = 1 " * 800 + "WHERE p = 'a' AND s = 1",
    "/*" + "*" * 8000,
    "--" + " " * 8000,
    "SELECT * FROM music WHERE n = '" + "''" * 4000,
]


SOUND = [
    "SELECT m.items[1], n FROM \"music\" WHERE p = 'a' AND (s > 1 OR NOT n IN [10, ?]) ORDER BY p DESC, s",
    "SELECT * FROM \"music\".\"by-g\" WHERE g IN ['g0', 'g1'] AND s BETWEEN 1 AND 2.5 AND begins_with(p, 'a')",
    "SELECT * FROM music WHERE p = ? OR p = 'b' AND size(tags) >= 1 AND attribute_type(n, 'N') AND x IS NOT MISSING",
    "INSERT INTO music VALUE {'p': 'x', 's': 1, 'm': {'l': [1, <<'a', ?>>, NULL, true]}, 'n': -1.5e3}",
    "UPDATE music SET n = n + 1, m.items[0] = ? SET tags = set_add(tags, <<'x'>>) REMOVE m.deep"
    " WHERE p = 'a' AND s = 1 AND contains(tags, 'one') RETURNING ALL OLD *",
    "UPDATE music SET m.items = list_append(m.items, [?]) REMOVE n WHERE p = 'a' AND s = 2 RETURNING MODIFIED NEW *",
    "DELETE FROM music WHERE p = 'b' AND s = 1 AND n <> 3 RETURNING ALL OLD *",
]
ROUNDS = 2000


def texts(chance: random.Random) -> Iterator[str]:
    """Random rows of tokens, sound statements with a few tokens changed, and what goes deep or on and on."""
    words = WORDS.split()
    for _ in range(ROUNDS):
        yield " ".join([chance.choice(STARTS), *chance.choices(words, k=chance.randint(1, 14))])
        tokens = re.findall(r"'[^']*'|\"[^\"]*\"|[\w.]+|<<|>>|<>|>=|\S", chance.choice(SOUND))
        for _ in range(chance.randint(0, 3)):
            at = chance.randrange(len(tokens))
            tokens[at : at + chance.randint(0, 2)] = chance.choices([*words, *tokens], k=chance.randint(0, 2))
        yield " ".join(tokens)
    yield from DEEP


# Whatever the text: an answer or an ApiError, in well under a second.
def test_any_text(music: Any) -> None:
    for text in texts(random.Random(7)):
        parameters = [{"S": "x"}] * text.count("?")
        begun = time.perf_counter()
        try:
            music.run(text, *parameters)
        except ApiError:
            pass
        assert time.perf_counter() - begun < 1.0, text
