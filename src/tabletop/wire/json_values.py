"""JSON bodies: the typed tree over orjson, for json 1.0/1.1 and rest-json."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import orjson

from tabletop.wire import timestamps
from tabletop.wire.models import Shape
from tabletop.wire.trees import Convert, Tree, serialization_error, wrong_type


def parse(body: bytes) -> Any:
    """The body's JSON; an empty body is an empty object. SerializationException for what is no JSON."""
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise serialization_error() from None


def parse_object(body: bytes) -> dict[str, Any]:
    value = parse(body)
    if type(value) is not dict:
        raise serialization_error(None if isinstance(value, list) else "Unexpected field type")
    return value


def render(value: Any) -> bytes:
    return orjson.dumps(value)


def decode_base64(value: Any) -> bytes:
    """The words of the refusals are DynamoDB's, from memory: not checked against AWS."""
    if type(value) is not str:
        raise wrong_type(value, "blob")
    if len(value) % 4:
        raise serialization_error(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise serialization_error("Invalid Base64 character") from None


def encode_base64(value: bytes | str) -> str:
    """A str is taken as base64 already: that is how DynamoDB's attribute values are kept."""
    return value if isinstance(value, str) else base64.b64encode(value).decode("ascii")


def _timestamp_decoder(shape: Shape) -> Convert:
    form = shape.serialization.get("timestampFormat", "unixTimestamp")

    def decode(value: Any) -> float:
        try:
            if type(value) is str:
                return timestamps.parse_text(value, form)
            return timestamps.parse_number(value)
        except ValueError:
            raise wrong_type(value, "timestamp") from None

    return decode


def _timestamp_encoder(shape: Shape) -> Convert:
    form = shape.serialization.get("timestampFormat", "unixTimestamp")
    if form == "unixTimestamp":
        return timestamps.unix_number
    return lambda value: timestamps.render(value, form)


def _encode_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


JSON = Tree(
    "json",
    decode_blob=decode_base64,
    encode_blob=encode_base64,
    decode_timestamp=_timestamp_decoder,
    encode_timestamp=_timestamp_encoder,
    encode_float=_encode_float,
)
