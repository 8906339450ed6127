"""Who sent this request: signature -> Principal, region and access key id.

    access key id                          ``enforce`` (default)             ``strict``
    issued here, active                    verified, limited by policies     the same
    issued here, gone, inactive, expired   refused                           refused
    of a role or user that is gone         refused                           refused
    the root's own (``root_key``)          verified                          verified
    ``test``                               root of 000000000000, unchecked   refused
    twelve digits                          root of that account, unchecked   refused
    any other                              root of 000000000000, unchecked   refused

A request without a signature is refused in both. A root's own key may be ``test`` too, where the user chose so. Keys
in the last row are counted and named once in the log.
With ``off`` nothing is verified or refused: everybody is the root of the account that the key belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tabletop.base.call import ROOT_ACCOUNT, Principal
from tabletop.base.log import Log
from tabletop.iam.credentials import Credentials, Keyring
from tabletop.iam.holdings import Holdings, holder_key
from tabletop.iam.records import federated_arn, session_arn
from tabletop.iam.signature_errors import family, signature_error, signing_name
from tabletop.iam.signatures import (
    REMEMBERED_CHARACTERS_MAX,
    Fault,
    Signature,
    SignatureFault,
    read_signature,
    remember,
)
from tabletop.iam.sigv4 import check_age, verify
from tabletop.iam.unverifiable import refuse_unsigned
from tabletop.storage.store import View
from tabletop.wire.http import HttpRequest

TEST_KEY_ID = "test"
_NAMED_STRANGERS_MAX = 100
_PRINCIPALS_MAX = 4096
_log = Log("iam")

Mode = Literal["enforce", "strict", "off"]


@dataclass(slots=True)
class Identity:
    """The answer of ``authenticate``. ``region`` comes from the credential scope; empty where there is none.

    Never changed; but ``frozen`` would triple the time to make one, which every request pays.
    """

    principal: Principal
    region: str
    access_key_id: str
    issued: bool = False
    """The key is one that was issued here, and signed this request."""


def root_of(account: str) -> Principal:
    return Principal(kind="root", account=account, arn=f"arn:aws:iam::{account}:root", unique_id=account)


class Authenticator:
    """``authenticate`` with its key ring, mode, and what it remembers."""

    def __init__(self, keyring: Keyring, holdings: Holdings, *, mode: Mode = "enforce") -> None:
        self._keyring = keyring
        self._holdings = holdings
        self._mode = mode
        self._identities: dict[str, tuple[Credentials, Identity]] = {}
        """The beginning of an Authorization header -> whose it is, as long as the key's credentials are the same."""
        self._roots: dict[str, Principal] = {}
        self._named: set[str] = set()
        self._unchecked: dict[str, Identity] = {}
        """The beginning of an Authorization header that names the test key -> whose it is, where nothing is verified."""
        self.strangers = 0
        """Requests that were signed with a key nobody here knows, and acted as the root."""

    @property
    def enforcing(self) -> bool:
        return self._mode != "off"

    def authenticate(self, view: View, request: HttpRequest, service: str, now: float) -> Identity:
        """The sender of ``request``. ``service`` is the model name of the service it was routed to.

        Raises ApiError in that service's words.
        """
        if self._mode == "off":
            return self._anybody(view, request)
        head, _, value = request.headers.get("authorization", "").rpartition("Signature=")
        unchecked = self._unchecked.get(head)
        if unchecked is not None and value and "," not in value and "x-amz-date" in request.headers:
            return unchecked
        try:
            signature = read_signature(request)
            access_key_id = signature.scope.access_key_id
            credentials = self._keyring.find(view, access_key_id)
            if credentials is not None:
                self._check(view, request, signature, credentials, service, now)
                return self._issued(head if value and "," not in value else "", signature, credentials)
            principal = self._keyless(request, signature, service, now)
        except SignatureFault as fault:
            if fault.fault is Fault.MISSING:
                refuse_unsigned(view, request, service)
            raise signature_error(service, fault) from None
        identity = Identity(principal, signature.scope.region, access_key_id)
        if access_key_id == TEST_KEY_ID and 0 < len(head) <= REMEMBERED_CHARACTERS_MAX:
            remember(self._unchecked, head, identity)
        return identity

    def _anybody(self, view: View, request: HttpRequest) -> Identity:
        try:
            scope = read_signature(request).scope
        except SignatureFault:
            return Identity(self._root(ROOT_ACCOUNT), "", "")
        key_id = scope.access_key_id
        credentials = self._keyring.find(view, key_id)
        if credentials is not None:
            account = credentials.account
        else:
            account = key_id if _is_account(key_id) else ROOT_ACCOUNT
        return Identity(self._root(account), scope.region, key_id)

    def _check(
        self,
        view: View,
        request: HttpRequest,
        signature: Signature,
        credentials: Credentials,
        service: str,
        now: float,
    ) -> None:
        if not credentials.active or not credentials.token_matches(signature.session_token):
            raise SignatureFault(Fault.UNKNOWN_KEY)
        # The signature first: only who holds the secret learns that the session has expired.
        _verify(request, signature, credentials.secret, service, now)
        if credentials.expires is not None:
            if not self._has_owner(view, credentials):
                raise SignatureFault(Fault.UNKNOWN_KEY)
            if credentials.expires <= now:
                raise SignatureFault(Fault.EXPIRED_TOKEN)
        if service == "iam" and credentials.token_digest is not None and not _may_call_iam(credentials):
            raise SignatureFault(Fault.UNKNOWN_KEY)

    def _has_owner(self, view: View, credentials: Credentials) -> bool:
        """A session ends with its role or user: one of the same name that was made later is another."""
        kind = credentials.kind.removeprefix("federated-")
        if kind == "root":
            return True
        kind = "assumed-role" if kind == "role" else kind
        holder = self._holdings.holder(view, holder_key(kind, credentials.account, credentials.owner))
        return holder is not None and holder.record_id == credentials.owner_id

    def _keyless(self, request: HttpRequest, signature: Signature, service: str, now: float) -> Principal:
        access_key_id = signature.scope.access_key_id
        if self._keyring.issued(access_key_id):
            raise SignatureFault(Fault.EXPIRED_TOKEN if signature.session_token else Fault.UNKNOWN_KEY)
        if self._mode == "strict":
            check_age(signature, now, family(service).skew_s)
            raise SignatureFault(Fault.UNKNOWN_KEY)
        if _is_account(access_key_id):
            return self._root(access_key_id)
        if access_key_id != TEST_KEY_ID:
            self._note_stranger(access_key_id)
        return self._root(ROOT_ACCOUNT)

    def _note_stranger(self, access_key_id: str) -> None:
        self.strangers += 1
        if access_key_id not in self._named and len(self._named) < _NAMED_STRANGERS_MAX:
            self._named.add(access_key_id)
            _log.warning("an unknown access key acts as the root", access_key_id=access_key_id[:128])

    def _root(self, account: str) -> Principal:
        principal = self._roots.get(account)
        if principal is None:
            if len(self._roots) >= _PRINCIPALS_MAX:
                self._roots.clear()
            principal = self._roots[account] = root_of(account)
        return principal

    def _issued(self, head: str, signature: Signature, credentials: Credentials) -> Identity:
        """``head``: all of the Authorization header but the signature; empty where that does not stand last."""
        known = self._identities.get(head)
        if known is not None and known[0] is credentials:
            return known[1]
        scope = signature.scope
        identity = Identity(principal_of(credentials), scope.region, scope.access_key_id, issued=True)
        if 0 < len(head) <= REMEMBERED_CHARACTERS_MAX:
            remember(self._identities, head, (credentials, identity))
        return identity


