"""The aggregates of ``stats``: name in lower case -> a class with ``add(value, row)`` and ``result()``."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

from tabletop.logs.insights.values import QueryFailed, Row, Value, number_of, rank, text_of

VALUES_MAX = 1_000_000
"""Of one pct or count_distinct in one group; beyond it the query fails rather than answer what it did not compute."""


class Aggregate(Protocol):
    def add(self, value: Value, row: Row) -> None: ...

    def result(self) -> Value: ...


class Count:
    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Value, row: Row) -> None:
        self._count += value is not None

    def result(self) -> Value:
        return self._count


class CountDistinct:
    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, value: Value, row: Row) -> None:
        if value is not None:
            self._seen.add(text_of(value))
            if len(self._seen) > VALUES_MAX:
                raise QueryFailed("too many different values")

    def result(self) -> Value:
        return len(self._seen)


class _Numbers:
    """Of the values that are numbers: their count, mean and sum of squared distances from it (Welford)."""

    def __init__(self) -> None:
        self.count = 0
        self.total: int | float = 0
        self.mean = self.squares = 0.0

    def add(self, value: Value, row: Row) -> None:
        number = number_of(value)
        if number is None:
            return
        self.count += 1
        self.total += number
        distance = number - self.mean
        self.mean += distance / self.count
        self.squares += distance * (number - self.mean)


class Sum(_Numbers):
    def result(self) -> Value:
        return self.total if self.count else None


class Avg(_Numbers):
    def result(self) -> Value:
        return self.total / self.count if self.count else None


class Stddev(_Numbers):
    """Of the population (inferred)."""

    def result(self) -> Value:
        return math.sqrt(self.squares / self.count) if self.count else None


class Max:
    sign: ClassVar[int] = 1

    def __init__(self) -> None:
        self._best: Value = None

    def add(self, value: Value, row: Row) -> None:
        if value is None:
            return
        if self._best is None or (rank(value) > rank(self._best) if self.sign > 0 else rank(value) < rank(self._best)):
            self._best = value

    def result(self) -> Value:
        return self._best


class Min(Max):
    sign = -1


class _AtEnd:
    """The value of the row that is first, or last, by time or by the value's own order."""

    by_time: ClassVar[bool] = True
    last: ClassVar[bool] = False

    def __init__(self) -> None:
        self._place: Any = None
        self._value: Value = None

    def add(self, value: Value, row: Row) -> None:
        if value is None:
            return
        place = row.get("@timestamp", 0) if self.by_time else text_of(value)
        if self._place is None or (place > self._place if self.last else place < self._place):
            self._place, self._value = place, value

    def result(self) -> Value:
        return self._value


class Earliest(_AtEnd):
    pass


class Latest(_AtEnd):
    last = True


class SortsFirst(_AtEnd):
    by_time = False


class SortsLast(_AtEnd):
    by_time, last = False, True


class Percentile:
    """The smallest value below or at which so many percent lie; exact, where AWS's is an estimate."""

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._values: list[float] = []

    def add(self, value: Value, row: Row) -> None:
        number = number_of(value)
        if number is not None:
            self._values.append(number)
            if len(self._values) > VALUES_MAX:
                raise QueryFailed("too many values for a percentile")

    def result(self) -> Value:
        if not self._values:
            return None
        ordered = sorted(self._values)
        return ordered[max(math.ceil(len(ordered) * self._percent / 100) - 1, 0)]


AGGREGATES: dict[str, type[Aggregate]] = {
    "count": Count,
    "count_distinct": CountDistinct,
    "sum": Sum,
    "avg": Avg,
    "stddev": Stddev,
    "max": Max,
    "min": Min,
    "earliest": Earliest,
    "latest": Latest,
    "sortsfirst": SortsFirst,
    "sortslast": SortsLast,
}
"""Beside ``pct``, which takes a number as well."""
