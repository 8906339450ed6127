"""Access keys that Tabletop issues: drawn, sealed at rest, opened again.

A key id is a four-letter prefix (AKIA: a user's, ASIA: a session's), ten random characters and six that are a keyed
checksum of the rest. So a key that was issued here and is gone (deleted, expired, swept) is still known as ours, and
is refused instead of being taken for a stranger's key, which acts as the root. A stranger's key passes for ours once
in a thousand million.

The document of a key (``records.ACCESS_KEYS``): account, kind (``user``, ``role``, ``root``; ``federated-user`` and
``federated-root`` for a session for others), owner (name), owner_id, owner_arn, secret (sealed with AES-GCM, bound to
the key id), active, created; of a session further: expires (seconds), token (SHA-256 of the session token),
session_name, source (who asked for it), policies (session policies), tags, transitive (names of tags), source_identity, mfa_at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tabletop.base.errors import StartupError, StorageUnavailable
from tabletop.base.files import read_private, write_private
from tabletop.base.randomness import new_secret_access_key, new_unique_id, random_bytes
from tabletop.iam.records import ACCESS_KEYS
from tabletop.storage.store import View

USER_KEY = "AKIA"
SESSION_KEY = "ASIA"
SERVICE_KEY = "ACCA"
"""Of service specific credentials."""
MFA_SEED = "AMFA"
"""Ours: the id that a device's seed is sealed under. Nobody is told it."""
KEY_BYTES = 32
_NONCE_BYTES = 12
_TOKEN_BYTES = 192
_CHECKSUM_SYMBOLS = 6
_KEY_ID_LENGTH = 20
KEY_ID_CHARACTERS_MAX = 128
_CACHE_ENTRIES_MAX = 4096


@dataclass(frozen=True, slots=True)
class DrawnCredentials:
    """Fresh credentials, drawn before the plan that records them. Only their owner is told ``secret`` and ``token``."""

    access_key_id: str
    secret: str
    sealed_secret: str
    token: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key's document, opened. ``expires`` in seconds since the epoch; None: never."""

    account: str
    kind: str
    owner: str
    owner_id: str
    owner_arn: str
    secret: str
    active: bool
    expires: float | None = None
    token_digest: str | None = None
    session_name: str = ""
    policies: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    source_identity: str = ""
    created: float | None = None
    """Seconds since the epoch."""
    mfa_at: float | None = None
    """When the session's MFA device was verified, in seconds since the epoch; None: it was asked for without one."""

    def token_matches(self, token: str | None) -> bool:
        if self.token_digest is None:
            return token is None
        return token is not None and hmac.compare_digest(digest_token(token), self.token_digest)


class Keyring:
    """Seals, opens and recognises access keys. ``key``: the 32 bytes of the data directory's key file."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES
        self._cipher = AESGCM(hmac.digest(key, b"tabletop access key secrets", "sha256"))
        self._checksum_key = hmac.digest(key, b"tabletop access key ids", "sha256")
        self._password_key = hmac.digest(key, b"tabletop console passwords", "sha256")
        self._opened: dict[str, tuple[bytes, Credentials]] = {}

    def draw(self, prefix: str) -> DrawnCredentials:
        stem = new_unique_id(prefix)[: _KEY_ID_LENGTH - _CHECKSUM_SYMBOLS]
        access_key_id = stem + self._checksum(stem)
        return self.seal(access_key_id, new_secret_access_key())

    def seal(self, access_key_id: str, secret: str) -> DrawnCredentials:
        token = base64.b64encode(random_bytes(_TOKEN_BYTES)).decode()
        nonce = random_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), access_key_id.encode())
        return DrawnCredentials(access_key_id, secret, base64.b64encode(sealed).decode(), token, digest_token(token))

    def unseal(self, access_key_id: str, sealed_secret: str) -> str:
        """The secret of ``seal``. StorageUnavailable when it was sealed with another key file."""
        sealed = base64.b64decode(sealed_secret)
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], access_key_id.encode()).decode()
        except InvalidTag:
            raise StorageUnavailable("the access key was sealed with another key file") from None

    def password_digest(self, salt: str, password: str) -> str:
        """What is kept of a console password: without the key file nobody can try words against it."""
        return hmac.digest(self._password_key, f"{salt}:{password}".encode(), "sha256").hex()

    def issued(self, access_key_id: str) -> bool:
        """Was this key id ever drawn here?"""
        if len(access_key_id) != _KEY_ID_LENGTH or not access_key_id.isascii():
            return False
        stem = access_key_id[:-_CHECKSUM_SYMBOLS]
        return hmac.compare_digest(self._checksum(stem), access_key_id[-_CHECKSUM_SYMBOLS:])

    def find(self, view: View, access_key_id: str) -> Credentials | None:
        """The key's credentials as the view has them. Opened once for the same stored bytes."""
        # A stranger's may be longer than a key of the store.
        raw = view.get(_record_key(access_key_id)) if len(access_key_id) <= KEY_ID_CHARACTERS_MAX else None
        if raw is None:
            self._opened.pop(access_key_id, None)
            return None
        known = self._opened.get(access_key_id)
        if known is not None and known[0] == raw:
            return known[1]
        credentials = self._open(access_key_id, orjson.loads(raw))
        if len(self._opened) >= _CACHE_ENTRIES_MAX:
            self._opened.pop(next(iter(self._opened)))
        self._opened[access_key_id] = (bytes(raw), credentials)
        return credentials

    def _open(self, access_key_id: str, document: dict[str, Any]) -> Credentials:
        return Credentials(
            account=document["account"],
            kind=document["kind"],
            owner=document["owner"],
            owner_id=document["owner_id"],
            owner_arn=document["owner_arn"],
            secret=self.unseal(access_key_id, document["secret"]),
            active=document["active"],
            expires=document.get("expires"),
            token_digest=document.get("token"),
            session_name=document.get("session_name", ""),
            policies=tuple(document.get("policies", ())),
            tags=document.get("tags", {}),
            source_identity=document.get("source_identity", ""),
            created=document.get("created"),
            mfa_at=document.get("mfa_at"),
        )

    def _checksum(self, stem: str) -> str:
        digest = hmac.digest(self._checksum_key, stem.encode(), "sha256")
        return base64.b32encode(digest).decode()[:_CHECKSUM_SYMBOLS]


@lru_cache(maxsize=_CACHE_ENTRIES_MAX)
def _record_key(access_key_id: str) -> bytes:
    return ACCESS_KEYS.key(access_key_id)


def open_key_file(path: Path) -> bytes:
    """The data directory's key, made at the first start and readable by its owner only. Raises StartupError, OSError.

    Without the file the keys that were issued cannot be opened any more: it belongs to the data.
    """
    key = read_private(path)
    if key is None:
        key = random_bytes(KEY_BYTES)
        write_private(path, key)
    if len(key) != KEY_BYTES:
        raise StartupError(f"the key file {path} is damaged: it must have {KEY_BYTES} bytes")
    return key


def digest_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
