"""GetSessionToken and GetFederationToken: temporary credentials of a user, or of the root, for itself or for others.

What they open is less than the user's own key does: IAM refuses them, unless the user's MFA device was verified for
them, and of STS they may call GetCallerIdentity and, with a session token of the user's own, AssumeRole.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.credentials import Keyring
from tabletop.iam.mfa_devices import verified
from tabletop.iam.operation import Answer, Change, Write, seconds
from tabletop.iam.records import ACCESS_KEYS, Document, federated_arn
from tabletop.iam.sessions import Owner, credentials_shape, packed_size, record_session, session_policies, session_tags
from tabletop.storage.store import Batch, View

SESSION_DEFAULT_S = 43_200
ROOT_SESSION_MAX_S = 3600


def operations(keyring: Keyring) -> dict[str, Write]:
    def get_session_token(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
        call = change.call
        _check_long_term(view, call, "GetSessionToken")
        drawn = change.credentials
        assert drawn is not None
        batch = Batch()
        more: Document = {"source": call.principal.arn}
        mfa_at = verified(keyring, view, batch, call, call.principal.unique_id, change.params, now)
        if mfa_at is not None:
            more["mfa_at"] = mfa_at
        expires = seconds(now) + _duration_s(change)
        record_session(view, batch, _owner(call, ""), drawn, now, expires, more)
        return {"Credentials": credentials_shape(drawn, expires)}, batch

    return {"GetSessionToken": get_session_token, "GetFederationToken": get_federation_token}


def get_federation_token(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
    """The session may do what its own policies and the user's allow together; without policies of its own, nothing."""
    call, params = change.call, change.params
    _check_long_term(view, call, "GetFederationToken")
    tags = session_tags(params)
    policies = session_policies(view, call.principal.account, params)
    packed = packed_size(params, tags)
    drawn = change.credentials
    assert drawn is not None
    expires = seconds(now) + _duration_s(change)
    name, account = params["Name"], call.principal.account
    batch = Batch()
    more = {"session_name": name, "policies": policies, "tags": tags, "source": call.principal.arn}
    record_session(view, batch, _owner(call, "federated-"), drawn, now, expires, more)
    user = {"FederatedUserId": f"{account}:{name}", "Arn": federated_arn(account, name)}
    return {"Credentials": credentials_shape(drawn, expires), "FederatedUser": user, **packed}, batch


def _owner(call: Call, prefix: str) -> Owner:
    principal = call.principal
    return Owner(principal.account, prefix + principal.kind, principal.name, principal.unique_id, principal.arn)


def _check_long_term(view: View, call: Call, action: str) -> None:
    record = ACCESS_KEYS.get(view, call.access_key_id) if call.access_key_id else None
    if record is not None and "token" in record:
        raise ApiError("AccessDenied", f"Cannot call {action} with session credentials", status=403)


def _duration_s(change: Change) -> int:
    """The root's sessions last an hour at most, whatever was asked for."""
    asked: int = change.params.get("DurationSeconds", SESSION_DEFAULT_S)
    return min(asked, ROOT_SESSION_MAX_S) if change.call.principal.kind == "root" else asked
