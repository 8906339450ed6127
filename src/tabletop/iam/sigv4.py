"""Signature Version 4: whether the signature of a request is right.

Pure: no store and no clock. ``verify`` computes the signature again and compares; ``signatures`` has read it. What goes
wrong is raised as ``SignatureFault``, in the words that AWS uses.

The hash of the body is always computed here: a client's x-amz-content-sha256 is believed only for S3, where
UNSIGNED-PAYLOAD is allowed. Everywhere else a header that does not tell the body's hash ends in a mismatch, as on AWS.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from time import gmtime, strftime, strptime
from urllib.parse import quote, unquote

from tabletop.iam.signatures import (
    ALGORITHM,
    REMEMBERED_CHARACTERS_MAX,
    Fault,
    Scope,
    Signature,
    SignatureFault,
    remember,
)
from tabletop.wire.http import HttpRequest

TERMINATOR = "aws4_request"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_QUERY_SAFE = "-_.~"
_WHITE = " \t"
"""``str.strip`` would take the last byte of a name like "Skåne à" as well: in latin-1 it is white space."""
_SPACES = re.compile(f"[{_WHITE}]+")
_UNSIGNED_BODY_SERVICES = frozenset({"s3"})
_MUST_BE_SIGNED_IF_PRESENT = ("x-amz-target",)


def verify(request: HttpRequest, signature: Signature, secret: str, now: float, *, service: str, skew_s: int) -> None:
    """Return if ``secret`` made this signature for this request, lately enough; otherwise raise ``SignatureFault``.

    ``now`` in seconds since the epoch; ``skew_s`` is how far the client's clock may be off; ``service`` the signing
    name of the service that was called.
    """
    scope = signature.scope
    check_age(signature, now, skew_s)
    if scope.service != service or scope.terminator != TERMINATOR or signature.timestamp[:8] != scope.date:
        raise _wrong_scope(scope, signature, service)
    if "host" not in scope.signed_headers:
        raise SignatureFault(
            Fault.MISMATCH, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in _MUST_BE_SIGNED_IF_PRESENT:
        if name in request.headers and name not in scope.signed_headers:
            raise SignatureFault(
                Fault.MISMATCH, f"'{name}' must be a 'SignedHeader' in the AWS Authorization when it is present."
            )
    canonical = canonical_request(request, signature)
    key = signing_key(secret, scope.date, scope.region, scope.service)
    expected = key.sign(string_to_sign(signature, canonical))
    if not hmac.compare_digest(expected.encode(), signature.signature.encode("utf-8", "replace")):
        raise SignatureFault(Fault.MISMATCH)


def canonical_request(request: HttpRequest, signature: Signature) -> bytes:
    """The text whose hash is signed: method, path, query, signed headers, their names, body hash."""
    headers = request.headers
    scope = signature.scope
    path, query = request.path, request.query
    lines = [
        request.method,
        "/" if path == "/" else _canonical_path(path, scope.service),
        _canonical_query(query) if query else "",
    ]
    for name in scope.signed_headers:
        value = headers.get(name, "").strip(_WHITE)
        if "  " in value:
            value = _SPACES.sub(" ", value)
        lines.append(f"{name}:{value}")
    lines += ("", scope.signed_headers_line, _payload_hash(request, signature))
    # Header values arrive as latin-1 text, byte for byte as they were sent and signed.
    text = "\n".join(lines)
    return text.encode("ascii") if text.isascii() else text.encode("latin-1", "replace")


def string_to_sign(signature: Signature, canonical: bytes) -> bytes:
    digest = hashlib.sha256(canonical).hexdigest()
    return f"{ALGORITHM}\n{signature.timestamp}\n{signature.scope.line}\n{digest}".encode("utf-8", "replace")


class SigningKey:
    """The key derived from a secret for one day, region and service.

    What every HMAC under it begins with is hashed once (RFC 2104), which leaves two fifths of the time of ``hmac.digest``.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: str, date: str, region: str, service: str) -> None:
        key = ("AWS4" + secret).encode("utf-8", "replace")
        for part in (date, region, service, TERMINATOR):
            key = hmac.digest(key, part.encode("utf-8", "replace"), "sha256")
        block = key.ljust(_HMAC_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, text: bytes) -> str:
        """HMAC-SHA256 of the text, in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()


_HMAC_BLOCK_BYTES = 64
_signing_keys: dict[tuple[str, str, str, str], SigningKey] = {}


def signing_key(secret: str, date: str, region: str, service: str) -> SigningKey:
    """Derived once, then remembered (bounded)."""
    identity = (secret, date, region, service)
    key = _signing_keys.get(identity)
    if key is None:
        key = SigningKey(secret, date, region, service)
        if len(region) + len(service) <= REMEMBERED_CHARACTERS_MAX:
            remember(_signing_keys, identity, key)
    return key


def parse_timestamp(timestamp: str) -> float | None:
    """Seconds since the epoch of YYYYMMDDTHHMMSSZ; None when it is not of that form."""
    if len(timestamp) != 16 or not timestamp.isascii():
        return None
    try:
        return float(timegm(strptime(timestamp, "%Y%m%dT%H%M%SZ")))
    except ValueError:
        return None


def format_timestamp(seconds: float) -> str:
    return strftime("%Y%m%dT%H%M%SZ", gmtime(seconds))


_timestamps: dict[str, float] = {}


def _wrong_scope(scope: Scope, signature: Signature, service: str) -> SignatureFault:
    if scope.terminator != TERMINATOR:
        said = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{scope.terminator}'."
    elif scope.service != service:
        said = f"Credential should be scoped to correct service: '{service}'. "
    else:
        said = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.date}' != '{signature.timestamp[:8]}', from '{signature.timestamp}'."
        )
    return SignatureFault(Fault.MISMATCH, said)


def check_age(signature: Signature, now: float, skew_s: int) -> None:
    """Raise ``SignatureFault`` for a signature that is too old or from the future. AWS looks at this before all else."""
    timestamp = signature.timestamp
    signed_at = _timestamps.get(timestamp)
    if signed_at is None:
        signed_at = parse_timestamp(timestamp)
        if signed_at is not None:
            remember(_timestamps, timestamp, signed_at)
    if signed_at is None:
        raise SignatureFault(
            Fault.INCOMPLETE,
            f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601",
        )
    life_s = signature.expires_s if signature.presigned else skew_s
    if signed_at < now - life_s:
        raise SignatureFault(
            Fault.SKEW,
            f"Signature expired: {timestamp} is now earlier than {format_timestamp(now - life_s)} "
            f"({format_timestamp(now)} - {_span(life_s)}.)",
        )
    if signed_at > now + skew_s:
        raise SignatureFault(
            Fault.SKEW,
            f"Signature not yet current: {timestamp} is still later than {format_timestamp(now + skew_s)} "
            f"({format_timestamp(now)} + {_span(skew_s)}.)",
        )


def _span(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} sec"


def _payload_hash(request: HttpRequest, signature: Signature) -> str:
    if signature.scope.service in _UNSIGNED_BODY_SERVICES:
        claimed = UNSIGNED_PAYLOAD if signature.presigned else request.headers.get("x-amz-content-sha256", "")
        if claimed == UNSIGNED_PAYLOAD:
            return claimed
        computed = hashlib.sha256(request.body).hexdigest()
        if claimed != computed:
            raise SignatureFault(Fault.BODY_HASH)
        return computed
    return hashlib.sha256(request.body).hexdigest()


def _canonical_path(path: str, service: str) -> str:
    if path in ("/", ""):
        return "/"
    if service in _UNSIGNED_BODY_SERVICES:
        return quote(unquote(path), safe="/" + _QUERY_SAFE)
    # The path on the wire is quoted once already; except for S3 it is normalised and quoted a second time.
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    normal = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(normal, safe="/" + _QUERY_SAFE)


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part and name != "X-Amz-Signature":
            pairs.append((_requote(name), _requote(value)))
    pairs.sort()
    return "&".join(f"{name}={value}" for name, value in pairs)


def _requote(text: str) -> str:
    # A plus is the space that ``query_pairs`` takes it for: signed as anything else, it could be put in the place of %2B.
    text = text.replace("+", " ")
    # errors="surrogateescape" keeps bytes that are no UTF-8 as they are, both ways.
    return quote(unquote(text, errors="surrogateescape"), safe=_QUERY_SAFE, errors="surrogateescape")
