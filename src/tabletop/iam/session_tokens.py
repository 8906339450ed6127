"""GetSessionToken and GetFederationToken: temporary credentials of a user, or of the root, for itself or for others.

What they open is less than the user's own key does: IAM refuses them, and of STS they may call GetCallerIdentity and,
with a session token of the user's own, AssumeRole (AWS: without MFA, which does not exist here).
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Change, Write, merge_tags, seconds
from tabletop.iam.records import ACCESS_KEYS, federated_arn
from tabletop.iam.sessions import Owner, credentials_shape, packed_size, record_session, session_policies
from tabletop.storage.store import Batch, View

SESSION_DEFAULT_S = 43_200
ROOT_SESSION_MAX_S = 3600


def get_session_token(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
    """Nobody has an MFA device here, so a request with a code of one is refused as one with a wrong code."""
    _check_long_term(view, change.call, "GetSessionToken")
    if "SerialNumber" in change.params or "TokenCode" in change.params:
        raise ApiError(
            "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ", status=403
        )
    drawn = change.credentials
    assert drawn is not None
    expires = seconds(now) + _duration_s(change)
    batch = Batch()
    record_session(view, batch, _owner(change.call, ""), drawn, now, expires, {"source": change.call.principal.arn})
    return {"Credentials": credentials_shape(drawn, expires)}, batch


def get_federation_token(view: View, change: Change, now: float) -> tuple[Answer, Batch]:
    """The session may do what its own policies and the user's allow together; without policies of its own, nothing."""
    call, params = change.call, change.params
    _check_long_term(view, call, "GetFederationToken")
    tags = merge_tags({}, params.get("Tags", ()))
    policies = session_policies(view, params)
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


WRITES: dict[str, Write] = {"GetSessionToken": get_session_token, "GetFederationToken": get_federation_token}


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
