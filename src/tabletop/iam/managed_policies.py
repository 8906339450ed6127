"""Managed policies: a customer's own with up to five versions, and AWS's, which can only be read and attached."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import MANAGED, ManagedPolicy
from tabletop.iam.holders import GROUP, ROLE, USER
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    delete_conflict,
    encoded,
    limit_exceeded,
    merge_tags,
    page,
    page_of_names,
    read_tags,
    seconds,
    tag_list,
    without_tags,
)
from tabletop.iam.policy_grammar import check_identity_policy
from tabletop.iam.records import ATTACHMENTS, BOUNDARY_USES, POLICIES, Document, arn, split_arn
from tabletop.storage.store import Batch, View

ID_PREFIX = "ANPA"
VERSIONS_MAX = 5
DOCUMENT_BYTES_MAX = 6144


def create_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    params, account = change.params, change.account
    name, path = params["PolicyName"], params.get("Path", "/")
    document = params["PolicyDocument"]
    _check_document(document)
    tags = read_tags(params)
    if POLICIES.get(view, account, name.lower()) is not None:
        raise ApiError(
            "EntityAlreadyExists",
            f"A policy called {name} already exists. Duplicate names are not allowed.",
            status=409,
        )
    created = seconds(now)
    record: Document = {
        "name": name,
        "path": path,
        "id": ID_PREFIX + change.unique_id,
        "arn": arn(account, "policy", path, name),
        "created": created,
        "updated": created,
        "description": params.get("Description"),
        "tags": tags,
        "default": "v1",
        "last_version": 1,
        "versions": {"v1": {"document": document, "created": created}},
    }
    shape = _shape(view, account, record)
    return {"Policy": shape}, _stored(account, record)


def get_policy(view: View, call: Call, params: Params) -> Answer:
    policy_arn = params["PolicyArn"]
    if policy_arn in MANAGED:
        return {"Policy": _aws_shape(view, call.principal.account, MANAGED[policy_arn], whole=True)}
    account, record = _find(view, call.principal.account, policy_arn)
    shape = _shape(view, account, record)
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
                shape = _shape(view, account, record)
                shape.pop("Tags", None)
                yield key, shape
        if scope in ("All", "AWS"):
            for policy_arn in sorted(MANAGED):
                if policy_arn > marker or not marker.startswith("arn:"):
                    yield policy_arn, _aws_shape(view, account, MANAGED[policy_arn], whole=False)

    kept = (
        (key, shape)
        for key, shape in entries()
        if shape["Path"].startswith(prefix) and (not attached_only or shape["AttachmentCount"])
    )
    return page(kept, params, "Policies")


def delete_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    account, record = _find_own(view, change)
    if _attachments(view, account, record["arn"]) or _boundary_uses(view, account, record["arn"]):
        raise delete_conflict("Cannot delete a policy attached to entities.")
    if len(record["versions"]) > 1:
        raise delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    batch = Batch()
    POLICIES.delete(batch, account, record["name"].lower())
    return {}, batch


def create_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    account, record = _find_own(view, change)
    document = change.params["PolicyDocument"]
    _check_document(document)
    if len(record["versions"]) >= VERSIONS_MAX:
        raise limit_exceeded(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
            "version."
        )
    record["last_version"] += 1
    version = f"v{record['last_version']}"
    record["versions"][version] = {"document": document, "created": seconds(now)}
    record["updated"] = seconds(now)
    if change.params.get("SetAsDefault", False):
        record["default"] = version
    return {"PolicyVersion": _version_shape(record, version, whole=False)}, _stored(account, record)


def delete_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    account, record = _find_own(view, change)
    version = change.params["VersionId"]
    _check_version(record, version)
    if record["default"] == version:
        raise delete_conflict("Cannot delete the default version of a policy.")
    del record["versions"][version]
    return {}, _stored(account, record)


def set_default_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    account, record = _find_own(view, change)
    _check_version(record, change.params["VersionId"])
    record["default"] = change.params["VersionId"]
    record["updated"] = seconds(now)
    return {}, _stored(account, record)


def get_policy_version(view: View, call: Call, params: Params) -> Answer:
    policy_arn, version = params["PolicyArn"], params["VersionId"]
    if policy_arn in MANAGED:
        policy = MANAGED[policy_arn]
        if version != policy.version:
            raise _no_such_version(policy_arn, version)
        return {"PolicyVersion": _aws_version(policy, whole=True)}
    _, record = _find(view, call.principal.account, policy_arn)
    _check_version(record, version)
    return {"PolicyVersion": _version_shape(record, version, whole=True)}


def list_policy_versions(view: View, call: Call, params: Params) -> Answer:
    policy_arn = params["PolicyArn"]
    if policy_arn in MANAGED:
        return {"Versions": [_aws_version(MANAGED[policy_arn], whole=False)], "IsTruncated": False}
    _, record = _find(view, call.principal.account, policy_arn)
    newest_first = sorted(record["versions"], key=lambda one: -int(one[1:]))
    begin = newest_first.index(params["Marker"]) + 1 if params.get("Marker") in newest_first else 0
    entries = ((one, _version_shape(record, one, whole=False)) for one in newest_first[begin:])
    return page(entries, params, "Versions")


def list_entities_for_policy(view: View, call: Call, params: Params) -> Answer:
    """Groups, users and roles, in this order, with the policy attached or, by PolicyUsageFilter, as their boundary."""
    account, policy_arn = call.principal.account, params["PolicyArn"]
    if policy_arn not in MANAGED:
        _find(view, account, policy_arn)
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
    account, record = _find_own(view, change)
    record["tags"] = merge_tags(record["tags"], change.params["Tags"])
    return {}, _stored(account, record)


def untag_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    account, record = _find_own(view, change)
    record["tags"] = without_tags(record["tags"], change.params["TagKeys"])
    return {}, _stored(account, record)


def list_policy_tags(view: View, call: Call, params: Params) -> Answer:
    if params["PolicyArn"] in MANAGED:
        return {"Tags": [], "IsTruncated": False}
    tags = _find(view, call.principal.account, params["PolicyArn"])[1]["tags"]
    return page_of_names(tags, params, "Tags", lambda name: {"Key": name, "Value": tags[name]})


WRITES: dict[str, Write] = {
    "CreatePolicy": create_policy,
    "DeletePolicy": delete_policy,
    "CreatePolicyVersion": create_policy_version,
    "DeletePolicyVersion": delete_policy_version,
    "SetDefaultPolicyVersion": set_default_policy_version,
    "TagPolicy": tag_policy,
    "UntagPolicy": untag_policy,
}
READS: dict[str, Read] = {
    "GetPolicy": get_policy,
    "ListPolicies": list_policies,
    "GetPolicyVersion": get_policy_version,
    "ListPolicyVersions": list_policy_versions,
    "ListEntitiesForPolicy": list_entities_for_policy,
    "ListPolicyTags": list_policy_tags,
}


def _check_document(document: str) -> None:
    check_identity_policy(document)
    if len("".join(document.split())) > DOCUMENT_BYTES_MAX:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {DOCUMENT_BYTES_MAX}")


def _find(view: View, account: str, policy_arn: str) -> tuple[str, Document]:
    parts = split_arn(policy_arn)
    if parts is None or parts[1] != "policy":
        raise ApiError("InvalidInput", f"ARN {policy_arn} is not valid.", status=400)
    if parts[0] == account:
        record = POLICIES.get(view, account, parts[2].lower())
        if record is not None and record["arn"] == policy_arn:
            return account, record
    if parts[0] not in ("aws", account):
        raise ApiError("AccessDenied", f"Policy {policy_arn} belongs to another account.", status=403)
    raise ApiError("NoSuchEntity", f"Policy {policy_arn} was not found.", status=404)


def _find_own(view: View, change: Change) -> tuple[str, Document]:
    policy_arn = change.params["PolicyArn"]
    if policy_arn in MANAGED:
        raise ApiError("AccessDenied", "Policy is outside your own account.", status=403)
    return _find(view, change.account, policy_arn)


def _stored(account: str, record: Document) -> Batch:
    batch = Batch()
    POLICIES.put(batch, record, account, record["name"].lower())
    return batch


def _attachments(view: View, account: str, policy_arn: str) -> int:
    return sum(1 for _ in ATTACHMENTS.below(view, account, policy_arn))


def _boundary_uses(view: View, account: str, policy_arn: str) -> int:
    return sum(1 for _ in BOUNDARY_USES.below(view, account, policy_arn))


def _shape(view: View, account: str, record: Document) -> Answer:
    shape: Answer = {
        "PolicyName": record["name"],
        "PolicyId": record["id"],
        "Arn": record["arn"],
        "Path": record["path"],
        "DefaultVersionId": record["default"],
        "AttachmentCount": _attachments(view, account, record["arn"]),
        "PermissionsBoundaryUsageCount": _boundary_uses(view, account, record["arn"]),
        "IsAttachable": True,
        "CreateDate": record["created"],
        "UpdateDate": record["updated"],
    }
    if record["tags"]:
        shape["Tags"] = tag_list(record["tags"])
    return shape


def _aws_shape(view: View, account: str, policy: ManagedPolicy, *, whole: bool) -> Answer:
    shape: Answer = {
        "PolicyName": policy.name,
        "PolicyId": policy.unique_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.version,
        "AttachmentCount": _attachments(view, account, policy.arn),
        "PermissionsBoundaryUsageCount": _boundary_uses(view, account, policy.arn),
        "IsAttachable": True,
        "CreateDate": policy.created,
        "UpdateDate": policy.created,
    }
    if whole:
        shape |= {"Description": policy.description, "Tags": []}
    return shape


def policy_details(view: View, account: str, record: Document) -> Answer:
    """The policy as GetAccountAuthorizationDetails has it: with every version's document."""
    shape = _shape(view, account, record)
    shape.pop("Tags", None)
    shape["PolicyVersionList"] = [
        _version_shape(record, version, whole=True)
        for version in sorted(record["versions"], key=lambda one: -int(one[1:]))
    ]
    if record["description"] is not None:
        shape["Description"] = record["description"]
    return shape


def aws_policy_details(view: View, account: str, policy: ManagedPolicy) -> Answer:
    return _aws_shape(view, account, policy, whole=False) | {"PolicyVersionList": [_aws_version(policy, whole=True)]}


def _aws_version(policy: ManagedPolicy, *, whole: bool) -> Answer:
    shape: Answer = {"Document": encoded(policy.document)} if whole else {}
    return shape | {"VersionId": policy.version, "IsDefaultVersion": True, "CreateDate": policy.created}


def _version_shape(record: Document, version: str, *, whole: bool) -> Answer:
    stored = record["versions"][version]
    shape: Answer = {"Document": encoded(stored["document"])} if whole else {}
    return shape | {
        "VersionId": version,
        "IsDefaultVersion": record["default"] == version,
        "CreateDate": stored["created"],
    }


def _check_version(record: Document, version: str) -> None:
    if version not in record["versions"]:
        raise _no_such_version(record["arn"], version)


def _no_such_version(policy_arn: str, version: str) -> ApiError:
    return ApiError(
        "NoSuchEntity", f"Policy {policy_arn} version {version} does not exist or is not attachable.", status=404
    )
