"""Brings two answers into one shape, and says in a few words where they differ."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from benchmarks.differential.servers import Answer
from benchmarks.differential.tables import Table

DESCRIBED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "TableName")
"""Members of a table's description that are compared; the others are times, identifiers, or younger than dynalite."""
INDEXES = ("IndexName", "KeySchema", "Projection")


@dataclass(frozen=True, slots=True)
class Difference:
    operation: str
    body: dict[str, Any]
    ours: str
    """One line: the status 200, or "400 Code: message"; with the place of the difference if both are 200."""
    theirs: str

    def signature(self) -> str:
        return f"{self.operation} | {_masked(self.ours)} | {_masked(self.theirs)}"

    def example(self) -> str:
        return json.dumps(self.body)


def difference(operation: str, body: dict[str, Any], ours: Answer, theirs: Answer, table: Table) -> Difference | None:
    our_line, their_line = _line(ours), _line(theirs)
    if our_line != their_line:
        return Difference(operation, body, our_line, their_line)
    if ours[0] != 200:
        return None
    first, second = (normal(operation, body, answer[1], table) for answer in (ours, theirs))
    place = _first_difference(first, second, "")
    if place is None:
        return None
    path, left, right = place
    return Difference(operation, body, f"200 {path}: {left}", f"200 {path}: {right}")


def normal(operation: str, body: dict[str, Any], answer: dict[str, Any], table: Table) -> Any:
    """Without what the API leaves open: order of partitions, of equal keys in an index, of sets and of lists of definitions."""
    answer = _sorted_sets(answer)
    if operation in ("DescribeTable", "CreateTable"):
        return _description(answer.get("Table") or answer.get("TableDescription") or {})
    if operation == "DeleteTable":
        return {"TableName": answer["TableDescription"]["TableName"]}
    if operation == "Scan" or "IndexName" in body:
        answer["Items"] = _by_text(answer.get("Items", []))
    if operation == "BatchGetItem":
        answer["Responses"] = {name: _by_text(items) for name, items in answer["Responses"].items()}
    return answer


def _line(answer: Answer) -> str:
    status, body = answer
    if status == 200:
        return "200"
    code = str(body.get("__type", "")).rpartition("#")[2]
    return f"{status} {code}: {body.get('message', body.get('Message', ''))}"


def _description(table: dict[str, Any]) -> dict[str, Any]:
    found = {name: table[name] for name in DESCRIBED if name in table}
    found["AttributeDefinitions"] = _by_text(found.get("AttributeDefinitions", []))
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        found[name] = _by_text([{part: index.get(part) for part in INDEXES} for index in found.get(name, [])])
        for index in found[name]:
            index["Projection"].get("NonKeyAttributes", []).sort()
    return found


def _by_text(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def _sorted_sets(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: sorted(part) if _is_set(name, part) else _sorted_sets(part) for name, part in node.items()}
    return [_sorted_sets(part) for part in node] if isinstance(node, list) else node


def _is_set(name: str, content: Any) -> bool:
    return name in ("SS", "NS", "BS") and isinstance(content, list) and all(isinstance(each, str) for each in content)


def _first_difference(first: Any, second: Any, path: str) -> tuple[str, str, str] | None:
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted(first.keys() | second.keys()):
            if name not in first or name not in second:
                return f"{path}.{name}", _short(first.get(name)), _short(second.get(name))
            if found := _first_difference(first[name], second[name], f"{path}.{name}"):
                return found
        return None
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for left, right in zip(first, second, strict=True):
            if found := _first_difference(left, right, f"{path}[]"):
                return found
        return None
    return None if first == second else (path, _short(first), _short(second))


def _short(node: Any) -> str:
    return json.dumps(node, sort_keys=True)[:200]


def stored(body: dict[str, Any], ours: Answer, theirs: Answer) -> Difference | None:
    """Of the two answers to GetItem for the key that was just updated."""
    first, second = (_sorted_sets(answer[1].get("Item")) for answer in (ours, theirs))
    place = None if first == second else (_first_difference(first, second, "") or ("", _short(first), _short(second)))
    return (
        None
        if place is None
        else Difference("UpdateItem", body, f"200 stored{place[0]}: {place[1]}", f"200 stored{place[0]}: {place[2]}")
    )


_MASKS = [
    (re.compile(r'"[^"]*"'), '"…"'),
    (re.compile(r"'[^']*'"), "'…'"),
    (re.compile(r"\[[^]]*\]"), "[…]"),
    (re.compile(r"\{[^}]*\}"), "{…}"),
    (re.compile(r"-?\b\d+(\.\d+)?([eE][+-]?\d+)?\b(?!\w)"), "#"),
]


def _masked(line: str) -> str:
    status, _, rest = line.partition(" ")
    for pattern, mask in _MASKS:
        rest = pattern.sub(mask, rest)
    return f"{status} {rest}".strip()
