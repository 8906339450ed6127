"""AWS's event stream framing (application/vnd.amazon.eventstream), for answers that come bit by bit.

    message   total length 4, headers length 4, CRC32 of those eight 4, headers, payload, CRC32 of all before 4
    header    name length 1, name, type 1, value (strings and bytes: length 2, value)

All numbers are big-endian. Used by Lambda's InvokeWithResponseStream and CloudWatch Logs' StartLiveTail.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from tabletop.wire.cbor_values import Timestamp

CONTENT_TYPE = "application/vnd.amazon.eventstream"
PAYLOAD_MAX = 24 * 1024 * 1024
HEADERS_MAX = 128 * 1024

HeaderValue = bool | int | str | bytes | Timestamp

_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_FRAME_BYTES = 16
_FIXED = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}


class EventStreamError(ValueError):
    """The bytes are no event stream message."""


@dataclass(frozen=True, slots=True)
class Message:
    headers: dict[str, HeaderValue]
    payload: bytes


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """Integers go as 32 bits where they fit and as 64 otherwise; a ``Timestamp`` goes as one."""
    packed = b"".join(_header(name, value) for name, value in headers.items())
    assert len(packed) <= HEADERS_MAX
    assert len(payload) <= PAYLOAD_MAX
    prelude = _PRELUDE.pack(_FRAME_BYTES + len(packed) + len(payload), len(packed))
    message = prelude + _CRC.pack(zlib.crc32(prelude)) + packed + payload
    return message + _CRC.pack(zlib.crc32(message))


def encode_event(event_type: str, payload: bytes, content_type: str = "application/json") -> bytes:
    return encode_message({":message-type": "event", ":event-type": event_type, ":content-type": content_type}, payload)


def encode_exception(exception_type: str, payload: bytes, content_type: str = "application/json") -> bytes:
    """An error that the model has, in the middle of a stream; the stream ends with it."""
    headers = {":message-type": "exception", ":exception-type": exception_type, ":content-type": content_type}
    return encode_message(headers, payload)


def decode_message(data: bytes) -> tuple[Message, int] | None:
    """The message at the start of ``data`` and its length in bytes; None if it is not complete yet.

    EventStreamError if a checksum or length is wrong.
    """
    if len(data) < _PRELUDE.size + _CRC.size:
        return None
    total, headers_length = _PRELUDE.unpack_from(data)
    if _CRC.unpack_from(data, 8)[0] != zlib.crc32(data[:8]):
        raise EventStreamError("prelude checksum")
    if total > _FRAME_BYTES + HEADERS_MAX + PAYLOAD_MAX or headers_length > min(HEADERS_MAX, total - _FRAME_BYTES):
        raise EventStreamError("length")
    if len(data) < total:
        return None
    if _CRC.unpack_from(data, total - 4)[0] != zlib.crc32(data[: total - 4]):
        raise EventStreamError("message checksum")
    headers_stop = 12 + headers_length
    return Message(_parse_headers(data[12:headers_stop]), data[headers_stop : total - 4]), total


def _header(name: str, value: HeaderValue) -> bytes:
    encoded = name.encode()
    return bytes((len(encoded),)) + encoded + _value(value)


def _value(value: HeaderValue) -> bytes:
    if value is True or value is False:
        return b"\x00" if value else b"\x01"
    if isinstance(value, Timestamp):
        return b"\x08" + struct.pack(">q", round(value * 1000))
    if isinstance(value, int):
        return (
            b"\x04" + struct.pack(">i", value) if -(1 << 31) <= value < 1 << 31 else b"\x05" + struct.pack(">q", value)
        )
    kind, raw = (b"\x07", value.encode()) if isinstance(value, str) else (b"\x06", value)
    return kind + struct.pack(">H", len(raw)) + raw


def _parse_headers(packed: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    position = 0
    try:
        while position < len(packed):
            start = position + 1
            stop = start + packed[position]
            name = packed[start:stop].decode()
            headers[name], position = _parse_value(packed, stop)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise EventStreamError("header") from None
    return headers


def _parse_value(packed: bytes, position: int) -> tuple[HeaderValue, int]:
    kind = packed[position]
    position += 1
    if kind in (0, 1):
        return kind == 0, position
    if kind in _FIXED:
        number = struct.unpack_from(_FIXED[kind], packed, position)[0]
        stop = position + struct.calcsize(_FIXED[kind])
        return Timestamp(number / 1000) if kind == 8 else number, stop
    length = 16 if kind == 9 else struct.unpack_from(">H", packed, position)[0]
    start = position if kind == 9 else position + 2
    raw = packed[start : start + length]
    if kind not in (6, 7, 9) or len(raw) != length:
        raise EventStreamError("header")
    return raw.decode() if kind == 7 else raw, start + length
