"""Typed trees: what JSON and CBOR bodies have in common, compiled once per shape into closures.

A ``Tree`` knows how one format writes the leaves that the format itself has no type for (blobs, timestamps). Its
``decoder`` turns what the format's parser gave into parameters and refuses wrong types in the words of AWS's own
parsers; its ``encoder`` does the reverse and trusts its input, which is ours. Members that are None are left out on
both ways, members that the model does not know are ignored on the way in. None inside a list or map is kept, for the
constraints to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletop.base.errors import ApiError
from tabletop.wire.models import Shape

Convert = Callable[[Any], Any]

_TYPE_WORDS = {
    "string": "String",
    "integer": "Integer",
    "long": "Long",
    "boolean": "Boolean",
    "float": "Float",
    "double": "Double",
    "blob": "Blob",
    "timestamp": "Date",
    "character": "String",
}
_SPECIAL_FLOATS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_INTEGER_BITS = {"integer": 31, "long": 63}


def serialization_error(message: str | None = None) -> ApiError:
    return ApiError("SerializationException", message)


def wrong_type(value: Any, type_name: str) -> ApiError:
    """The refusal of a value where ``type_name`` was expected, in the words known of AWS's JSON parser (from memory,
    not checked against AWS; those for a list are inferred)."""
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected")
    if isinstance(value, list):
        return serialization_error("Start of list found where not expected")
    if type_name in ("structure", "map", "list"):
        return serialization_error("Unexpected field type")
    if value is True or value is False:
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        found = "STRING_VALUE" if isinstance(value, (str, bytes)) else "NUMBER_VALUE"
    return serialization_error(f"{found} cannot be converted to {_TYPE_WORDS[type_name]}")


class Tree:
    """One format. ``key`` tells its closures from those of other formats on the same shape."""

    def __init__(
        self,
        key: str,
        *,
        decode_blob: Convert,
        encode_blob: Convert,
        decode_timestamp: Callable[[Shape], Convert],
        encode_timestamp: Callable[[Shape], Convert],
        encode_float: Convert,
    ) -> None:
        self.key = key
        self._decode_blob = decode_blob
        self._encode_blob = encode_blob
        self._decode_timestamp = decode_timestamp
        self._encode_timestamp = encode_timestamp
        self._encode_float = encode_float

    def decoder(self, shape: Shape) -> Convert:
        return self._compiled(shape, "decode", self._make_decoder)

    def encoder(self, shape: Shape) -> Convert:
        return self._compiled(shape, "encode", self._make_encoder)

    def _compiled(self, shape: Shape, way: str, make: Callable[[Shape], Convert]) -> Convert:
        key = (self.key, way)
        found: Convert | None = shape.codecs.get(key)
        if found is None:
            # A shape that contains itself finds this stand-in while it is being compiled.
            shape.codecs[key] = lambda value: shape.codecs[key](value)
            found = shape.codecs[key] = make(shape)
        return found

    def _make_decoder(self, shape: Shape) -> Convert:
        kind = shape.type_name
        if shape.is_document_type:
            return _unchanged
        if kind == "structure":
            return self._structure_decoder(shape)
        if kind == "list":
            return _list_decoder(self.decoder(shape.member))
        if kind == "map":
            return _map_decoder(self.decoder(shape.value))
        if kind == "blob":
            return self._decode_blob
        if kind == "timestamp":
            return self._decode_timestamp(shape)
        return _SCALAR_DECODERS[kind]

    def _structure_decoder(self, shape: Shape) -> Convert:
        members = {
            member.serialization.get("name", name): (name, self.decoder(member))
            for name, member in shape.members.items()
        }
        find = members.get

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise wrong_type(value, "structure")
            decoded = {}
            for key, part in value.items():
                found = find(key)
                if found is not None and part is not None:
                    decoded[found[0]] = found[1](part)
            return decoded

        return decode

    def _make_encoder(self, shape: Shape) -> Convert:
        kind = shape.type_name
        if shape.is_document_type:
            return _unchanged
        if kind == "structure":
            return self._structure_encoder(shape)
        if kind == "list":
            return _list_encoder(self.encoder(shape.member))
        if kind == "map":
            return _map_encoder(self.encoder(shape.value))
        if kind == "blob":
            return self._encode_blob
        if kind == "timestamp":
            return self._encode_timestamp(shape)
        return self._encode_float if kind in ("float", "double") else _unchanged

    def _structure_encoder(self, shape: Shape) -> Convert:
        members = [
            (name, member.serialization.get("name", name), self.encoder(member))
            for name, member in shape.members.items()
        ]
        known = shape.members

        def encode(value: dict[str, Any]) -> dict[str, Any]:
            if not value.keys() <= known.keys():
                raise AssertionError(f"members that {shape.name} does not have: {sorted(value.keys() - known.keys())}")
            return {
                wire: convert(value[name])
                for name, wire, convert in members
                if name in value and value[name] is not None
            }

        return encode


def _unchanged(value: Any) -> Any:
    return value


def _list_decoder(member: Convert) -> Convert:
    def decode(value: Any) -> list[Any]:
        if type(value) is not list:
            raise wrong_type(value, "list")
        return [None if part is None else member(part) for part in value]

    return decode


def _map_decoder(member: Convert) -> Convert:
    def decode(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise wrong_type(value, "map")
        return {key: None if part is None else member(part) for key, part in value.items()}

    return decode


def _list_encoder(member: Convert) -> Convert:
    return lambda value: [None if part is None else member(part) for part in value]


def _map_encoder(member: Convert) -> Convert:
    return lambda value: {key: None if part is None else member(part) for key, part in value.items()}


def _decode_string(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type(value, "string")
    return value


def _decode_boolean(value: Any) -> bool:
    if value is not True and value is not False:
        raise wrong_type(value, "boolean")
    return value


def _integer_decoder(type_name: str) -> Convert:
    bound = 1 << _INTEGER_BITS[type_name]

    def decode(value: Any) -> int:
        if type(value) is float and -bound <= value < bound:
            # AWS's parser truncates fractions (its class is named TruncatingBigNumber).
            value = int(value)
        if type(value) is not int or not -bound <= value < bound:
            raise wrong_type(value, type_name)
        return value

    return decode


def _float_decoder(type_name: str) -> Convert:
    def decode(value: Any) -> float:
        if type(value) is float:
            return value
        if type(value) is int:
            return float(value)
        if type(value) is str and value in _SPECIAL_FLOATS:
            return _SPECIAL_FLOATS[value]
        raise wrong_type(value, type_name)

    return decode


_SCALAR_DECODERS: dict[str, Convert] = {
    "string": _decode_string,
    "character": _decode_string,
    "boolean": _decode_boolean,
    "integer": _integer_decoder("integer"),
    "long": _integer_decoder("long"),
    "float": _float_decoder("float"),
    "double": _float_decoder("double"),
}
