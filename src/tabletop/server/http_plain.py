"""The plain request, which nearly every one is: a whole POST to "/" in one read. Taken apart without the parser.

The parser calls Python for each header, and each call costs as much as all of what is done here: header lines that were
seen before are looked up whole. What is not plain in every respect is left to the parser, which has the last word on what
is malformed: ``read_plain`` answers None, and nothing has happened.

    plain   POST / HTTP/1.1, lines ended by CR LF, names of the characters of a token, values of printable ASCII, no name
            twice, Content-Length exactly what follows the head
    not     anything that frames or ends a message in another way, or asks for an interim answer; a value that is empty
"""

from __future__ import annotations

import re

from tabletop.wire.http import HttpRequest, PlainRequest

LINES_MAX = 2000
LINE_BYTES_MAX = 256
"""A longer line is taken apart anew each time: what strangers send must not fill the memory."""

_REQUEST_LINE = b"POST / HTTP/1.1"
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}").fullmatch
_PRINTABLE = bytes(range(0x20, 0x7F))
_FRAMING = frozenset(
    ("connection", "transfer-encoding", "upgrade", "expect", "proxy-connection", "keep-alive", "te", "trailer")
)
_KEEPS_ALIVE = {
    line: ("connection", line[12:].decode())
    for line in (b"Connection: keep-alive", b"connection: keep-alive", b"Connection: Keep-Alive")
}
"""The only lines of these names that change nothing."""
_UNIQUE = frozenset(("authorization", "amz-sdk-invocation-id"))
"""Their values do not come again: not to be remembered."""


class _Unusual(Exception):
    """The head has a line that is for the parser."""


class _Lines(dict[bytes, tuple[str, str]]):
    """Header lines -> name in lower case and value."""

    def __missing__(self, line: bytes) -> tuple[str, str]:
        name, _, raw = line.partition(b":")
        key = _NAMES.get(name) or _learn_name(name)
        value = raw.strip(b" ")
        if not value or value.translate(None, _PRINTABLE):
            raise _Unusual
        pair = key, value.decode("ascii")
        if key not in _UNIQUE and len(line) <= LINE_BYTES_MAX:
            if len(self) >= LINES_MAX:
                self.clear()
                self.update(_KEEPS_ALIVE)
            self[line] = pair
        return pair


_LINES = _Lines(_KEEPS_ALIVE)
_line = _LINES.__getitem__
_NAMES: dict[bytes, str] = {}


def _learn_name(name: bytes) -> str:
    if not _TOKEN(name):
        raise _Unusual
    key = name.decode("ascii").lower()
    if key in _FRAMING:
        raise _Unusual
    if len(_NAMES) < LINES_MAX:
        _NAMES[name] = key
    return key


def read_plain(data: bytes, headers_max: int, peer: str, secure: bool) -> HttpRequest | None:
    """The request that ``data`` is, from its first byte to its last; None: it is for the parser."""
    lines = data.split(b"\r\n")
    if len(lines) < 3 or lines[0] != _REQUEST_LINE:
        return None
    body = lines.pop()
    # A body with line breaks would leave pieces of itself that are no headers, or are behind the empty line.
    if lines.pop():
        return None
    del lines[0]
    try:
        headers = dict(map(_line, lines))
    except _Unusual:
        return None
    if not len(headers) == len(lines) <= headers_max or headers.get("content-length") != str(len(body)):
        return None
    return PlainRequest(headers, body, peer, secure)
