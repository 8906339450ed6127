"""Users: CreateUser, GetUser, ListUsers, DeleteUser, and what all holders have."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.iam.holders import USER, boundary_shape, check_boundary, reads, tags_shape, writes
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    already_exists,
    delete_conflict,
    page,
    read_tags,
    seconds,
    validation_error,
)
from tabletop.iam.records import USER_KEYS, USERS, Document, arn
from tabletop.storage.store import Batch, View

ID_PREFIX = "AIDA"


def create_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    params, account = change.params, change.account
    name, path = params["UserName"], params.get("Path", "/")
    tags = read_tags(params)
    boundary = check_boundary(view, params)
    if USERS.get(view, account, name.lower()) is not None:
        raise already_exists("User", name)
    record: Document = {
        "name": name,
        "path": path,
        "id": ID_PREFIX + change.unique_id,
        "arn": arn(account, "user", path, name),
        "created": seconds(now),
        "tags": tags,
        "inline": {},
        "attached": [],
    }
    batch = USER.stored_with(change, record, boundary)
    return {"User": _shape(record, whole=True)}, batch


def get_user(view: View, call: Call, params: Params) -> Answer:
    """Without a name: the caller, by the access key that signed the request."""
    principal = call.principal
    if "UserName" not in params and principal.kind == "root":
        return {"User": {"UserId": principal.account, "Arn": principal.arn, "CreateDate": 0.0, "Path": "/"}}
    name = own_name(call, params)
    return {"User": _shape(USER.find(view, principal.account, name), whole=True)}


def own_name(call: Call, params: Params) -> str:
    """The user that the request is about: the one it names, or the one who sent it."""
    name = params.get("UserName")
    if isinstance(name, str):
        return name
    if call.principal.kind == "user":
        return call.principal.name
    raise validation_error("Must specify userName when calling with non-User credentials")


def list_users(view: View, call: Call, params: Params) -> Answer:
    prefix = params.get("PathPrefix", "/")
    entries = (
        (key, _shape(record, whole=False))
        for key, record in USERS.below(view, call.principal.account, after=params.get("Marker"))
        if record["path"].startswith(prefix)
    )
    return page(entries, params, "Users")


def delete_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = USER.named_in(view, change)
    if any(True for _ in USER_KEYS.below(view, change.account, record["name"].lower())):
        raise delete_conflict("Cannot delete entity, must delete access keys first.")
    return {}, USER.removed(change, record)


WRITES: dict[str, Write] = {"CreateUser": create_user, "DeleteUser": delete_user, **writes(USER)}
READS: dict[str, Read] = {"GetUser": get_user, "ListUsers": list_users, **reads(USER)}


def _shape(record: Document, *, whole: bool) -> Answer:
    shape: Answer = {
        "Path": record["path"],
        "UserName": record["name"],
        "UserId": record["id"],
        "Arn": record["arn"],
        "CreateDate": record["created"],
    }
    return shape | tags_shape(record) | boundary_shape(record) if whole else shape
