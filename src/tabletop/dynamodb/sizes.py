"""What items count for, in DynamoDB's terms: sizes in bytes, and read and write units.

Sizes follow the developer guide, "DynamoDB item sizes and formats": attribute names and strings in UTF-8, binary
values raw, numbers by ``numbers.size_bytes``, one byte for a Boolean or null, and for a list or map three bytes and one
for each element. All values must be canonical.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tabletop.dynamodb import numbers

Item = dict[str, dict[str, Any]]

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
CONTAINER_BYTES = 3
ELEMENT_BYTES = 1


def item_size(item: Item) -> int:
    """Bytes of a whole item: its attributes' names and values."""
    total = 0
    for name, value in item.items():
        total += len(name) if name.isascii() else len(name.encode())
        for kind, content in value.items():
            if kind == "S":
                total += len(content) if content.isascii() else len(content.encode())
            else:
                total += _CONTENT_SIZES[kind](content)
    return total


def size_after(size_bytes: int, old: Item, new: Item, changed: Iterable[str]) -> int:
    """Bytes of the new item, from those of the old one and the attributes in which alone they may differ."""
    for name in changed:
        before, after = old.get(name), new.get(name)
        if before is not None:
            size_bytes -= string_size(name) + value_size(before)
        if after is not None:
            size_bytes += string_size(name) + value_size(after)
    return size_bytes


def value_size(value: dict[str, Any]) -> int:
    """Bytes of one attribute value, without its name."""
    ((kind, content),) = value.items()
    return _CONTENT_SIZES[kind](content)


def string_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def binary_size(text: str) -> int:
    """Bytes that canonical base64 text stands for."""
    return len(text) // 4 * 3 - text.count("=", -2) if text else 0


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Units to read this many bytes: one for each 4 KB begun, half of that where eventual consistency will do."""
    units = (size_bytes + READ_UNIT_BYTES - 1) // READ_UNIT_BYTES or 1
    return float(units) if consistent else units / 2


def transactional_read_units(size_bytes: int) -> float:
    return 2 * read_units(size_bytes, consistent=True)


def write_units(size_bytes: int) -> int:
    """Units to write an item of this size: one for each KB begun, and one for an item that is not there."""
    return (size_bytes + WRITE_UNIT_BYTES - 1) // WRITE_UNIT_BYTES or 1


def transactional_write_units(size_bytes: int) -> int:
    return 2 * write_units(size_bytes)


def _one_byte(_content: object) -> int:
    return 1


def _list_size(elements: list[dict[str, Any]]) -> int:
    total = CONTAINER_BYTES + ELEMENT_BYTES * len(elements)
    number_size = numbers.size_bytes
    for value in elements:
        for kind, content in value.items():
            total += number_size(content) if kind == "N" else _CONTENT_SIZES[kind](content)
    return total


def _map_size(members: Item) -> int:
    return CONTAINER_BYTES + ELEMENT_BYTES * len(members) + item_size(members)


_CONTENT_SIZES: dict[str, Callable[[Any], int]] = {
    "S": string_size,
    "N": numbers.size_bytes,
    "B": binary_size,
    "BOOL": _one_byte,
    "NULL": _one_byte,
    "SS": lambda elements: sum(map(string_size, elements)),
    "NS": lambda elements: sum(map(numbers.size_bytes, elements)),
    "BS": lambda elements: sum(map(binary_size, elements)),
    "L": _list_size,
    "M": _map_size,
}
