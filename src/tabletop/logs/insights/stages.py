"""What the commands of a query do: stages, each of which takes a chunk of rows and gives rows on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Protocol

from tabletop.logs.insights.aggregates import Aggregate
from tabletop.logs.insights.expressions import Expression
from tabletop.logs.insights.regex import Regex
from tabletop.logs.insights.values import QueryFailed, Row, Value, rank, text_of, truth_of

GROUPS_MAX = 100_000
ROWS_MAX = 100_000
"""Held by one stage; where more would be needed the query fails."""


class Stage(Protocol):
    full: bool
    """True when it gives nothing on any more, whatever comes."""

    def take(self, rows: list[Row]) -> list[Row]: ...

    def end(self) -> list[Row]:
        """What it held back, once all rows have been taken."""
        ...


class _Streaming:
    """A stage that holds nothing back."""

    full = False

    def end(self) -> list[Row]:
        return []


class Filter(_Streaming):
    def __init__(self, condition: Expression) -> None:
        self._condition = condition
        self.passed = 0

    def take(self, rows: list[Row]) -> list[Row]:
        condition = self._condition
        kept = [row for row in rows if truth_of(condition(row))]
        self.passed += len(kept)
        return kept


class Compute(_Streaming):
    """Adds fields: ``fields a + b as c``."""

    def __init__(self, computed: list[tuple[str, Expression]]) -> None:
        self._computed = computed

    def take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            for name, expression in self._computed:
                row[name] = expression(row)
        return rows


class ParseGlob(_Streaming):
    """``parse field "user=*, *" as a, b``: each asterisk takes what lies between the texts around it."""

    def __init__(self, source: Expression, pattern: str, names: list[str]) -> None:
        self._source = source
        self._parts = pattern.split("*")
        self._names = names

    def take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            value = self._source(row)
            found = None if value is None else self._found(text_of(value))
            if found is not None:
                row.update(zip(self._names, found, strict=True))
        return rows

    def _found(self, text: str) -> list[str] | None:
        at = text.find(self._parts[0])
        if at < 0:
            return None
        at += len(self._parts[0])
        found: list[str] = []
        for part in self._parts[1:]:
            stop = text.find(part, at) if part else len(text)
            if stop < 0:
                return None
            found.append(text[at:stop])
            at = stop + len(part)
        return found


class ParseRegex(_Streaming):
    def __init__(self, source: Expression, regex: Regex) -> None:
        self._source = source
        self._regex = regex

    def take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            value = self._source(row)
            found = None if value is None else self._regex.groups(text_of(value))
            row.update(found or {})
        return rows


class Dedup(_Streaming):
    """The first row of each combination of values; rows that miss one of them stay out (AWS keeps none of them either)."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._seen: set[tuple[str, ...]] = set()

    def take(self, rows: list[Row]) -> list[Row]:
        kept: list[Row] = []
        for row in rows:
            values = [row.get(name) for name in self._names]
            place = tuple(map(text_of, values))
            if None in values or place in self._seen:
                continue
            if len(self._seen) == ROWS_MAX:
                raise QueryFailed("too many different rows")
            self._seen.add(place)
            kept.append(row)
        return kept


class Limit:
    def __init__(self, count: int) -> None:
        self.count = self._left = count
        self.full = count == 0

    def take(self, rows: list[Row]) -> list[Row]:
        taken = rows[: self._left]
        self._left -= len(taken)
        self.full = self._left == 0
        return taken

    def end(self) -> list[Row]:
        return []


class Sort:
    """``count``: how many rows of the order are wanted, where that is known; None for all."""

    full = False

    def __init__(self, keys: list[tuple[Expression, bool]], count: int | None = None) -> None:
        self._keys = keys
        self.count = count
        self._held: list[tuple[list[tuple[int, float, str]], Row]] = []

    def take(self, rows: list[Row]) -> list[Row]:
        self._held += [([rank(key(row)) for key, _ in self._keys], row) for row in rows]
        most = ROWS_MAX if self.count is None else self.count
        if len(self._held) > 2 * most:
            if self.count is None:
                raise QueryFailed("too many rows to sort")
            self._order()
            del self._held[self.count :]
        return []

    def end(self) -> list[Row]:
        self._order()
        held, self._held = self._held, []
        return [row for _, row in held][: self.count]

    def _order(self) -> None:
        self._held.sort(key=cmp_to_key(self._compared))

    def _compared(
        self, one: tuple[list[tuple[int, float, str]], Row], other: tuple[list[tuple[int, float, str]], Row]
    ) -> int:
        for (_, descending), left, right in zip(self._keys, one[0], other[0], strict=True):
            if left != right:
                # What is missing comes last both ways.
                turned = descending and left[0] < 2 and right[0] < 2
                return (1 if left < right else -1) if turned else (-1 if left < right else 1)
        return 0


class Stats:
    full = False

    def __init__(
        self,
        aggregates: list[tuple[Callable[[], Aggregate], Expression]],
        results: list[tuple[str, Expression]],
        groups: list[tuple[str, Expression]],
    ) -> None:
        self._aggregates = aggregates
        self._results = results
        self._groups = groups
        self._found: dict[tuple[str, ...], tuple[list[Value], list[Aggregate]]] = {}

    def take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            values = [expression(row) for _, expression in self._groups]
            place = tuple(map(text_of, values))
            group = self._found.get(place)
            if group is None:
                if len(self._found) == GROUPS_MAX:
                    raise QueryFailed("too many groups")
                group = self._found[place] = (values, [build() for build, _ in self._aggregates])
            for aggregate, (_, argument) in zip(group[1], self._aggregates, strict=True):
                aggregate.add(argument(row), row)
        return []

    def end(self) -> list[Row]:
        if not self._found and not self._groups:
            self._found[()] = ([], [build() for build, _ in self._aggregates])
        rows: list[Row] = []
        for values, aggregates in self._found.values():
            row: Row = {f"@@{number}": aggregate.result() for number, aggregate in enumerate(aggregates)}
            row.update({name: value for (name, _), value in zip(self._groups, values, strict=True)})
            row.update({name: expression(row) for name, expression in self._results})
            rows.append({name: value for name, value in row.items() if not name.startswith("@@")})
        self._found = {}
        return rows


def run_chunk(stages: list[Stage], rows: list[Row]) -> list[Row]:
    for stage in stages:
        if not rows:
            break
        rows = stage.take(rows)
    return rows


def run_end(stages: list[Stage]) -> list[Row]:
    """What the stages held back, each run through those behind it."""
    rows: list[Row] = []
    for at, stage in enumerate(stages):
        rows += run_chunk(stages[at + 1 :], stage.end())
    return rows
