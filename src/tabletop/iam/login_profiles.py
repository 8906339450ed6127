"""Login profiles: the console passwords of users. No console takes them here; they are kept, as digests, and changed."""

from __future__ import annotations

import hmac

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.credentials import Keyring
from tabletop.iam.kinds import USER
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds, validation_error
from tabletop.iam.password_policy import check_password, violation
from tabletop.iam.records import LOGIN_PROFILES, Document
from tabletop.iam.users import own_name
from tabletop.storage.store import Batch, View

_FORMER_KEPT = 24
"""As many as a password policy can forbid."""


def operations(keyring: Keyring) -> tuple[dict[str, Write], dict[str, Read]]:
    def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        user = USER.find(view, change.account, own_name(change.call, change.params))
        if LOGIN_PROFILES.get(view, change.account, user["id"]) is not None:
            raise ApiError("EntityAlreadyExists", f"Login Profile for user {user['name']} already exists.", status=409)
        if "Password" not in change.params:
            # Inferred words: AWS takes a profile without a password for sessions of AssumeRoot alone.
            raise validation_error("Must specify a password when calling with credentials of this account")
        record: Document = {
            "created": seconds(now),
            "reset": change.params.get("PasswordResetRequired", False),
            "former": [],
        }
        _set_password(keyring, view, change, record, change.params["Password"], now)
        return {"LoginProfile": _shape(user, record)}, _stored(change, user, record)

    def update(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        user, record = _find(view, change.call, change.params)
        if "Password" in change.params:
            _set_password(keyring, view, change, record, change.params["Password"], now)
        record["reset"] = change.params.get("PasswordResetRequired", record["reset"])
        return {}, _stored(change, user, record)

    def change_password(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        if change.call.principal.kind != "user":
            raise ApiError("InvalidUserType", "Only IAM Users can change their own password", status=400)
        user, record = _find(view, change.call, {})
        if not _is(keyring, record["salt"], record["digest"], change.params["OldPassword"]):
            # Recalled words.
            raise ApiError("AccessDenied", "The old password was incorrect.", status=403)
        _set_password(keyring, view, change, record, change.params["NewPassword"], now)
        record["reset"] = False
        return {}, _stored(change, user, record)

    writes: dict[str, Write] = {
        "CreateLoginProfile": create,
        "UpdateLoginProfile": update,
        "DeleteLoginProfile": delete,
        "ChangePassword": change_password,
    }
    return writes, {"GetLoginProfile": get}


def get(view: View, call: Call, params: Params) -> Answer:
    user, record = _find(view, call, params)
    return {"LoginProfile": _shape(user, record)}


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    user, _ = _find(view, change.call, change.params)
    batch = Batch()
    LOGIN_PROFILES.delete(batch, change.account, user["id"])
    return {}, batch


def _find(view: View, call: Call, params: Params) -> tuple[Document, Document]:
    """(user, login profile)"""
    account = call.principal.account
    user = USER.find(view, account, own_name(call, params))
    record = LOGIN_PROFILES.get(view, account, user["id"])
    if record is None:
        raise ApiError("NoSuchEntity", f"Login Profile for User {user['name']} cannot be found.", status=404)
    return user, record


def _set_password(keyring: Keyring, view: View, change: Change, record: Document, password: str, now: float) -> None:
    forbidden = check_password(view, change.account, password)
    former = ([[record["salt"], record["digest"]]] if "digest" in record else []) + record["former"]
    if any(_is(keyring, salt, digest, password) for salt, digest in former[:forbidden]):
        # Recalled words.
        raise violation("Password has been used before")
    record["former"] = former[:_FORMER_KEPT]
    record["salt"] = change.unique_id
    record["digest"] = keyring.password_digest(change.unique_id, password)
    record["changed"] = seconds(now)


def _is(keyring: Keyring, salt: str, digest: str, password: str) -> bool:
    return hmac.compare_digest(keyring.password_digest(salt, password), digest)


def _stored(change: Change, user: Document, record: Document) -> Batch:
    batch = Batch()
    LOGIN_PROFILES.put(batch, record, change.account, user["id"])
    return batch


def _shape(user: Document, record: Document) -> Answer:
    return {"UserName": user["name"], "CreateDate": record["created"], "PasswordResetRequired": record["reset"]}
