"""Login profiles and the account's password policy."""

from __future__ import annotations

import csv
import io

import pytest

from tabletop.base.call import ROOT_ACCOUNT, Principal
from tabletop.base.clock import ManualClock

from .conftest import NOW, Api, DictStore


@pytest.fixture
def alice(api: Api) -> Api:
    api("CreateUser", UserName="alice")
    return api


# A profile is made once, told without its password, renewed, and stands in the way of the user's end.
def test_a_login_profile(alice: Api, store: DictStore) -> None:
    made = alice("CreateLoginProfile", UserName="alice", Password="first-Word1", PasswordResetRequired=True)
    assert made["LoginProfile"] == {"UserName": "alice", "CreateDate": NOW, "PasswordResetRequired": True}
    assert alice.refusal("CreateLoginProfile", UserName="alice", Password="x") == (
        "EntityAlreadyExists",
        409,
        "Login Profile for user alice already exists.",
    )
    alice("UpdateLoginProfile", UserName="alice", PasswordResetRequired=False)
    alice("UpdateUser", UserName="alice", NewUserName="bob")
    assert alice("GetLoginProfile", UserName="bob")["LoginProfile"]["PasswordResetRequired"] is False
    assert not any(b"first-Word1" in value for value in store.content.values())
    assert alice.refusal("DeleteUser", UserName="bob") == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete login profile first.",
    )
    alice("DeleteLoginProfile", UserName="bob")
    gone = ("NoSuchEntity", 404, "Login Profile for User bob cannot be found.")
    for action in ("GetLoginProfile", "DeleteLoginProfile", "UpdateLoginProfile"):
        assert alice.refusal(action, UserName="bob") == gone
    alice("DeleteUser", UserName="bob")


# A user changes the own password and must know the old one; nobody else has a password to change.
def test_changing_the_own_password(alice: Api) -> None:
    alice("CreateLoginProfile", UserName="alice", Password="one", PasswordResetRequired=True)
    user = alice("GetUser", UserName="alice")["User"]
    principal = Principal("user", ROOT_ACCOUNT, user["Arn"], user["UserId"], "alice")
    wrong = alice.refusal("ChangePassword", principal=principal, OldPassword="two", NewPassword="three")
    assert wrong == ("AccessDenied", 403, "The old password was incorrect.")
    alice("ChangePassword", principal=principal, OldPassword="one", NewPassword="two")
    assert alice("GetLoginProfile", UserName="alice")["LoginProfile"]["PasswordResetRequired"] is False
    assert alice.refusal("ChangePassword", OldPassword="two", NewPassword="three")[0] == "InvalidUserType"


# The policy has AWS's defaults for all that a request leaves out, also for what an earlier request set.
def test_the_password_policy(api: Api) -> None:
    nothing = ("NoSuchEntity", 404, "The Password Policy with domain name 000000000000 cannot be found.")
    assert api.refusal("GetAccountPasswordPolicy") == nothing
    assert api.refusal("DeleteAccountPasswordPolicy") == (
        "NoSuchEntity",
        404,
        "The account policy with name PasswordPolicy cannot be found.",
    )
    api("UpdateAccountPasswordPolicy", MaxPasswordAge=90, PasswordReusePrevention=3, HardExpiry=True)
    kept = api("GetAccountPasswordPolicy")["PasswordPolicy"]
    assert (kept["ExpirePasswords"], kept["MaxPasswordAge"], kept["PasswordReusePrevention"]) == (True, 90, 3)
    api("UpdateAccountPasswordPolicy", RequireNumbers=True)
    assert api("GetAccountPasswordPolicy")["PasswordPolicy"] == {
        "MinimumPasswordLength": 6,
        "RequireSymbols": False,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
    }
    api("DeleteAccountPasswordPolicy")
    assert api.refusal("GetAccountPasswordPolicy") == nothing


# Each rule of the policy refuses a password that lacks just that.
@pytest.mark.parametrize(
    ("rule", "refused", "taken", "words"),
    [
        ({"MinimumPasswordLength": 9}, "12345678", "123456789", "minimum length of 9"),
        ({"RequireNumbers": True}, "abcdef", "abcde1", "one number"),
        ({"RequireSymbols": True}, "abcdef", "abcde'", "special characters"),
        ({"RequireUppercaseCharacters": True}, "abcdef", "abcdeF", "uppercase"),
        ({"RequireLowercaseCharacters": True}, "ABCDEF", "ABCDEf", "lowercase"),
    ],
)
def test_passwords_obey_the_policy(alice: Api, rule: dict[str, object], refused: str, taken: str, words: str) -> None:
    alice("UpdateAccountPasswordPolicy", **rule)
    code, status, message = alice.refusal("CreateLoginProfile", UserName="alice", Password=refused)
    assert (code, status) == ("PasswordPolicyViolation", 400)
    assert words in message
    alice("CreateLoginProfile", UserName="alice", Password=taken)


# As many former passwords as the policy says may not come back; an older one may.
def test_passwords_are_not_used_again(alice: Api) -> None:
    alice("UpdateAccountPasswordPolicy", PasswordReusePrevention=2)
    alice("CreateLoginProfile", UserName="alice", Password="first1")
    alice("UpdateLoginProfile", UserName="alice", Password="second")
    for used in ("first1", "second"):
        assert alice.refusal("UpdateLoginProfile", UserName="alice", Password=used)[0] == "PasswordPolicyViolation"
    alice("UpdateLoginProfile", UserName="alice", Password="third3")
    alice("UpdateLoginProfile", UserName="alice", Password="first1")


# The credential report is there once it was asked for, tells of every credential, and is made anew after four hours.
def test_the_credential_report(alice: Api, clock: ManualClock) -> None:
    assert alice.refusal("GetCredentialReport")[:2] == ("ReportNotPresent", 410)
    key = alice("CreateAccessKey", UserName="alice")["AccessKey"]["AccessKeyId"]
    alice("UpdateAccessKey", UserName="alice", AccessKeyId=key, Status="Inactive")
    alice("CreateLoginProfile", UserName="alice", Password="secret")
    assert alice("GenerateCredentialReport")["State"] == "STARTED"
    assert alice("GenerateCredentialReport") == {"State": "COMPLETE"}
    report = alice("GetCredentialReport")
    assert (report["ReportFormat"], report["GeneratedTime"]) == ("text/csv", NOW)
    root, line = csv.DictReader(io.StringIO(report["Content"].decode()))
    assert (root["user"], root["arn"]) == ("<root_account>", "arn:aws:iam::000000000000:root")
    assert (line["user"], line["password_enabled"], line["mfa_active"]) == ("alice", "true", "false")
    assert line["user_creation_time"] == "2025-06-15T15:06:40+00:00"
    assert (line["access_key_1_active"], line["access_key_1_last_used_date"]) == ("false", "N/A")
    assert (line["access_key_2_active"], line["access_key_2_last_rotated"]) == ("false", "N/A")
    assert (line["cert_2_active"], line["cert_2_last_rotated"]) == ("false", "N/A")
    clock.advance(4 * 3600)
    assert alice.refusal("GetCredentialReport")[:2] == ("ReportExpired", 410)
    assert alice("GenerateCredentialReport")["State"] == "STARTED"
