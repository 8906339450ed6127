"""Roles: CreateRole, GetRole, ListRoles, UpdateRole, UpdateAssumeRolePolicy, DeleteRole, and what all holders have."""

from __future__ import annotations

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.holders import (
    boundary_shape,
    boundary_writes,
    check_boundary,
    policy_reads,
    policy_writes,
    tags_shape,
)
from tabletop.iam.instance_profiles import profiles_of
from tabletop.iam.kinds import ROLE, USER
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
from tabletop.iam.policies import as_list
from tabletop.iam.policy_grammar import check_trust_policy, counted_size, malformed
from tabletop.iam.records import USES, Document, split_arn
from tabletop.iam.tagging import tag_reads, tag_writes
from tabletop.iam.uses import forget
from tabletop.storage.store import Batch, View

TRUST_BYTES_MAX = 2048
SESSION_DEFAULT_S = 3600


def create_role(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    params = change.params
    trust = params["AssumeRolePolicyDocument"]
    trusted = _check_trust(view, change.account, trust)
    tags = read_tags(params)
    boundary = check_boundary(view, change.account, params)
    record: Document = {
        **ROLE.begun(view, change, now),
        "description": params.get("Description"),
        "max_session": params.get("MaxSessionDuration", SESSION_DEFAULT_S),
        "trust": trust,
        "trusted": trusted,
        "tags": tags,
        "inline": {},
        "attached": [],
    }
    batch = ROLE.stored_with(change, record, boundary)
    answer = role_shape(record)
    answer.pop("MaxSessionDuration")
    return {"Role": answer | tags_shape(record) | boundary_shape(record)}, batch


def get_role(view: View, call: Call, params: Params) -> Answer:
    record = ROLE.find(view, call.principal.account, params["RoleName"])
    return {"Role": role_shape(record) | whole_shape(view, call.principal.account, record)}


def list_roles(view: View, call: Call, params: Params) -> Answer:
    return page(((key, role_shape(record)) for key, record in ROLE.listed(view, call, params)), params, "Roles")


def update_role(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = ROLE.named_in(view, change)
    if "Description" in change.params:
        record["description"] = change.params["Description"]
    if "MaxSessionDuration" in change.params:
        record["max_session"] = change.params["MaxSessionDuration"]
    return {}, ROLE.stored(change, record)


def update_role_description(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = ROLE.named_in(view, change)
    record["description"] = change.params["Description"]
    shape = role_shape(record) | whole_shape(view, change.account, record)
    return {"Role": shape}, ROLE.stored(change, record)


def update_assume_role_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = ROLE.named_in(view, change)
    record["trusted"] = _check_trust(view, change.account, change.params["PolicyDocument"])
    record["trust"] = change.params["PolicyDocument"]
    return {}, ROLE.stored(change, record)


def delete_role(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = ROLE.named_in(view, change)
    if any(profiles_of(view, change.account, record["name"])):
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
    batch = ROLE.removed(change, record)
    USES.delete(batch, "role", change.account, record["name"].lower())
    forget(view, batch, change.account, record["id"])
    return {}, batch


def _unprotected(write: Write) -> Write:
    """The same for roles of the account's own: a service-linked role is refused."""

    def checked(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = ROLE.named_in(view, change)
        if "service" in record:
            name = record["name"]
            message = (
                f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
            )
            raise ApiError("UnmodifiableEntity", message, status=400)
        return write(view, change, now)

    return checked


_OF_OWN_ROLES: dict[str, Write] = {
    "UpdateAssumeRolePolicy": update_assume_role_policy,
    "DeleteRole": delete_role,
    **policy_writes(ROLE),
    **boundary_writes(ROLE),
}
WRITES: dict[str, Write] = {
    "CreateRole": create_role,
    "UpdateRole": update_role,
    "UpdateRoleDescription": update_role_description,
    **{name: _unprotected(write) for name, write in _OF_OWN_ROLES.items()},
    **tag_writes(ROLE),
}
READS: dict[str, Read] = {
    "GetRole": get_role,
    "ListRoles": list_roles,
    **policy_reads(ROLE),
    **tag_reads(ROLE),
}


def _check_trust(view: View, account: str, document: str) -> dict[str, str]:
    """ARN -> id of the users and roles of this account that the document names, who must exist; others cannot be looked up."""
    check_trust_policy(document)
    if counted_size(document) > TRUST_BYTES_MAX:
        raise limit_exceeded(f"Cannot exceed quota for ACLSizePerRole: {TRUST_BYTES_MAX}")
    trusted: dict[str, str] = {}
    for statement in as_list(orjson.loads(document)["Statement"]):
        principals = statement.get("Principal", statement.get("NotPrincipal"))
        for name in as_list(principals.get("AWS", [])) if isinstance(principals, dict) else ():
            parts = split_arn(name)
            if parts is None or parts[0] != account or parts[1] not in ("role", "user"):
                continue
            record = (ROLE if parts[1] == "role" else USER).records.get(view, account, parts[2].lower())
            if record is None or record["arn"] != name:
                raise malformed(f'Invalid principal in policy: "AWS":"{name}"')
            trusted[name] = record["id"]
    return trusted


def role_shape(record: Document) -> Answer:
    """The shape Role as lists have it: without tags, boundary and last use."""
    shape = ROLE.shape(record) | {"AssumeRolePolicyDocument": encoded(record["trust"])}
    if record["description"] is not None:
        shape["Description"] = record["description"]
    shape["MaxSessionDuration"] = record["max_session"]
    return shape


def whole_shape(view: View, account: str, record: Document) -> Answer:
    """What GetRole and GetAccountAuthorizationDetails tell beyond what lists have."""
    use = USES.get(view, "role", account, record["name"].lower())
    last_used = {} if use is None else {"LastUsedDate": use["date"], "Region": use["region"]}
    return tags_shape(record) | boundary_shape(record) | {"RoleLastUsed": last_used}
