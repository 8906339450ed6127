"""Users: CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser, and what all holders have."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.iam.holders import (
    boundary_shape,
    boundary_writes,
    check_boundary,
    policy_reads,
    policy_writes,
    tags_shape,
)
from tabletop.iam.kinds import USER
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    page,
    read_tags,
    validation_error,
)
from tabletop.iam.records import (
    ACCESS_KEYS,
    LOGIN_PROFILES,
    MEMBERS,
    MFA_DEVICES,
    SERVICE_CREDENTIALS,
    SIGNING_CERTIFICATES,
    SSH_KEYS,
    USER_KEYS,
    USER_MFA,
    Document,
    mfa_tail,
)
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.iam.uses import forget
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View

# What a user must not have any more when it is deleted. The words are recalled.
_BELONGINGS: tuple[tuple[Documents, str], ...] = (
    (SIGNING_CERTIFICATES, "signing certificates"),
    (SSH_KEYS, "SSH public keys"),
    (SERVICE_CREDENTIALS, "service specific credentials"),
    (USER_MFA, "MFA device"),
)


def create_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    tags = read_tags(change.params)
    boundary = check_boundary(view, change.account, change.params)
    record: Document = {
        **USER.begun(view, change, now),
        "tags": tags,
        "inline": {},
        "attached": [],
        "groups": [],
    }
    batch = USER.stored_with(change, record, boundary)
    return {"User": _whole_shape(record)}, batch


def get_user(view: View, call: Call, params: Params) -> Answer:
    """Without a name: the caller, by the access key that signed the request."""
    principal = call.principal
    if "UserName" not in params and principal.kind == "root":
        return {"User": {"UserId": principal.account, "Arn": principal.arn, "CreateDate": 0.0, "Path": "/"}}
    record = USER.find(view, principal.account, own_name(call, params))
    return {"User": _whole_shape(record)}


def own_name(call: Call, params: Params) -> str:
    """The user that the request is about: the one it names, or the one who sent it."""
    name = params.get("UserName")
    if isinstance(name, str):
        return name
    if call.principal.kind == "user":
        return call.principal.name
    raise validation_error("Must specify userName when calling with non-User credentials")


def list_users(view: View, call: Call, params: Params) -> Answer:
    return page(((key, USER.shape(record)) for key, record in USER.listed(view, call, params)), params, "Users")


def update_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """A new name or path. Keys and memberships follow; sessions that the user got under the old name do not."""
    record, account = USER.named_in(view, change), change.account
    before = record["name"]
    batch = USER.renamed(view, change, record)
    name = record["name"]
    for key, _ in USER_KEYS.below(view, account, before.lower()):
        document = ACCESS_KEYS.get(view, key)
        assert document is not None, "a user's key without its document"
        ACCESS_KEYS.put(batch, document | {"owner": name, "owner_arn": record["arn"]}, key)
        USER_KEYS.delete(batch, account, before.lower(), key)
        USER_KEYS.put(batch, {}, account, name.lower(), key)
    for group in record.get("groups", ()):
        MEMBERS.delete(batch, account, group.lower(), before.lower())
        MEMBERS.put(batch, {}, account, group.lower(), name.lower())
    for serial, _ in USER_MFA.below(view, account, record["id"]):
        tail = mfa_tail(account, serial)
        assert tail is not None
        MFA_DEVICES.put(batch, (MFA_DEVICES.get(view, account, tail) or {}) | {"user_name": name}, account, tail)
    return {}, batch


def delete_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = USER.named_in(view, change)
    if any(True for _ in USER_KEYS.below(view, change.account, record["name"].lower())):
        raise delete_conflict("Cannot delete entity, must delete access keys first.")
    for belongings, words in _BELONGINGS:
        if belongings.count(view, change.account, record["id"]):
            raise delete_conflict(f"Cannot delete entity, must delete {words} first.")
    if LOGIN_PROFILES.get(view, change.account, record["id"]) is not None:
        raise delete_conflict("Cannot delete entity, must delete login profile first.")
    if record.get("groups"):
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    batch = USER.removed(change, record)
    forget(view, batch, change.account, record["id"])
    return {}, batch


WRITES: dict[str, Write] = {
    "CreateUser": create_user,
    "UpdateUser": update_user,
    "DeleteUser": delete_user,
    **policy_writes(USER),
    **boundary_writes(USER),
    **tag_writes(USER),
}
READS: dict[str, Read] = {"GetUser": get_user, "ListUsers": list_users, **policy_reads(USER), **tag_reads(USER)}


def _whole_shape(record: Document) -> Answer:
    """What lists have, and tags and boundary besides."""
    return USER.shape(record) | tags_shape(record) | boundary_shape(record)
