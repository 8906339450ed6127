"""Virtual MFA devices: made with a seed, given to a user by two codes in a row, and verified for temporary credentials.

A code counts once. Hardware devices and passkeys cannot be registered. The seed is told by CreateVirtualMFADevice alone,
and kept sealed like a secret access key; QRCodePNG is left out of the answer: the seed in it says the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam import totp
from tabletop.iam.credentials import Keyring
from tabletop.iam.holders import tags_shape
from tabletop.iam.kinds import USER
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    limit_exceeded,
    page,
    read_tags,
    seconds,
)
from tabletop.iam.records import MFA_DEVICES, USER_MFA, Document, mfa_tail
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.iam.users import own_name
from tabletop.storage.store import Batch, View

DEVICES_PER_USER_MAX = 8
_BEHIND_STEPS = 2
_AHEAD_STEPS = 1
"""How far a device's clock may be off, beyond the drift that is known of it."""
_RESYNC_STEPS = 120
_WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_WRONG_DEVICE = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)


class _Devices:
    """Devices as ``tagging`` knows them."""

    title = "MFADevice"

    def find_in(self, view: View, account: str, params: Params) -> Document:
        serial = params["SerialNumber"]
        tail = mfa_tail(account, serial)
        record = None if tail is None else MFA_DEVICES.get(view, account, tail)
        if record is None:
            # AWS's words for a virtual device; those for other serial numbers are inferred to be the same.
            raise ApiError("NoSuchEntity", f"VirtualMFADevice with serial number {serial} doesn't exist.", status=404)
        return record

    def stored(self, change: Change, record: Document) -> Batch:
        tail = mfa_tail(change.account, record["serial"])
        assert tail is not None
        batch = Batch()
        MFA_DEVICES.put(batch, record, change.account, tail)
        return batch


DEVICES = _Devices()


