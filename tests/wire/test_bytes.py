"""Compressed bodies, CBOR, event streams and timestamps."""

from __future__ import annotations

import gzip
import random
import zlib
from datetime import UTC, datetime

import pytest
from botocore.eventstream import EventStreamBuffer

from tabletop.base.errors import ApiError
from tabletop.wire import cbor_values, timestamps
from tabletop.wire.encodings import COMPRESSION_MIN, chosen_encoding, compress, decompress
from tabletop.wire.eventstream import EventStreamError, decode_message, encode_event, encode_message

BODY = b"0123456789" * 500


# Every form that clients send, also twice compressed and in several gzip members, comes out as it was.
@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:]), "GZIP"),
        (zlib.compress(BODY), "deflate"),
        (zlib.compress(BODY, wbits=-15), "deflate"),
        (gzip.compress(zlib.compress(BODY)), "deflate, gzip"),
        (BODY, "identity"),
        (BODY, "aws-chunked"),
    ],
)
def test_decompress(body: bytes, encoding: str) -> None:
    assert decompress(body, encoding, len(BODY)) == BODY


# The bound holds at, below and above it, and a bomb costs no more memory than the bound.
def test_decompression_bound() -> None:
    assert decompress(gzip.compress(BODY), "gzip", len(BODY)) == BODY
    with pytest.raises(ApiError) as raised:
        decompress(gzip.compress(BODY), "gzip", len(BODY) - 1)
    assert raised.value.status == 413
    with pytest.raises(ApiError):
        decompress(gzip.compress(bytes(10_000_000)), "gzip", 1000)


# Broken and cut bodies are the caller's fault.
@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(BODY, mtime=0)[:-9], gzip.compress(BODY, mtime=0) + b"x"])
def test_broken_compression(body: bytes) -> None:
    with pytest.raises(ApiError) as raised:
        decompress(body, "gzip", 10_000)
    assert raised.value.code == "SerializationException"


# Answers are compressed where the client wants it and it pays.
def test_compress() -> None:
    body, headers = compress(BODY, [("a", "b")], "br, gzip")
    assert (gzip.decompress(body), headers) == (BODY, [("a", "b"), ("Content-Encoding", "gzip")])
    assert compress(BODY, [], "identity") == (BODY, [])
    small = bytes(COMPRESSION_MIN - 1)
    assert compress(small, [], "gzip") == (small, [])


# Which encoding an Accept-Encoding header chooses, as observed of DynamoDB: qualities, order, "*", and odd entries.
@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("gzip;q=0", None),
        ("gzip;q=0.5", "gzip"),
        ("deflate", "deflate"),
        ("*", "gzip"),
        ("", None),
        ("br, deflate, gzip", "deflate"),
        ("*, deflate", "deflate"),
        ("*, gzip;q=0.5", "deflate"),
        ("deflate;q=0.5, gzip;q=7", "gzip"),
        ("gzip;q=nonsense", "gzip"),
        ("gzip;q=-1", None),
        ("identity;q=0.5, *;q=0", None),
    ],
)
def test_chosen_encoding(header: str, chosen: str | None) -> None:
    assert chosen_encoding(header) == chosen


# CBOR values survive both ways, and every cut or altered byte is an error or another value.
def test_cbor() -> None:
    value = {"a": [1, -1, 2**63, -(2**63), 1.5, "é", b"\x00", None, True, False], "t": cbor_values.Timestamp(1.5)}
    body = cbor_values.dumps(value)
    assert cbor_values.loads(body) == value
    draw = random.Random(1)
    for _ in range(3000):
        broken = bytearray(body[: draw.randint(0, len(body))] + draw.randbytes(2))
        broken[draw.randrange(len(broken))] = draw.randrange(256)
        try:
            cbor_values.loads(bytes(broken))
        except cbor_values.CborError:
            pass


# A few bytes can neither claim a long list nor nest without end.
@pytest.mark.parametrize(
    "body", [b"\x9b" + b"\xff" * 8, b"\x5b" + b"\xff" * 8, b"\x9f" * 5000, b"\xff", b"\xc1\xfb" + b"\x7f" * 3]
)
def test_cbor_bounds(body: bytes) -> None:
    with pytest.raises(cbor_values.CborError):
        cbor_values.loads(body)


# Indefinite lengths, half floats and bignums are legal, and clients send them.
def test_cbor_other_forms() -> None:
    assert cbor_values.loads(b"\xbf\x61a\x9f\x01\xff\xff") == {"a": [1]}
    assert cbor_values.loads(b"\x7f\x61a\x61b\xff") == "ab"
    assert cbor_values.loads(b"\xf9\x3c\x00") == 1.0
    assert cbor_values.loads(b"\xc2\x42\x01\x00") == 256


# botocore reads our event stream messages.
def test_eventstream_for_botocore() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode_event("PayloadChunk", b"abc", "application/octet-stream"))
    (event,) = list(buffer)
    assert event.payload == b"abc"
    assert event.headers[":event-type"] == "PayloadChunk"


# Messages survive both ways, are recognised as incomplete byte by byte, and a flipped bit is found.
def test_eventstream() -> None:
    headers = {
        "a": "b",
        "n": 5,
        "big": 2**40,
        "yes": True,
        "no": False,
        "raw": b"\x00",
        "t": cbor_values.Timestamp(1.5),
    }
    message = encode_message(headers, b"payload")
    decoded = decode_message(message + b"more")
    assert decoded is not None
    assert (decoded[0].headers, decoded[0].payload, decoded[1]) == (headers, b"payload", len(message))
    for stop in range(len(message)):
        assert decode_message(message[:stop]) is None
    for position in range(len(message)):
        broken = bytearray(message)
        broken[position] ^= 1
        with pytest.raises(EventStreamError):
            decode_message(bytes(broken))


# Milliseconds show only where there are some, and a year before 1000 keeps its four digits.
def test_timestamps() -> None:
    assert timestamps.iso8601(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert timestamps.iso8601(1_700_000_000.0625) == "2023-11-14T22:13:20.062Z"
    assert timestamps.iso8601(datetime(2024, 1, 1, tzinfo=UTC)) == "2024-01-01T00:00:00Z"
    assert timestamps.unix_number(1_700_000_000.0) == 1_700_000_000
    assert timestamps.http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert timestamps.parse_text("2024-01-01T00:00:00.5+01:00", "iso8601") == 1704063600.5
    assert timestamps.parse_text("Thu, 01 Jan 1970 00:00:09 GMT", "rfc822") == 9.0


@pytest.mark.parametrize("text", ["", "x", "1e99", "2024-13-01T00:00:00Z", "2024-01-01", "9" * 50, "nan"])
# What is no time is refused, and nothing but ValueError comes out.
def test_bad_timestamps(text: str) -> None:
    for form in ("iso8601", "rfc822", "unixTimestamp"):
        with pytest.raises(ValueError):
            timestamps.parse_text(text, form)
