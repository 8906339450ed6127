"""Do these attributes make a key of this table, and of its indexes? One address for the checks and their words.

Source of the words: answers recorded from AWS by public clients and suites.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb.keys import Item
from tabletop.dynamodb.schema import Index, KeyAttribute, Table

HASH_KEY_BYTES_MAX = 2048
RANGE_KEY_BYTES_MAX = 1024
SHORT_KEY_CHARACTERS = RANGE_KEY_BYTES_MAX // 4
"""A key of so many characters is never too long, whatever they are."""

_EMPTY_KIND = {"S": "string", "B": "binary"}
KEY_MISMATCH = "The provided key element does not match the schema"
EMPTY_KEY = "One or more parameter values are not valid."
"""How the errors of empty values of keys begin, the table's and the indexes'."""


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def invalid_parameters(message: str) -> ApiError:
    return ApiError("ValidationException", "One or more parameter values were invalid: " + message)


def check_item_keys(table: Table, item: Item) -> None:
    """The key attributes of an item to be put: there, of their types, not empty, not too long."""
    for attribute in table.key_attributes:
        value = item.get(attribute.name)
        if value is None:
            raise invalid_parameters(f"Missing the key {attribute.name} in the item")
        text = value.get(attribute.type)
        if text and len(text) <= SHORT_KEY_CHARACTERS:
            continue
        if text is None:
            actual = next(iter(value))
            raise invalid_parameters(
                f"Type mismatch for key {attribute.name} expected: {attribute.type} actual: {actual}"
            )
        _check_key_value(table, attribute, value)


def check_key(table: Table, key: Item) -> None:
    """A Key parameter: exactly the table's key attributes, of their types, not empty, not too long."""
    attributes = table.key_attributes
    if len(key) != len(attributes):
        raise invalid(KEY_MISMATCH)
    for attribute in attributes:
        value = key.get(attribute.name)
        text = None if value is None else value.get(attribute.type)
        if text and len(text) <= SHORT_KEY_CHARACTERS:
            continue
        if value is None or text is None:
            raise invalid(KEY_MISMATCH)
        _check_key_value(table, attribute, value)


def _check_key_value(table: Table, attribute: KeyAttribute, value: dict[str, Any]) -> None:
    kind = attribute.type
    if kind == "N":
        return
    text = value[kind]
    if not text:
        raise invalid(
            f"{EMPTY_KEY} The AttributeValue for a key attribute "
            f"cannot contain an empty {_EMPTY_KIND[kind]} value. Key: {attribute.name}"
        )
    if attribute is table.hash:
        if _byte_length(kind, text) > HASH_KEY_BYTES_MAX:
            raise hash_key_too_long()
    elif _byte_length(kind, text) > RANGE_KEY_BYTES_MAX:
        raise range_keys_too_long()


def check_index_keys(table: Table, item: Item, before: Item | None = None) -> None:
    """The attributes of an item that its table's indexes use as keys: absent, or fit to be one.

    ``before``: what an update made the item of. What it left alone is not looked at: it may be older than the index.
    """
    for name, kind in table.indexed_types.items():
        value = item.get(name)
        if value is None or (before is not None and before.get(name) == value):
            continue
        if kind not in value:
            raise index_key_mismatch(KeyAttribute(name, kind), value, _index_keyed_by(table, name).name)
        if kind != "N":
            text = value[kind]
            if not text:
                part = KeyAttribute(name, kind)
                if before is not None:
                    raise _updated_to_empty(part)
                raise empty_index_key(part, _index_keyed_by(table, name).name)
            if len(text) > SHORT_KEY_CHARACTERS:
                _check_index_key_sizes(table.indexes, item)
    for index in table.indexes:
        if index.may_outgrow:
            _check_index_key_sizes((index,), item)


def index_key_mismatch(part: KeyAttribute, value: dict[str, Any], index_name: str) -> ApiError:
    return invalid_parameters(
        f"Type mismatch for Index Key {part.name} Expected: {part.type} Actual: {next(iter(value))} "
        f"IndexName: {index_name}"
    )


def empty_index_key(part: KeyAttribute, index_name: str) -> ApiError:
    return invalid(
        f"{EMPTY_KEY} A value specified for a secondary index key is not "
        f"supported. The AttributeValue for a key attribute cannot contain an empty {_EMPTY_KIND[part.type]} "
        f"value. IndexName: {index_name}, IndexKey: {part.name}"
    )


def _updated_to_empty(part: KeyAttribute) -> ApiError:
    return invalid(
        f"{EMPTY_KEY} The update expression attempted to update a secondary index key to a value that is not supported. "
        f"The AttributeValue for a key attribute cannot contain an empty {_EMPTY_KIND[part.type]} value."
    )


def check_lengths(hash_values: Iterable[dict[str, Any]], range_values: Iterable[dict[str, Any]]) -> None:
    """Refuse values that are too long for the attributes of a key, each by itself."""
    if any(_value_length(value) > HASH_KEY_BYTES_MAX for value in hash_values):
        raise hash_key_too_long()
    if any(_value_length(value) > RANGE_KEY_BYTES_MAX for value in range_values):
        raise range_keys_too_long()


def _value_length(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    return 0 if kind == "N" else _byte_length(kind, content)


def range_keys_too_long() -> ApiError:
    return invalid_parameters(
        f"Aggregated size of all range keys has exceeded the size limit of {RANGE_KEY_BYTES_MAX} bytes"
    )


def hash_key_too_long() -> ApiError:
    return invalid_parameters(f"Size of hashkey has exceeded the maximum size limit of{HASH_KEY_BYTES_MAX} bytes")


def _check_index_key_sizes(indexes: tuple[Index, ...], item: Item) -> None:
    for index in indexes:
        if _size_of(index.hash, item) > HASH_KEY_BYTES_MAX:
            raise hash_key_too_long()
        if _size_of(index.range, item) > RANGE_KEY_BYTES_MAX:
            raise range_keys_too_long()


def index_keys_too_long(index: Index, item: Item) -> bool:
    """Whether an item that has all of the index's key attributes may not be in it for their length."""
    return _size_of(index.hash, item) > HASH_KEY_BYTES_MAX or _size_of(index.range, item) > RANGE_KEY_BYTES_MAX


def _size_of(attributes: tuple[KeyAttribute, ...], item: Item) -> int:
    return sum(
        _byte_length(part.type, item[part.name][part.type])
        for part in attributes
        if part.type != "N" and part.name in item
    )


def _byte_length(kind: str, text: str) -> int:
    if kind == "B":
        return len(base64.b64decode(text))
    return len(text) if text.isascii() else len(text.encode())


def _index_keyed_by(table: Table, attribute_name: str) -> Index:
    return next(index for index in table.indexes if any(part.name == attribute_name for part in index.key_attributes))