def operations(keyring: Keyring) -> tuple[dict[str, Write], dict[str, Read]]:
    def enable(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        user = USER.named_in(view, change)
        record = DEVICES.find_in(view, change.account, change.params)
        if "user" in record:
            raise ApiError("EntityAlreadyExists", "MFA Device is already in use.", status=409)
        if USER_MFA.count(view, change.account, user["id"]) >= DEVICES_PER_USER_MAX:
            raise limit_exceeded(f"Cannot exceed quota for MFADevicesPerUser: {DEVICES_PER_USER_MAX}")
        _pair(keyring, record, change.params, now, _BEHIND_STEPS)
        record |= {"user": user["id"], "user_name": user["name"], "enabled": seconds(now)}
        batch = DEVICES.stored(change, record)
        USER_MFA.put(batch, {}, change.account, user["id"], record["serial"])
        return {}, batch

    def resync(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = _of_user(view, change)
        _pair(keyring, record, change.params, now, _RESYNC_STEPS)
        return {}, DEVICES.stored(change, record)

    writes: dict[str, Write] = {
        "CreateVirtualMFADevice": create,
        "DeleteVirtualMFADevice": delete,
        "EnableMFADevice": enable,
        "ResyncMFADevice": resync,
        "DeactivateMFADevice": deactivate,
        **tag_writes(DEVICES),
    }
    reads: dict[str, Read] = {
        "GetMFADevice": get,
        "ListMFADevices": list_of_user,
        "ListVirtualMFADevices": list_virtual,
        **tag_reads(DEVICES),
    }
    return writes, reads


def create(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    path, name, account = change.params.get("Path", "/"), change.params["VirtualMFADeviceName"], change.account
    serial = f"arn:aws:iam::{account}:mfa{path}{name}"
    tags = read_tags(change.params)
    if MFA_DEVICES.get(view, account, path + name) is not None:
        raise ApiError("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.", status=409)
    drawn = change.credentials
    assert drawn is not None
    record: Document = {
        "serial": serial,
        "created": seconds(now),
        "tags": tags,
        "sealed": drawn.sealed_secret,
        "drawn_id": drawn.access_key_id,
    }
    seed = totp.base32_seed(drawn.secret.encode()).encode()
    answer = {"SerialNumber": serial, "Base32StringSeed": seed, **tags_shape(record)}
    return {"VirtualMFADevice": answer}, DEVICES.stored(change, record)


def delete(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = DEVICES.find_in(view, change.account, change.params)
    if "user" in record:
        # Recalled words.
        raise delete_conflict("Cannot delete entity, must deactivate MFA device first.")
    batch = Batch()
    tail = mfa_tail(change.account, record["serial"])
    assert tail is not None
    MFA_DEVICES.delete(batch, change.account, tail)
    return {}, batch


def deactivate(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = _of_user(view, change)
    user_id = record["user"]
    for member in ("user", "user_name", "enabled", "step", "drift"):
        record.pop(member, None)
    batch = DEVICES.stored(change, record)
    USER_MFA.delete(batch, change.account, user_id, record["serial"])
    return {}, batch


def get(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    record = DEVICES.find_in(view, account, params)
    if "UserName" in params and USER.find(view, account, params["UserName"])["id"] != record.get("user"):
        raise _not_of_user(params)
    answer: Answer = {"SerialNumber": record["serial"]}
    if "user" in record:
        answer |= {"UserName": _user_of(view, account, record)["name"], "EnableDate": record["enabled"]}
    return answer


def list_of_user(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    if "UserName" not in params and call.principal.kind == "root":
        return {"MFADevices": [], "IsTruncated": False}
    user = USER.find(view, account, own_name(call, params))

    def entries() -> Iterator[tuple[str, Answer]]:
        for serial, _ in USER_MFA.below(view, account, user["id"], after=params.get("Marker")):
            record = DEVICES.find_in(view, account, {"SerialNumber": serial})
            yield serial, {"UserName": user["name"], "SerialNumber": serial, "EnableDate": record["enabled"]}

    return page(entries(), params, "MFADevices")


def list_virtual(view: View, call: Call, params: Params) -> Answer:
    account, status = call.principal.account, params.get("AssignmentStatus", "Any")

    def entries() -> Iterator[tuple[str, Answer]]:
        for tail, record in MFA_DEVICES.below(view, account, after=params.get("Marker")):
            if status == "Any" or (status == "Assigned") is ("user" in record):
                shape: Answer = {"SerialNumber": record["serial"]}
                if "user" in record:
                    user = _user_of(view, account, record)
                    shape |= {"User": USER.shape(user) | tags_shape(user), "EnableDate": record["enabled"]}
                yield tail, shape

    return page(entries(), params, "VirtualMFADevices")


def verified(
    keyring: Keyring, view: View, batch: Batch, call: Call, user_id: str, params: Params, now: float
) -> float | None:
    """When the MFA device that a request for temporary credentials names was verified: now; None: it names none.

    Its code is used up by ``batch``. AccessDenied for a wrong code, a used one, or a device that is not this user's.
    """
    if "SerialNumber" not in params and "TokenCode" not in params:
        return None
    account = call.principal.account
    tail = mfa_tail(account, params.get("SerialNumber", ""))
    record = None if tail is None else MFA_DEVICES.get(view, account, tail)
    if tail is None or record is None or record.get("user") != user_id:
        raise ApiError("AccessDenied", _WRONG_DEVICE, status=403)
    here = totp.step_at(now) + record["drift"]
    steps = range(max(here - _BEHIND_STEPS, record["step"] + 1), here + _AHEAD_STEPS + 1)
    step = totp.find_step(_seed(keyring, record), params.get("TokenCode", ""), steps)
    if step is None:
        raise ApiError("AccessDenied", _WRONG_CODE, status=403)
    MFA_DEVICES.put(batch, record | {"step": step}, account, tail)
    return seconds(now)


def _pair(keyring: Keyring, record: Document, params: Params, now: float, within: int) -> None:
    """Check two codes in a row, and note in ``record`` which step they were of and how far the device's clock is off."""
    here = totp.step_at(now)
    steps = range(max(here - within - 1, record.get("step", -1) + 1), here + within + 1)
    seed = _seed(keyring, record)
    first = totp.find_pair(seed, params["AuthenticationCode1"], params["AuthenticationCode2"], steps)
    if first is None:
        raise ApiError("InvalidAuthenticationCode", "Authentication code for device is not valid.", status=403)
    ahead = first + 1 - here
    drift = ahead if ahead > _AHEAD_STEPS or ahead < -_BEHIND_STEPS else 0
    record |= {"step": first + 1, "drift": drift}


def _seed(keyring: Keyring, record: Document) -> bytes:
    return keyring.unseal(record["drawn_id"], record["sealed"]).encode()


def _of_user(view: View, change: Change) -> Document:
    user = USER.find(view, change.account, own_name(change.call, change.params))
    record = DEVICES.find_in(view, change.account, change.params)
    if record.get("user") != user["id"]:
        raise _not_of_user({**change.params, "UserName": user["name"]})
    return record


def _not_of_user(params: Params) -> ApiError:
    # Recalled words.
    message = f"MFA Device {params['SerialNumber']} is not enabled for user {params['UserName']}."
    return ApiError("NoSuchEntity", message, status=404)


def _user_of(view: View, account: str, record: Document) -> Document:
    return USER.find(view, account, record["user_name"])
