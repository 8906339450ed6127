"""Signature Version 4: what a signed request says about its signer, and whether the signature is right.

Pure: no store and no clock. ``read_signature`` takes apart the Authorization header or the presigned query string;
``verify`` computes the signature again and compares. What goes wrong is raised as ``SignatureFault``, in the words
that AWS uses; ``signature_errors`` gives it the error name of the service that was called.

The hash of the body is always computed here: a client's x-amz-content-sha256 is believed only for S3, where
UNSIGNED-PAYLOAD is allowed. Everywhere else a header that does not tell the body's hash ends in a mismatch, as on AWS.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from dataclasses import dataclass
from enum import Enum
from time import gmtime, strftime, strptime
from typing import TypeVar
from urllib.parse import quote, unquote

from tabletop.wire.http import HttpRequest

K = TypeVar("K")
V = TypeVar("V")

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
PRESIGNED_LIFE_MAX_S = 7 * 24 * 3600
CACHE_ENTRIES_MAX = 4096
REMEMBERED_CHARACTERS_MAX = 512
"""Longer texts are not kept: what strangers send must not fill the memory."""
_QUERY_SAFE = "-_.~"
_WHITE = " \t"
"""``str.strip`` would take the last byte of a name like "Skåne à" as well: in latin-1 it is white space."""
_SPACES = re.compile(f"[{_WHITE}]+")
_UNSIGNED_BODY_SERVICES = frozenset({"s3"})
_MUST_BE_SIGNED_IF_PRESENT = ("x-amz-target",)


class Fault(Enum):
    """What can be wrong with a signature; each service has its own error name for it."""

    MISSING = "missing"
    INCOMPLETE = "incomplete"
    UNKNOWN_KEY = "unknown-key"
    MISMATCH = "mismatch"
    SKEW = "skew"
    EXPIRED_TOKEN = "expired-token"
    BODY_HASH = "body-hash"


class SignatureFault(Exception):
    """``message`` None: the service's usual words for this fault."""

    def __init__(self, fault: Fault, message: str | None = None) -> None:
        super().__init__(fault, message)
        self.fault = fault
        self.message = message


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope and what was signed: the part of a signature that a client repeats on every request."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signed_headers_line: str
    """The same, as the text that is signed has them."""


@dataclass(slots=True)
class Signature:
    """A signature as the request carries it. ``timestamp`` is YYYYMMDDTHHMMSSZ; ``expires_s`` only when presigned."""

    scope: Scope
    signature: str
    timestamp: str
    session_token: str | None
    presigned: bool = False
    expires_s: int = 0


def read_signature(request: HttpRequest) -> Signature:
    """The signature that the request carries; ``SignatureFault`` when there is none or it is not whole."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _from_header(request, authorization)
    if "X-Amz-Algorithm=" in request.query:
        return _from_query(request)
    raise SignatureFault(Fault.MISSING)


def verify(request: HttpRequest, signature: Signature, secret: str, now: float, *, service: str, skew_s: int) -> None:
    """Return if ``secret`` made this signature for this request, lately enough; otherwise raise ``SignatureFault``.

    ``now`` in seconds since the epoch; ``skew_s`` is how far the client's clock may be off; ``service`` the signing
    name of the service that was called.
    """
    scope = signature.scope
    check_age(signature, now, skew_s)
    _check_scope(scope, signature, service)
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
    expected = hmac.digest(key, string_to_sign(signature, canonical), "sha256").hex()
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
    scope = signature.scope
    digest = hashlib.sha256(canonical).hexdigest()
    return (
        f"{ALGORITHM}\n{signature.timestamp}\n{scope.date}/{scope.region}/{scope.service}/{TERMINATOR}\n{digest}"
    ).encode("utf-8", "replace")


_signing_keys: dict[tuple[str, str, str, str], bytes] = {}


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key derived from the secret for one day, region and service; derived once, then remembered (bounded)."""
    identity = (secret, date, region, service)
    key = _signing_keys.get(identity)
    if key is None:
        key = ("AWS4" + secret).encode("utf-8", "replace")
        for part in (date, region, service, TERMINATOR):
            key = hmac.digest(key, part.encode("utf-8", "replace"), "sha256")
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


# The beginning of a client's Authorization header is the same on every request of a day: it is taken apart once.
_scopes: dict[str, Scope] = {}
_timestamps: dict[str, float] = {}


