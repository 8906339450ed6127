"""The files that `tabletop import` reads, item by item: what they hold, where each item stands, how far reading has come."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, cast

from tabletop.dynamodb.bulk import csv_types, item_of_cells, item_of_line
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Table

LINE_BYTES_MAX = 8 << 20
"""An item has 400 KB; escapes and blanks may make its JSON several times as long."""
CELL_CHARACTERS_MAX = 1 << 20

Format = Literal["json", "csv"]


class Source:
    """One input, open. ``position`` counts bytes of the file as it lies there, so of a compressed one compressed bytes."""

    def __init__(self, path: str, form: Format | None) -> None:
        """Raises OSError."""
        self.name = path
        plain = path.removesuffix(".gz")
        self.form: Format = form or ("csv" if plain.endswith(".csv") else "json")
        self._raw: IO[bytes] = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
        self._told = path != "-"
        self._lines = cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw) if plain != path else self._raw)

    @property
    def position(self) -> int:
        return self._raw.tell() if self._told else 0

    def close(self) -> None:
        if self._told:
            self._raw.close()

    def rows(self, table: Table) -> Iterator[tuple[int, Item | str]]:
        """(line, item), or (line, what is wrong with it). Raises OSError where the file cannot be read on."""
        try:
            yield from (_json_rows if self.form == "json" else _csv_rows)(self._lines, table)
        except (EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
            raise OSError(f"the compressed data is damaged: {error}") from error


def _json_rows(lines: IO[bytes], table: Table) -> Iterator[tuple[int, Item | str]]:
    readline = lines.readline
    number = 0
    while line := readline(LINE_BYTES_MAX):
        number += 1
        if len(line) == LINE_BYTES_MAX and line[-1] != 10:
            while line and line[-1] != 10:
                line = readline(LINE_BYTES_MAX)
            yield number, f"the line is longer than {LINE_BYTES_MAX} bytes"
        elif not line.isspace():
            try:
                yield number, item_of_line(table, line)
            except ValueError as error:
                yield number, str(error)


def _csv_rows(lines: IO[bytes], table: Table) -> Iterator[tuple[int, Item | str]]:
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    # What is no UTF-8 becomes surrogates, which no item may have: so the row is refused, and not the file.
    text = io.TextIOWrapper(lines, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, strict=True)
    types = csv_types(table)
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, str(error)
            continue
        if cells is None:
            break
        if header is None:
            header = cells
            if len(set(header)) != len(header):
                yield reader.line_num, "the header names a column twice"
                break
        elif cells:
            try:
                yield reader.line_num, item_of_cells(types, header, cells)
            except ValueError as error:
                yield reader.line_num, str(error)
    text.detach()
