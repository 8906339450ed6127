"""ConsumedCapacity as answers show it: units per table, and per index where INDEXES is asked for.

What a vector index consumed is bytes, not units: it is shown beside the others, and counts towards no total.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabletop.dynamodb.schema import Index, Table, VectorIndex

AnyIndex = Index | VectorIndex


class Consumption:
    """The units that one request consumed, table by table (batches and transactions touch several)."""

    __slots__ = ("_kind", "_tables")

    def __init__(self, kind: str | None = None) -> None:
        """``kind``: "ReadCapacityUnits" or "WriteCapacityUnits" where AWS repeats the total under it (transactions)."""
        self._kind = kind
        self._tables: dict[str, tuple[Table, float, dict[AnyIndex, float]]] = {}

    def add(self, table: Table, table_units: float, index_units: Iterable[tuple[AnyIndex, float]] = ()) -> None:
        _, before, indexes = self._tables.get(table.arn) or (table, 0.0, {})
        for index, units in index_units:
            indexes[index] = indexes.get(index, 0.0) + units
        self._tables[table.arn] = (table, before + table_units, indexes)

    def render(self, mode: str | None) -> list[dict[str, Any]]:
        """One ConsumedCapacity for each table; ``mode`` is ReturnConsumedCapacity."""
        if mode is None or mode == "NONE":
            return []
        return [
            _render(self._kind, mode, table, table_units, indexes)
            for table, table_units, indexes in self._tables.values()
        ]

    def attach(self, answer: dict[str, Any], mode: str | None) -> None:
        """Put the list into the answer of a batch or transaction, if asked for."""
        if mode is not None and mode != "NONE":
            answer["ConsumedCapacity"] = self.render(mode)


def consumed(
    mode: str | None, table: Table, table_units: float, index_units: Iterable[tuple[AnyIndex, float]] = ()
) -> dict[str, Any] | None:
    """The ConsumedCapacity of a request on one table, or None where it was not asked for."""
    if mode is None or mode == "NONE":
        return None
    return _render(None, mode, table, table_units, dict(index_units))


def _render(
    kind: str | None, mode: str, table: Table, table_units: float, indexes: dict[AnyIndex, float]
) -> dict[str, Any]:
    units = {index: amount for index, amount in indexes.items() if isinstance(index, Index)}
    total = float(table_units + sum(units.values()))
    rendered: dict[str, Any] = {"TableName": table.name, "CapacityUnits": total}
    if kind:
        rendered[kind] = total
    if mode == "INDEXES":
        rendered["Table"] = _units(kind, table_units)
        for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
            shown = {
                index.name: _units(kind, amount) for index, amount in units.items() if index.is_global is is_global
            }
            if shown:
                rendered[member] = shown
        written = {
            index.name: {"VectorWriteRequestBytes": float(amount)}
            for index, amount in indexes.items()
            if isinstance(index, VectorIndex)
        }
        if written:
            rendered["VectorIndexes"] = written
    return rendered


def _units(kind: str | None, units: float) -> dict[str, float]:
    return {"CapacityUnits": float(units), kind: float(units)} if kind else {"CapacityUnits": float(units)}
