"""Virtual MFA devices, from the seed to what a policy says of a session."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tabletop.base.clock import ManualClock
from tabletop.iam import totp
from tabletop.iam.service import Iam

from .conftest import NOW, Api, DictStore
from .test_iam_authorization import document
from .test_iam_operations import ACCOUNT_ROOT, trust
from .test_iam_sessions import Caller

SERIAL = "arn:aws:iam::000000000000:mfa/phones/own"
STEP = totp.step_at(NOW)
WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "


class Device:
    def __init__(self, api: Api) -> None:
        made = api("CreateVirtualMFADevice", VirtualMFADeviceName="own", Path="/phones/")["VirtualMFADevice"]
        assert made["SerialNumber"] == SERIAL
        assert len(made["Base32StringSeed"]) == 64
        self.seed = base64.b32decode(made["Base32StringSeed"])

    def code(self, step: int) -> str:
        return totp.code(self.seed, step)

    def enabling(self, step: int) -> dict[str, Any]:
        codes = {"AuthenticationCode1": self.code(step), "AuthenticationCode2": self.code(step + 1)}
        return {"UserName": "alice", "SerialNumber": SERIAL, **codes}


@pytest.fixture
def alice(api: Api, iam: Iam, store: DictStore) -> Caller:
    api("CreateUser", UserName="alice")
    key = api("CreateAccessKey", UserName="alice")["AccessKey"]
    return Caller(api, iam, store, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def device(alice: Caller, api: Api) -> Device:
    return Device(api)


# The codes are those of RFC 6238's own examples (their last six digits).
@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_of_the_standard(at: int, code: str) -> None:
    assert totp.code(b"12345678901234567890", totp.step_at(at)) == code


# A device is unassigned, then a user's, then free again; it is in the way of its end and the user's while it is assigned.
def test_a_devices_life(device: Device, api: Api) -> None:
    assert [one["SerialNumber"] for one in api("ListVirtualMFADevices")["VirtualMFADevices"]] == [SERIAL]
    again = api.refusal("CreateVirtualMFADevice", VirtualMFADeviceName="own", Path="/phones/")
    assert again == ("EntityAlreadyExists", 409, "MFADevice entity at the same path and name already exists.")
    api("EnableMFADevice", **device.enabling(STEP - 1))
    assert api.refusal("EnableMFADevice", **device.enabling(STEP))[0] == "EntityAlreadyExists"
    api("UpdateUser", UserName="alice", NewUserName="bob")
    (listed,) = api("ListMFADevices", UserName="bob")["MFADevices"]
    assert listed == {"UserName": "bob", "SerialNumber": SERIAL, "EnableDate": NOW}
    (assigned,) = api("ListVirtualMFADevices", AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert (assigned["User"]["UserName"], assigned["EnableDate"]) == ("bob", NOW)
    assert api("ListVirtualMFADevices", AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    assert api("GetMFADevice", SerialNumber=SERIAL)["UserName"] == "bob"
    summary = api("GetAccountSummary")["SummaryMap"]
    assert (summary["MFADevices"], summary["MFADevicesInUse"]) == (1, 1)
    assert api.refusal("DeleteVirtualMFADevice", SerialNumber=SERIAL)[0] == "DeleteConflict"
    assert api.refusal("DeleteUser", UserName="bob")[0] == "DeleteConflict"
    api("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)
    assert api.refusal("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)[0] == "NoSuchEntity"
    api("DeleteVirtualMFADevice", SerialNumber=SERIAL)
    assert api.refusal("DeleteVirtualMFADevice", SerialNumber=SERIAL) == (
        "NoSuchEntity",
        404,
        f"VirtualMFADevice with serial number {SERIAL} doesn't exist.",
    )


# Two codes that are not of this device, not in a row, or long past enable nothing.
@pytest.mark.parametrize("codes", [("000000", "111111"), (0, 2), (1, 0), (-50, -49), (50, 51)])
def test_wrong_codes_enable_nothing(device: Device, api: Api, codes: tuple[Any, Any]) -> None:
    first, second = (one if isinstance(one, str) else device.code(STEP + one) for one in codes)
    params = {"UserName": "alice", "SerialNumber": SERIAL, "AuthenticationCode1": first, "AuthenticationCode2": second}
    assert api.refusal("EnableMFADevice", **params) == (
        "InvalidAuthenticationCode",
        403,
        "Authentication code for device is not valid.",
    )
    assert api("ListMFADevices", UserName="alice")["MFADevices"] == []


# A device whose clock went wrong is taken again once two of its codes are told.
def test_a_device_is_synchronised_again(device: Device, api: Api, alice: Caller) -> None:
    api("EnableMFADevice", **device.enabling(STEP - 1))
    assert alice.refusal("GetSessionToken", SerialNumber=SERIAL, TokenCode=device.code(STEP + 20))[2] == WRONG_CODE
    api("ResyncMFADevice", **device.enabling(STEP + 20))
    alice("GetSessionToken", SerialNumber=SERIAL, TokenCode=device.code(STEP + 22))


# A code opens a session once: a second time, or for another's device, it is refused.
def test_a_code_counts_once(device: Device, api: Api, alice: Caller, clock: ManualClock) -> None:
    api("EnableMFADevice", **device.enabling(STEP - 1))
    wanted = {"SerialNumber": SERIAL, "TokenCode": device.code(STEP + 1)}
    assert alice.refusal("GetSessionToken", SerialNumber=SERIAL, TokenCode=device.code(STEP))[2] == WRONG_CODE
    session = alice.holder(alice("GetSessionToken", **wanted))
    assert alice.refusal("GetSessionToken", **wanted) == ("AccessDenied", 403, WRONG_CODE)
    assert session.entry("iam") is None
    assert alice.holder(alice("GetSessionToken")).entry("iam") == ("InvalidClientTokenId", 403)
    elsewhere = {"SerialNumber": SERIAL + "x", "TokenCode": device.code(STEP + 1)}
    assert alice.refusal("GetSessionToken", **elsewhere)[2].startswith("MultiFactorAuthentication failed, unable")


# What AWS documents as the policy for it: deletion only with MFA, and for an hour after it.
def test_policies_ask_for_mfa(device: Device, api: Api, alice: Caller, clock: ManualClock) -> None:
    api("EnableMFADevice", **device.enabling(STEP - 1))
    policy = document("dynamodb:*", Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=policy)
    session = alice.holder(alice("GetSessionToken", SerialNumber=SERIAL, TokenCode=device.code(STEP + 1)))
    assert session.may("dynamodb:DeleteTable")
    assert not alice.may("dynamodb:DeleteTable")
    clock.advance(3600)
    assert not session.may("dynamodb:DeleteTable")
    asked = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    asked["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document("dynamodb:*", **asked))
    assert session.may("dynamodb:DeleteTable")
    assert not alice.holder(alice("GetSessionToken")).may("dynamodb:DeleteTable")


# A role that wants MFA is assumed with a code, or from a session that was opened with one.
def test_a_role_that_wants_mfa(device: Device, api: Api, alice: Caller) -> None:
    api("EnableMFADevice", **device.enabling(STEP - 2))
    wants = trust({"AWS": ACCOUNT_ROOT}, Bool={"aws:MultiFactorAuthPresent": "true"})
    role = api("CreateRole", RoleName="careful", AssumeRolePolicyDocument=wants)["Role"]["Arn"]
    statement = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}
    api("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=json.dumps(statement))
    wanted = {"RoleArn": role, "RoleSessionName": "s"}
    assert alice.refusal("AssumeRole", **wanted)[0] == "AccessDenied"
    assert alice.refusal("AssumeRole", **wanted, SerialNumber=SERIAL, TokenCode="000000")[2] == WRONG_CODE
    alice("AssumeRole", **wanted, SerialNumber=SERIAL, TokenCode=device.code(STEP))
    session = alice.holder(alice("GetSessionToken", SerialNumber=SERIAL, TokenCode=device.code(STEP + 1)))
    session("AssumeRole", **wanted)


# Tags of a device, as of all else that has them.
def test_a_devices_tags(device: Device, api: Api) -> None:
    api("TagMFADevice", SerialNumber=SERIAL, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    api("UntagMFADevice", SerialNumber=SERIAL, TagKeys=["a"])
    assert api("ListMFADeviceTags", SerialNumber=SERIAL)["Tags"] == [{"Key": "b", "Value": "2"}]
