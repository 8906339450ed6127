"""Managed policies: a customer's own, and AWS's, which can only be read and attached; ``policy_versions`` has their texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import MANAGED, ManagedPolicy
from tabletop.iam.holders import check_policy_arn, tags_shape
from tabletop.iam.kinds import GROUP, POLICY, ROLE, USER
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    limit_exceeded,
    merge_tags,
    page,
    page_of_names,
    read_tags,
    seconds,
    without_tags,
)
from tabletop.iam.policy_grammar import check_managed_policy, counted_size
from tabletop.iam.records import ATTACHMENTS, BOUNDARY_USES, POLICIES, Document, split_arn
from tabletop.storage.store import Batch, View

DOCUMENT_BYTES_MAX = 6144


def create_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    document = change.params["PolicyDocument"]
    check_document(document)
    tags = read_tags(change.params)
    created = seconds(now)
    record: Document = {
        **POLICY.begun(view, change, now),
        "updated": created,
        "description": change.params.get("Description"),
        "tags": tags,
        "default": "v1",
        "last_version": 1,
        "versions": {"v1": {"document": document, "created": created}},
    }
    return {"Policy": policy_shape(view, change.account, record)}, POLICY.stored(change, record)


def get_policy(view: View, call: Call, params: Params) -> Answer:
    policy_arn = params["PolicyArn"]
    if policy_arn in MANAGED:
        policy = MANAGED[policy_arn]
        shape = aws_policy_shape(view, call.principal.account, policy)
        return {"Policy": shape | {"Description": policy.description, "Tags": []}}
    account = call.principal.account
    record = find_policy(view, account, policy_arn)
    shape = policy_shape(view, account, record)
    if record["description"] is not None:
        shape["Description"] = record["description"]
    return {"Policy": {"Tags": [], **shape}}


def list_policies(view: View, call: Call, params: Params) -> Answer:
    account = call.principal.account
    prefix, scope = params.get("PathPrefix", "/"), params.get("Scope", "All")
    attached_only = params.get("OnlyAttached", False)

    def entries() -> Iterator[tuple[str, Answer]]:
        marker = params.get("Marker", "")
        if scope in ("All", "Local") and not marker.startswith("arn:"):
            for key, record in POLICIES.below(view, account, after=marker or None):
                shape = policy_shape(view, account, record)
                shape.pop("Tags", None)
                yield key, shape
        if scope in ("All", "AWS"):
            for policy_arn in sorted(MANAGED):
                if policy_arn > marker or not marker.startswith("arn:"):
                    yield policy_arn, aws_policy_shape(view, account, MANAGED[policy_arn])

    kept = (
        (key, shape)
        for key, shape in entries()
        if shape["Path"].startswith(prefix) and (not attached_only or shape["AttachmentCount"])
    )
    return page(kept, params, "Policies")


def delete_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    if any(_counts(view, change.account, record["arn"]).values()):
        raise delete_conflict("Cannot delete a policy attached to entities.")
    if len(record["versions"]) > 1:
        raise delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    batch = Batch()
    POLICIES.delete(batch, change.account, record["name"].lower())
    return {}, batch


def list_entities_for_policy(view: View, call: Call, params: Params) -> Answer:
    """Groups, users and roles, in this order, with the policy attached or, by PolicyUsageFilter, as their boundary."""
    account, policy_arn = call.principal.account, params["PolicyArn"]
    if policy_arn not in MANAGED:
        find_policy(view, account, policy_arn)
    prefix, wanted, usage = params.get("PathPrefix", "/"), params.get("EntityFilter"), params.get("PolicyUsageFilter")

    def entries() -> Iterator[tuple[str, tuple[str, Answer]]]:
        for kind in () if wanted in ("LocalManagedPolicy", "AWSManagedPolicy") else (GROUP, USER, ROLE):
            names: set[str] = set()
            if usage != "PermissionsBoundary":
                names |= {name for name, _ in ATTACHMENTS.below(view, account, policy_arn, kind.word)}
            if usage != "PermissionsPolicy":
                names |= {name for name, _ in BOUNDARY_USES.below(view, account, policy_arn, kind.word)}
            for name in sorted(names) if wanted in (None, kind.title) else ():
                record = kind.find(view, account, name)
                if record["path"].startswith(prefix):
                    shape = {f"{kind.title}Name": record["name"], f"{kind.title}Id": record["id"]}
                    yield f"{kind.word}/{name}", (f"Policy{kind.title}s", shape)

    order = [key for key, _ in entries()]
    marker = params.get("Marker")
    begin = order.index(marker) + 1 if marker in order else 0
    answer = page(islice(entries(), begin, None), params, "entities")
    listed: Answer = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
    for member, shape in answer.pop("entities"):
        listed[member].append(shape)
    return listed | answer


def tag_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    record["tags"] = merge_tags(record["tags"], change.params["Tags"])
    return {}, POLICY.stored(change, record)


def untag_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    record["tags"] = without_tags(record["tags"], change.params["TagKeys"])
    return {}, POLICY.stored(change, record)


def list_policy_tags(view: View, call: Call, params: Params) -> Answer:
    if params["PolicyArn"] in MANAGED:
        return {"Tags": [], "IsTruncated": False}
    tags = find_policy(view, call.principal.account, params["PolicyArn"])["tags"]
    return page_of_names(tags, params, "Tags", lambda name: {"Key": name, "Value": tags[name]})


WRITES: dict[str, Write] = {
    "CreatePolicy": create_policy,
    "DeletePolicy": delete_policy,
    "TagPolicy": tag_policy,
    "UntagPolicy": untag_policy,
}
READS: dict[str, Read] = {
    "GetPolicy": get_policy,
    "ListPolicies": list_policies,
    "ListEntitiesForPolicy": list_entities_for_policy,
    "ListPolicyTags": list_policy_tags,
}


def check_document(document: str) -> None:
    check_managed_policy(document)
    if counted_size(document) > DOCUMENT_BYTES_MAX:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {DOCUMENT_BYTES_MAX}")


def find_policy(view: View, account: str, policy_arn: str) -> Document:
    """The record of the account's own policy."""
    check_policy_arn(policy_arn)
    parts = split_arn(policy_arn)
    assert parts is not None
    if parts[0] == account:
        record = POLICIES.get(view, account, parts[2].lower())
        if record is not None and record["arn"] == policy_arn:
            return record
    if parts[0] not in ("aws", account):
        raise ApiError("AccessDenied", f"Policy {policy_arn} belongs to another account.", status=403)
    raise ApiError("NoSuchEntity", f"Policy {policy_arn} was not found.", status=404)


def find_own_policy(view: View, change: Change) -> Document:
    """The record of the policy that the request changes."""
    policy_arn = change.params["PolicyArn"]
    if policy_arn in MANAGED:
        raise ApiError("AccessDenied", "Policy is outside your own account.", status=403)
    return find_policy(view, change.account, policy_arn)


def policy_shape(view: View, account: str, record: Document) -> Answer:
    return (
        POLICY.shape(record)
        | {"DefaultVersionId": record["default"], "IsAttachable": True, "UpdateDate": record["updated"]}
        | _counts(view, account, record["arn"])
        | tags_shape(record)
    )


def aws_policy_shape(view: View, account: str, policy: ManagedPolicy) -> Answer:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.unique_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.version,
        "IsAttachable": True,
        "CreateDate": policy.created,
        "UpdateDate": policy.created,
    } | _counts(view, account, policy.arn)


def _counts(view: View, account: str, policy_arn: str) -> Answer:
    return {
        "AttachmentCount": sum(1 for _ in ATTACHMENTS.below(view, account, policy_arn)),
        "PermissionsBoundaryUsageCount": sum(1 for _ in BOUNDARY_USES.below(view, account, policy_arn)),
    }
