"""Groups: their life, who is in them, and the policies that count for everybody in them.

A user's record names its groups, so that an authorisation reads them with the user; ``MEMBERS`` lists the other way.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.holders import policy_reads, policy_writes
from tabletop.iam.kinds import GROUP, USER
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    limit_exceeded,
    page,
    page_of_names,
)
from tabletop.iam.records import MEMBERS, USERS, Document
from tabletop.storage.store import Batch, View

GROUPS_PER_USER_MAX = 10


def create_group(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record: Document = {**GROUP.begun(view, change, now), "inline": {}, "attached": []}
    return {"Group": GROUP.shape(record)}, GROUP.stored(change, record)


def get_group(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    record = GROUP.find(view, account, params["GroupName"])
    members = MEMBERS.below(view, account, record["name"].lower(), after=params.get("Marker"))
    answer = page(((name, USER.shape(USER.find(view, account, name))) for name, _ in members), params, "Users")
    return {"Group": GROUP.shape(record), **answer}


def list_groups(view: View, call: Call, params: Params) -> Answer:
    return page(((key, GROUP.shape(record)) for key, record in GROUP.listed(view, call, params)), params, "Groups")


def list_groups_for_user(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    names = USER.find(view, account, params["UserName"]).get("groups", ())
    return page_of_names(names, params, "Groups", lambda name: GROUP.shape(GROUP.find(view, account, name)))


def update_group(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    """A new name or path. Every member's record names the group, and is written again with it."""
    record, account = GROUP.named_in(view, change), change.account
    before = record["name"]
    batch = GROUP.renamed(view, change, record)
    name = record["name"]
    if name != before:
        for folded, _ in MEMBERS.below(view, account, before.lower()):
            user = USER.find(view, account, folded)
            user["groups"] = [name if one == before else one for one in user["groups"]]
            USERS.put(batch, user, account, folded)
            MEMBERS.delete(batch, account, before.lower(), folded)
            MEMBERS.put(batch, {}, account, name.lower(), folded)
    return {}, batch


def delete_group(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = GROUP.named_in(view, change)
    if any(True for _ in MEMBERS.below(view, change.account, record["name"].lower())):
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    return {}, GROUP.removed(change, record)


def add_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    group, user = GROUP.named_in(view, change), USER.named_in(view, change)
    names = user.setdefault("groups", [])
    if group["name"] in names:
        return {}, None
    if len(names) >= GROUPS_PER_USER_MAX:
        raise limit_exceeded(f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER_MAX}")
    names.append(group["name"])
    batch = USER.stored(change, user)
    MEMBERS.put(batch, {}, change.account, group["name"].lower(), user["name"].lower())
    return {}, batch


def remove_user(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    group, user = GROUP.named_in(view, change), USER.named_in(view, change)
    if group["name"] not in user.get("groups", ()):
        # Inferred words.
        raise ApiError("NoSuchEntity", f"User {user['name']} is not in group {group['name']}.", status=404)
    user["groups"].remove(group["name"])
    batch = USER.stored(change, user)
    MEMBERS.delete(batch, change.account, group["name"].lower(), user["name"].lower())
    return {}, batch


WRITES: dict[str, Write] = {
    "CreateGroup": create_group,
    "UpdateGroup": update_group,
    "DeleteGroup": delete_group,
    "AddUserToGroup": add_user,
    "RemoveUserFromGroup": remove_user,
    **policy_writes(GROUP),
}
READS: dict[str, Read] = {
    "GetGroup": get_group,
    "ListGroups": list_groups,
    "ListGroupsForUser": list_groups_for_user,
    **policy_reads(GROUP),
}