def remember(cache: dict[K, V], key: K, value: V) -> None:
    """Keep what was made of ``key``; the oldest entry of a full cache makes room."""
    if len(cache) >= CACHE_ENTRIES_MAX:
        cache.pop(next(iter(cache)))
    cache[key] = value


def _from_header(request: HttpRequest, authorization: str) -> Signature:
    timestamp = request.headers.get("x-amz-date")
    head, mark, value = authorization.rpartition("Signature=")
    scope = _scopes.get(head)
    if scope is None or not mark or not value or timestamp is None or "," in value:
        fields = _header_fields(authorization, timestamp or request.headers.get("date"))
        scope = _read_scope(fields["Credential"], fields["SignedHeaders"])
        value = fields["Signature"]
        if authorization.endswith("Signature=" + value) and len(head) <= REMEMBERED_CHARACTERS_MAX:
            remember(_scopes, head, scope)
        timestamp = timestamp or _from_http_date(request.headers.get("date", ""))
    return Signature(scope, value.strip(), timestamp, request.headers.get("x-amz-security-token"))


def _header_fields(authorization: str, date: str | None) -> dict[str, str]:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise SignatureFault(Fault.INCOMPLETE, f"Unsupported AWS 'algorithm': '{algorithm}'.")
    fields: dict[str, str] = {}
    # AWS takes commas, white space or both between the parts.
    for part in rest.replace(",", " ").split():
        name, _, value = part.partition("=")
        if name in fields:
            # Also where two headers came, which are one by now. Inferred words.
            raise SignatureFault(Fault.INCOMPLETE, f"Authorization header has more than one '{name}' parameter.")
        fields[name] = value
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if not date:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        raise SignatureFault(Fault.INCOMPLETE, " ".join(missing) + f" Authorization={algorithm}")
    return fields


def _from_query(request: HttpRequest) -> Signature:
    fields = dict(request.query_pairs())
    if fields.get("X-Amz-Algorithm") != ALGORITHM:
        raise SignatureFault(Fault.INCOMPLETE, f"Unsupported AWS 'algorithm': '{fields.get('X-Amz-Algorithm', '')}'.")
    missing = [
        f"AWS query-string parameters must include '{name}'."
        for name in ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
        if not fields.get(name)
    ]
    if missing:
        raise SignatureFault(Fault.INCOMPLETE, " ".join(missing) + " Re-examine the query-string parameters.")
    life = fields.get("X-Amz-Expires", "300")
    if not (life.isascii() and life.isdigit() and len(life) < 9 and 0 < int(life) <= PRESIGNED_LIFE_MAX_S):
        raise SignatureFault(
            Fault.INCOMPLETE, "X-Amz-Expires must be a number of seconds between 1 and 604800 (seven days)."
        )
    return Signature(
        _read_scope(fields["X-Amz-Credential"], fields["X-Amz-SignedHeaders"]),
        fields["X-Amz-Signature"],
        fields["X-Amz-Date"],
        fields.get("X-Amz-Security-Token"),
        presigned=True,
        expires_s=int(life),
    )


def _read_scope(credential: str, signed_headers: str) -> Scope:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        raise SignatureFault(
            Fault.INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got: '{credential}'.",
        )
    access_key_id, date, region, service, terminator = parts
    names = tuple(signed_headers.lower().split(";"))
    return Scope(access_key_id, date, region, service, terminator, names, ";".join(names))


def _from_http_date(date: str) -> str:
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%Y%m%dT%H%M%SZ"):
        try:
            return strftime("%Y%m%dT%H%M%SZ", strptime(date, form))
        except ValueError:
            continue
    return date


def _check_scope(scope: Scope, signature: Signature, service: str) -> None:
    if scope.terminator != TERMINATOR:
        raise SignatureFault(
            Fault.MISMATCH,
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{scope.terminator}'.",
        )
    if scope.service != service:
        raise SignatureFault(Fault.MISMATCH, f"Credential should be scoped to correct service: '{service}'. ")
    if not signature.timestamp.startswith(scope.date) or len(scope.date) != 8:
        raise SignatureFault(
            Fault.MISMATCH,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.date}' != '{signature.timestamp[:8]}', from '{signature.timestamp}'.",
        )


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
