"""Instance profiles: a name for the one role that they hold. No machine takes one here; tools that make them still work.

Texts marked so are inferred: AWS's exact words for them are not documented.
"""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.holders import tags_shape
from tabletop.iam.kinds import INSTANCE_PROFILE, ROLE
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    encoded,
    limit_exceeded,
    page,
    read_tags,
)
from tabletop.iam.records import INSTANCE_PROFILES, ROLES, Document
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.storage.store import Batch, View


def create_instance_profile(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    tags = read_tags(change.params)
    record: Document = {**INSTANCE_PROFILE.begun(view, change, now), "tags": tags, "role": None}
    return {"InstanceProfile": profile_shape(view, change.account, record)}, INSTANCE_PROFILE.stored(change, record)


def get_instance_profile(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    record = INSTANCE_PROFILE.find(view, account, params["InstanceProfileName"])
    return {"InstanceProfile": profile_shape(view, account, record)}


def list_instance_profiles(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    entries = (
        (key, _listed_shape(view, account, record)) for key, record in INSTANCE_PROFILE.listed(view, call, params)
    )
    return page(entries, params, "InstanceProfiles")


def list_instance_profiles_for_role(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    name = ROLE.find(view, account, params["RoleName"])["name"]
    entries = (
        (record["name"].lower(), _listed_shape(view, account, record))
        for record in profiles_of(view, account, name, after=params.get("Marker"))
    )
    return page(entries, params, "InstanceProfiles")


def delete_instance_profile(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = INSTANCE_PROFILE.named_in(view, change)
    if record["role"] is not None:
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
    batch = Batch()
    INSTANCE_PROFILES.delete(batch, change.account, record["name"].lower())
    return {}, batch


def add_role(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = INSTANCE_PROFILE.named_in(view, change)
    role = ROLE.named_in(view, change)
    if record["role"] is not None:
        raise limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    record["role"] = role["name"]
    return {}, INSTANCE_PROFILE.stored(change, record)


def remove_role(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = INSTANCE_PROFILE.named_in(view, change)
    role = ROLE.named_in(view, change)
    if record["role"] != role["name"]:
        # Inferred words.
        raise ApiError(
            "NoSuchEntity", f"Role {role['name']} in instance profile {record['name']} cannot be found.", status=404
        )
    record["role"] = None
    return {}, INSTANCE_PROFILE.stored(change, record)


def profiles_of(view: View, account: str, role_name: str, after: str | None = None) -> Iterator[Document]:
    """The instance profiles that hold the role, in order of their names."""
    for _, record in INSTANCE_PROFILES.below(view, account, after=after):
        if record["role"] == role_name:
            yield record


def profile_shape(view: View, account: str, record: Document) -> Answer:
    return _listed_shape(view, account, record) | tags_shape(record)


def _listed_shape(view: View, account: str, record: Document) -> Answer:
    """The shape InstanceProfile as lists have it: without tags."""
    role = None if record["role"] is None else ROLES.get(view, account, record["role"].lower())
    roles = [] if role is None else [ROLE.shape(role) | {"AssumeRolePolicyDocument": encoded(role["trust"])}]
    return INSTANCE_PROFILE.shape(record) | {"Roles": roles}


WRITES: dict[str, Write] = {
    "CreateInstanceProfile": create_instance_profile,
    "DeleteInstanceProfile": delete_instance_profile,
    "AddRoleToInstanceProfile": add_role,
    "RemoveRoleFromInstanceProfile": remove_role,
    **tag_writes(INSTANCE_PROFILE),
}
READS: dict[str, Read] = {
    "GetInstanceProfile": get_instance_profile,
    "ListInstanceProfiles": list_instance_profiles,
    "ListInstanceProfilesForRole": list_instance_profiles_for_role,
    **tag_reads(INSTANCE_PROFILE),
}
