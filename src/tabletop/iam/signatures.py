"""What a signed request says about its signer: the Authorization header, or the presigned query string, taken apart.

Pure. What is missing or has another form is raised as ``SignatureFault``, in the words that AWS uses; ``sigv4`` tells
whether the signature is right, ``signature_errors`` gives faults the error name of the service that was called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from time import strftime, strptime
from typing import TypeVar

from tabletop.wire.http import HttpRequest

K = TypeVar("K")
V = TypeVar("V")

ALGORITHM = "AWS4-HMAC-SHA256"
PRESIGNED_LIFE_MAX_S = 7 * 24 * 3600
CACHE_ENTRIES_MAX = 4096
REMEMBERED_CHARACTERS_MAX = 512
"""Longer texts are not kept: what strangers send must not fill the memory."""


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
    line: str
    """The scope without the key: date, region, service and terminator, as the text that is signed has them."""


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


# The beginning of a client's Authorization header is the same on every request of a day: it is taken apart once.
_scopes: dict[str, Scope] = {}


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
    line = f"{date}/{region}/{service}/{terminator}"
    return Scope(access_key_id, date, region, service, terminator, names, ";".join(names), line)


def _from_http_date(date: str) -> str:
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%Y%m%dT%H%M%SZ"):
        try:
            return strftime("%Y%m%dT%H%M%SZ", strptime(date, form))
        except ValueError:
            continue
    return date
