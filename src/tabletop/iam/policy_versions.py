"""The versions of managed policies: up to five of a customer's own, one that counts; of AWS's the present one."""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import MANAGED, ManagedPolicy
from tabletop.iam.kinds import POLICY
from tabletop.iam.managed_policies import aws_policy_shape, check_document, find_own_policy, find_policy, policy_shape
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
    seconds,
)
from tabletop.iam.records import Document
from tabletop.storage.store import Batch, View

VERSIONS_MAX = 5


def create_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    document = change.params["PolicyDocument"]
    check_document(document)
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
    return {"PolicyVersion": _version_shape(record, version, whole=False)}, POLICY.stored(change, record)


def delete_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    version = change.params["VersionId"]
    _check_version(record, version)
    if record["default"] == version:
        raise delete_conflict("Cannot delete the default version of a policy.")
    del record["versions"][version]
    return {}, POLICY.stored(change, record)


def set_default_policy_version(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
    record = find_own_policy(view, change)
    _check_version(record, change.params["VersionId"])
    record["default"] = change.params["VersionId"]
    record["updated"] = seconds(now)
    return {}, POLICY.stored(change, record)


def get_policy_version(view: View, call: Call, params: Params) -> Answer:
    policy_arn, version = params["PolicyArn"], params["VersionId"]
    if policy_arn in MANAGED:
        policy = MANAGED[policy_arn]
        if version != policy.version:
            raise _no_such_version(policy_arn, version)
        return {"PolicyVersion": _aws_version(policy, whole=True)}
    record = find_policy(view, call.principal.account, policy_arn)
    _check_version(record, version)
    return {"PolicyVersion": _version_shape(record, version, whole=True)}


def list_policy_versions(view: View, call: Call, params: Params) -> Answer:
    policy_arn = params["PolicyArn"]
    if policy_arn in MANAGED:
        return {"Versions": [_aws_version(MANAGED[policy_arn], whole=False)], "IsTruncated": False}
    record = find_policy(view, call.principal.account, policy_arn)
    newest_first = _newest_first(record)
    begin = newest_first.index(params["Marker"]) + 1 if params.get("Marker") in newest_first else 0
    entries = ((one, _version_shape(record, one, whole=False)) for one in newest_first[begin:])
    return page(entries, params, "Versions")


WRITES: dict[str, Write] = {
    "CreatePolicyVersion": create_policy_version,
    "DeletePolicyVersion": delete_policy_version,
    "SetDefaultPolicyVersion": set_default_policy_version,
}
READS: dict[str, Read] = {
    "GetPolicyVersion": get_policy_version,
    "ListPolicyVersions": list_policy_versions,
}


def policy_details(view: View, account: str, record: Document) -> Answer:
    """The policy as GetAccountAuthorizationDetails has it: with every version's document."""
    shape = policy_shape(view, account, record)
    shape.pop("Tags", None)
    shape["PolicyVersionList"] = [_version_shape(record, version, whole=True) for version in _newest_first(record)]
    if record["description"] is not None:
        shape["Description"] = record["description"]
    return shape


def aws_policy_details(view: View, account: str, policy: ManagedPolicy) -> Answer:
    return aws_policy_shape(view, account, policy) | {"PolicyVersionList": [_aws_version(policy, whole=True)]}


def _version_shape(record: Document, version: str, *, whole: bool) -> Answer:
    stored = record["versions"][version]
    shape: Answer = {"Document": encoded(stored["document"])} if whole else {}
    return shape | {
        "VersionId": version,
        "IsDefaultVersion": record["default"] == version,
        "CreateDate": stored["created"],
    }


def _aws_version(policy: ManagedPolicy, *, whole: bool) -> Answer:
    shape: Answer = {"Document": encoded(policy.document)} if whole else {}
    return shape | {"VersionId": policy.version, "IsDefaultVersion": True, "CreateDate": policy.created}


def _check_version(record: Document, version: str) -> None:
    if version not in record["versions"]:
        raise _no_such_version(record["arn"], version)


def _no_such_version(policy_arn: str, version: str) -> ApiError:
    return ApiError(
        "NoSuchEntity", f"Policy {policy_arn} version {version} does not exist or is not attachable.", status=404
    )


def _newest_first(record: Document) -> list[str]:
    return sorted(record["versions"], key=lambda version: -int(version[1:]))
