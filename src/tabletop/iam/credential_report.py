"""The credential report: one line of CSV for the root and for each user, made when it is asked for, good for four hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.operation import Answer, Change, Params, Read, Write, seconds
from tabletop.iam.records import (
    ACCESS_KEYS,
    CREDENTIAL_REPORTS,
    LOGIN_PROFILES,
    SIGNING_CERTIFICATES,
    USER_KEYS,
    USER_MFA,
    USERS,
    USES,
    Document,
)
from tabletop.storage.store import Batch, View

VALID_S = 4 * 3600
_KEY = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
_COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active",
    *(f"access_key_{number}_{part}" for number in (1, 2) for part in _KEY),
    *(f"cert_{number}_{part}" for number in (1, 2) for part in ("active", "last_rotated")),
)  # fmt: skip
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATE = ["false", "N/A"]


def generate(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """Made at once; the first answer says STARTED all the same, as callers expect, and the next one COMPLETE."""
    present = CREDENTIAL_REPORTS.get(view, change.account)
    if present is not None and now < present["generated"] + VALID_S:
        return {"State": "COMPLETE"}, None
    lines = [_COLUMNS, _root_line(change.account), *_user_lines(view, change.account)]
    content = "\n".join(",".join(line) for line in lines)
    batch = Batch()
    CREDENTIAL_REPORTS.put(batch, {"generated": seconds(now), "content": content}, change.account)
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}, batch


def get(view: View, call: Call, params: Params) -> Answer:
    report = CREDENTIAL_REPORTS.get(view, call.principal.account)
    if report is None:
        # Recalled words, here and below.
        raise ApiError("ReportNotPresent", "Credential report not present", status=410)
    if call.now >= report["generated"] + VALID_S:
        raise ApiError("ReportExpired", "The most recent credential report has expired.", status=410)
    return {
        "Content": report["content"].encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": report["generated"],
    }


WRITES: dict[str, Write] = {"GenerateCredentialReport": generate}
READS: dict[str, Read] = {"GetCredentialReport": get}


def _root_line(account: str) -> list[str]:
    """The root has a key here, the well-known one or its own; neither has dates."""
    who = ["<root_account>", f"arn:aws:iam::{account}:root", _date(0)]
    password = ["not_supported", "N/A", "not_supported", "not_supported"]
    return [*who, *password, "false", "true", *_NO_KEY[1:], *_NO_KEY, *_NO_CERTIFICATE * 2]


def _user_lines(view: View, account: str) -> Iterator[list[str]]:
    for _, user in USERS.below(view, account):
        profile = LOGIN_PROFILES.get(view, account, user["id"])
        password = ["false", "N/A", "N/A", "N/A"]
        if profile is not None:
            password = ["true", "no_information", _date(profile["changed"]), "N/A"]
        mfa = "true" if USER_MFA.count(view, account, user["id"]) else "false"
        keys = [key for key, _ in USER_KEYS.below(view, account, user["name"].lower())]
        certificates = [one for _, one in SIGNING_CERTIFICATES.below(view, account, user["id"])]
        yield [
            user["name"], user["arn"], _date(user["created"]), *password, mfa,
            *(part for key in keys for part in _key_columns(view, key)), *_NO_KEY * (2 - len(keys)),
            *(part for one in certificates for part in _certificate_columns(one)),
            *_NO_CERTIFICATE * (2 - len(certificates)),
        ]  # fmt: skip


def _key_columns(view: View, key: str) -> list[str]:
    record = ACCESS_KEYS.get(view, key)
    assert record is not None, "a user's key without its document"
    use = USES.get(view, "key", key)
    used = ["N/A"] * 3 if use is None else [_date(use["date"]), use["region"], use["service"]]
    return ["true" if record["active"] else "false", _date(record["created"]), *used]


def _certificate_columns(record: Document) -> list[str]:
    return ["true" if record["status"] == "Active" else "false", _date(record["uploaded"])]


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