def _may_call_iam(credentials: Credentials) -> bool:
    """Sessions of roles, and those of GetSessionToken that were asked for with an MFA device; none of GetFederationToken."""
    return credentials.kind == "role" or (credentials.kind == "user" and credentials.mfa_at is not None)


def _verify(request: HttpRequest, signature: Signature, secret: str, service: str, now: float) -> None:
    verify(request, signature, secret, now, service=signing_name(service), skew_s=family(service).skew_s)


def _is_account(access_key_id: str) -> bool:
    return len(access_key_id) == 12 and access_key_id.isascii() and access_key_id.isdigit()


def principal_of(credentials: Credentials) -> Principal:
    """Whom the credentials make: a user, or a role's session."""
    account, owner = credentials.account, credentials.owner
    if credentials.kind == "role":
        return Principal(
            kind="assumed-role",
            account=account,
            arn=session_arn(account, owner, credentials.session_name),
            unique_id=f"{credentials.owner_id}:{credentials.session_name}",
            name=owner,
            session_name=credentials.session_name,
        )
    if credentials.kind.startswith("federated-"):
        return Principal(
            kind="federated-user",
            account=account,
            arn=federated_arn(account, credentials.session_name),
            unique_id=f"{account}:{credentials.session_name}",
            name=owner,
            session_name=credentials.session_name,
        )
    if credentials.kind == "root":
        return root_of(account)
    return Principal(
        kind="user", account=account, arn=credentials.owner_arn, unique_id=credentials.owner_id, name=owner
    )
