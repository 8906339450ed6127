"""Compressed bodies, gzip and deflate: in, of bounded size, and out."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache

from tabletop.base.errors import ApiError
from tabletop.wire.http import HeaderList

COMPRESSION_MIN = 4096
"""Shorter bodies are sent as they are; the bound that DynamoDB has."""

COMPRESSION_LEVEL = 1
"""On loopback and in one data centre, time is worth more than bytes."""

ENCODINGS = frozenset(("gzip", "x-gzip", "deflate", "identity"))
"""What a Content-Encoding may name."""

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
    while True:
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
        if not body:
            return unfolded


def _window_bits(body: bytes, name: str) -> int:
    # "deflate" means zlib's format, but some clients send the bare stream, whose first byte cannot be 0x?8.
    if name == "deflate" and body and body[0] & 15 != 8:
        return -15
    return _WINDOW_BITS[name]


def _broken() -> ApiError:
    return ApiError("SerializationException", "The request body is not in the encoding that its header states")


@lru_cache(maxsize=256)
def chosen_encoding(accept_encoding: str) -> str | None:
    """What DynamoDB compresses an answer with for this Accept-Encoding: "gzip", "deflate" or nothing.

    The highest quality wins, then what is named before "*", then the order of the header, then gzip. As observed of
    DynamoDB: a quality is the first "q=..." of an entry, above 1 or not a number it counts as 1; ``identity`` has no say.
    """
    named: dict[str, float] = {}
    for entry in accept_encoding.lower().split(","):
        name, _, parameters = entry.partition(";")
        name = name.strip()
        if name in ("gzip", "deflate", "*"):
            named[name] = max(named.get(name, 0.0), _quality(parameters))
    wildcard = named.pop("*", 0.0)
    choices = list(named.items()) + [(name, wildcard) for name in ("gzip", "deflate") if name not in named]
    best, quality = max(choices, key=lambda choice: choice[1])
    return best if quality > 0 else None


def _quality(parameters: str) -> float:
    _, found, rest = parameters.partition("q=")
    if not found:
        return 1.0
    try:
        return min(float(rest.partition(";")[0].strip()), 1.0)
    except ValueError:
        return 1.0


def compress(body: bytes, headers: HeaderList, accept_encoding: str) -> tuple[bytes, HeaderList]:
    """The body and headers to send: compressed where the client asks for it and it pays. Checksums come after this."""
    if len(body) < COMPRESSION_MIN:
        return body, headers
    encoding = chosen_encoding(accept_encoding)
    if encoding is None:
        return body, headers
    if encoding == "gzip":
        # A fixed time in the header: equal bodies give equal bytes.
        body = gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
    else:
        body = zlib.compress(body, COMPRESSION_LEVEL)
    return body, [*headers, ("Content-Encoding", encoding)]
