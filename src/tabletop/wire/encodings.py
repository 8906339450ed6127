"""Compressed bodies: gzip and deflate in, of bounded size, and gzip out."""

from __future__ import annotations

import gzip
import zlib

from tabletop.base.errors import ApiError
from tabletop.wire.http import HeaderList

COMPRESSION_MIN = 1024
"""Shorter bodies are not worth compressing."""

COMPRESSION_LEVEL = 1
"""On loopback and in one data centre, time is worth more than bytes."""

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decompress(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body as it was before ``encoding`` (a Content-Encoding header). Encodings that are not compression
    (identity, aws-chunked) are left to their owners.

    Reads no more than ``limit_bytes`` of output, however much the body would unfold to. ApiError
    RequestEntityTooLarge (413) beyond it, SerializationException for a broken body.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in _WINDOW_BITS:
            body = _inflate(body, name, limit_bytes)
    return body


def _inflate(body: bytes, name: str, limit_bytes: int) -> bytes:
    unfolded = b""
    while body:
        inflater = zlib.decompressobj(_window_bits(body, name))
        try:
            # One byte more than allowed tells "exactly the limit" from "more than it".
            unfolded += inflater.decompress(body, limit_bytes - len(unfolded) + 1)
        except zlib.error:
            raise _broken() from None
        if len(unfolded) > limit_bytes:
            raise ApiError("RequestEntityTooLarge", "Request body is too large", status=413)
        if not inflater.eof:
            raise _broken()
        # A gzip body may have several members, one behind the other; each takes at least its header from the body.
        body = inflater.unused_data if name != "deflate" else b""
    return unfolded


def _window_bits(body: bytes, name: str) -> int:
    # "deflate" means zlib's format, but some clients send the bare stream, whose first byte cannot be 0x?8.
    if name == "deflate" and body[0] & 15 != 8:
        return -15
    return _WINDOW_BITS[name]


def _broken() -> ApiError:
    return ApiError("SerializationException", "The request body is not in the encoding that its header states")


def accepts_gzip(accept_encoding: str) -> bool:
    """True if an Accept-Encoding header allows gzip."""
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() in ("gzip", "*"):
            quality = parameters.strip().removeprefix("q=").strip()
            return quality.strip("0.") != "" or quality == ""
    return False


def compress(body: bytes, headers: HeaderList, accept_encoding: str) -> tuple[bytes, HeaderList]:
    """The body and headers to send: gzipped where the client allows it and it pays. Checksums come after this."""
    if len(body) < COMPRESSION_MIN or not accepts_gzip(accept_encoding):
        return body, headers
    # A fixed time in the header: equal bodies give equal bytes.
    return gzip.compress(body, COMPRESSION_LEVEL, mtime=0), [*headers, ("Content-Encoding", "gzip")]
