"""Item sizes and capacity units, by the rules of the developer guide."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.dynamodb import sizes


# Every type by its own rule; names and strings count in UTF-8, binary raw, containers 3 bytes and 1 for each element.
@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ({"S": "hello"}, 5),
        ({"S": "é€"}, 5),
        ({"S": ""}, 0),
        ({"N": "123"}, 3),
        ({"B": "YWJj"}, 3),
        ({"B": "YQ=="}, 1),
        ({"B": "YWI="}, 2),
        ({"B": ""}, 0),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "é"]}, 4),
        ({"NS": ["1", "123"]}, 5),
        ({"BS": ["YQ==", "YWJj"]}, 4),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 2 + 2 + 1),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
)
def test_value_sizes(value: dict[str, Any], size_bytes: int) -> None:
    assert sizes.value_size(value) == size_bytes
    assert sizes.item_size({"né": value}) == 3 + size_bytes


# An update weighs only what it changed: attributes that come, go, change or stay, names that are not ASCII included.
def test_the_size_after_a_change() -> None:
    old: sizes.Item = {"kept": {"S": "x"}, "né": {"N": "-12"}, "gone": {"BOOL": True}, "same": {"L": [{"S": "a"}]}}
    new: sizes.Item = {"kept": {"S": "x"}, "né": {"N": "1234"}, "come": {"NULL": True}, "same": old["same"]}
    changed = {"né", "gone", "come", "same", "never"}
    assert sizes.size_after(sizes.item_size(old), old, new, changed) == sizes.item_size(new)


# Reads go by 4 KB begun, and cost half where eventual consistency will do; nothing read costs as the least.
@pytest.mark.parametrize(
    ("size_bytes", "consistent", "eventual"),
    [(0, 1.0, 0.5), (1, 1.0, 0.5), (4096, 1.0, 0.5), (4097, 2.0, 1.0), (409600, 100.0, 50.0)],
)
def test_read_units(size_bytes: int, consistent: float, eventual: float) -> None:
    assert sizes.read_units(size_bytes, consistent=True) == consistent
    assert sizes.read_units(size_bytes, consistent=False) == eventual
    assert sizes.transactional_read_units(size_bytes) == 2 * consistent


# Writes go by KB begun, transactions at twice the price.
@pytest.mark.parametrize(("size_bytes", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (409600, 400)])
def test_write_units(size_bytes: int, units: int) -> None:
    assert sizes.write_units(size_bytes) == units
    assert sizes.transactional_write_units(size_bytes) == 2 * units
