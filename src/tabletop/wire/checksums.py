"""The checksum header that DynamoDB puts on every response, and that its clients check."""

from __future__ import annotations

import zlib

CRC32_HEADER = "x-amz-crc32"


def crc32_value(body: bytes) -> str:
    """The value of x-amz-crc32 for a body as it goes over the wire, thus after compression."""
    return str(zlib.crc32(body))


def crc32_header(body: bytes) -> tuple[str, str]:
    return CRC32_HEADER, str(zlib.crc32(body))
