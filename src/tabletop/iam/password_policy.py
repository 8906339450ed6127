"""The account's password policy: kept, told, and held against every new password of a user.

AWS's default policy, which counts in an account without one of its own, is not enforced: test set-ups use short
passwords, and no console is behind them here.
"""

from __future__ import annotations

import re

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Change, Params, Read, Write
from tabletop.iam.records import PASSWORD_POLICIES, Document
from tabletop.storage.store import Batch, View

_DEFAULTS: Document = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
_OPTIONAL = ("MaxPasswordAge", "PasswordReusePrevention", "HardExpiry")
# (member, what a password must have, the refusal). The words are recalled, not checked against AWS.
_KINDS = (
    ("RequireUppercaseCharacters", re.compile("[A-Z]"), "Password should have at least one uppercase letter"),
    ("RequireLowercaseCharacters", re.compile("[a-z]"), "Password should have at least one lowercase letter"),
    ("RequireNumbers", re.compile("[0-9]"), "Password should have at least one number"),
    (
        "RequireSymbols",
        re.compile(r"[!@#$%^&*()_+\-=\[\]{}|']"),
        "Password should have at least one of the following special characters: ! @ # $ % ^ & * ( ) _ + - = [ ] { } | '",
    ),
)


def update_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """What the request does not name returns to AWS's default: nothing stays from before."""
    params = change.params
    policy = {name: params.get(name, default) for name, default in _DEFAULTS.items()}
    policy |= {name: params[name] for name in _OPTIONAL if name in params}
    batch = Batch()
    PASSWORD_POLICIES.put(batch, policy, change.account)
    return {}, batch


def get_policy(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    policy = PASSWORD_POLICIES.get(view, account)
    if policy is None:
        raise ApiError("NoSuchEntity", f"The Password Policy with domain name {account} cannot be found.", status=404)
    return {"PasswordPolicy": policy | {"ExpirePasswords": policy.get("MaxPasswordAge", 0) > 0}}


def delete_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    if PASSWORD_POLICIES.get(view, change.account) is None:
        raise ApiError("NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.", status=404)
    batch = Batch()
    PASSWORD_POLICIES.delete(batch, change.account)
    return {}, batch


def check_password(view: View, account: str, password: str) -> int:
    """PasswordPolicyViolation for what the policy refuses; otherwise how many former passwords may not be used again."""
    policy = PASSWORD_POLICIES.get(view, account)
    if policy is None:
        return 0
    if len(password) < policy["MinimumPasswordLength"]:
        raise violation(f"Password should have a minimum length of {policy['MinimumPasswordLength']}")
    for member, kind, words in _KINDS:
        if policy[member] and kind.search(password) is None:
            raise violation(words)
    kept: int = policy.get("PasswordReusePrevention", 0)
    return kept


def violation(message: str) -> ApiError:
    return ApiError("PasswordPolicyViolation", message, status=400)


WRITES: dict[str, Write] = {"UpdateAccountPasswordPolicy": update_policy, "DeleteAccountPasswordPolicy": delete_policy}
READS: dict[str, Read] = {"GetAccountPasswordPolicy": get_policy}
