"""CBOR (RFC 8949) as far as smithy-rpc-v2-cbor needs it: bytes to values and back, no more than once per byte.

Depth and sizes are bounded by what the body holds, so that a short body cannot claim a long list.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

DEPTH_MAX = 128

_BREAK = object()
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}


class CborError(ValueError):
    """The bytes are no CBOR that this protocol uses."""


class Timestamp(float):
    """Seconds since the epoch: tag 1 on the wire."""


def loads(body: bytes) -> Any:
    """One value and nothing behind it, CborError otherwise. Tag 1 gives ``Timestamp``, bignums give int."""
    reader = _Reader(body)
    value = reader.value(0)
    if value is _BREAK or reader.position != len(body):
        raise CborError("trailing bytes")
    return value


def dumps(value: Any) -> bytes:
    out = bytearray()
    _write(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.position = 0
        self._kinds: tuple[Callable[[int, int], Any], ...] = (
            self._unsigned,
            self._negative,
            self._bytes,
            self._text,
            self._array,
            self._map,
            self._tag,
            self._simple,
        )

    def value(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise CborError("too deep")
        first = self._take(1)[0]
        return self._kinds[first >> 5](first & 31, depth)

    def _take(self, count: int) -> bytes:
        stop = self.position + count
        if stop > len(self.body):
            raise CborError("too short")
        taken = self.body[self.position : stop]
        self.position = stop
        return taken

    def _number(self, low: int) -> int:
        if low < 24:
            return low
        if low not in _SIZES:
            raise CborError("reserved length")
        return int.from_bytes(self._take(_SIZES[low]), "big")

    def _unsigned(self, low: int, depth: int) -> int:
        return self._number(low)

    def _negative(self, low: int, depth: int) -> int:
        return -1 - self._number(low)

    def _bytes(self, low: int, depth: int) -> bytes:
        if low != 31:
            return self._take(self._number(low))
        return b"".join(self._chunks(bytes, depth))

    def _text(self, low: int, depth: int) -> str:
        if low == 31:
            return "".join(self._chunks(str, depth))
        try:
            return self._take(self._number(low)).decode()
        except UnicodeDecodeError:
            raise CborError("no UTF-8") from None

    def _chunks(self, kind: type, depth: int) -> list[Any]:
        chunks = []
        while (chunk := self.value(depth + 1)) is not _BREAK:
            if type(chunk) is not kind:
                raise CborError("chunk of another type")
            chunks.append(chunk)
        return chunks

    def _array(self, low: int, depth: int) -> list[Any]:
        values: list[Any] = []
        if low == 31:
            while (value := self.value(depth + 1)) is not _BREAK:
                values.append(value)
            return values
        for _ in range(self._count(low)):
            values.append(self._whole(depth))  # noqa: PERF401 - reads and must stop at the first fault
        return values

    def _map(self, low: int, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        count = -1 if low == 31 else self._count(low)
        while count != 0:
            key = self.value(depth + 1)
            if key is _BREAK and count < 0:
                break
            if type(key) is not str:
                raise CborError("a key that is no text")
            values[key] = self._whole(depth)
            count -= 1
        return values

    def _count(self, low: int) -> int:
        count = self._number(low)
        # Every member takes at least one byte.
        if count > len(self.body) - self.position:
            raise CborError("too short")
        return count

    def _whole(self, depth: int) -> Any:
        value = self.value(depth + 1)
        if value is _BREAK:
            raise CborError("unexpected break")
        return value

    def _tag(self, low: int, depth: int) -> Any:
        tag = self._number(low)
        value = self._whole(depth)
        if tag == 1 and type(value) in (int, float):
            try:
                return Timestamp(value)
            except OverflowError:
                raise CborError("timestamp out of range") from None
        if tag in (2, 3) and type(value) is bytes:
            number = int.from_bytes(value, "big")
            return number if tag == 2 else -1 - number
        return value

    def _simple(self, low: int, depth: int) -> Any:
        if low in _FLOATS:
            return struct.unpack(_FLOATS[low], self._take(_SIZES[low]))[0]
        if low == 31:
            return _BREAK
        if low not in _SIMPLE:
            raise CborError("unknown simple value")
        return _SIMPLE[low]


def _write(out: bytearray, value: Any) -> None:
    if value is None or value is True or value is False:
        out.append({None: 0xF6, True: 0xF5, False: 0xF4}[value])
    elif isinstance(value, Timestamp):
        out.append(0xC1)
        _write(out, int(value) if value.is_integer() else float(value))
    elif isinstance(value, int):
        _head(out, 0, value) if value >= 0 else _head(out, 1, -1 - value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, str):
        encoded = value.encode()
        _head(out, 3, len(encoded))
        out += encoded
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, dict):
        _head(out, 5, len(value))
        for key, part in value.items():
            _write(out, key)
            _write(out, part)
    else:
        _head(out, 4, len(value))
        for part in value:
            _write(out, part)


def _head(out: bytearray, kind: int, number: int) -> None:
    if number < 24:
        out.append(kind << 5 | number)
        return
    for low, size in _SIZES.items():
        if number < 1 << 8 * size:
            out.append(kind << 5 | low)
            out += number.to_bytes(size, "big")
            return
    raise OverflowError("an integer of more than 64 bits")
