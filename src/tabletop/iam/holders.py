"""What roles, users and groups have in common: they hold inline and attached policies; the first two a boundary too.

The operations of all kinds are made from the same functions, so that they cannot differ.
"""

from __future__ import annotations

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.aws_managed import MANAGED
from tabletop.iam.kinds import Kind
from tabletop.iam.operation import (
    Answer,
    Change,
    Params,
    Read,
    Write,
    encoded,
    limit_exceeded,
    page_of_names,
    tag_list,
)
from tabletop.iam.policy_grammar import check_identity_policy, counted_size
from tabletop.iam.records import ATTACHMENTS, AWS_ACCOUNT, POLICIES, Document, split_arn
from tabletop.storage.store import Batch, View

ATTACHED_MAX = 10


def policy_exists(view: View, account: str, policy_arn: str) -> bool:
    """Whether it is one that this account may attach: its own, or one of AWS's."""
    parts = split_arn(policy_arn)
    if parts is None or parts[1] != "policy":
        return False
    if parts[0] == AWS_ACCOUNT:
        return policy_arn in MANAGED
    if parts[0] != account:
        return False
    record = POLICIES.get(view, parts[0], parts[2].lower())
    return record is not None and record["arn"] == policy_arn


def check_policy_arn(policy_arn: str) -> None:
    """InvalidInput for what is no policy's ARN."""
    parts = split_arn(policy_arn)
    if parts is None or parts[1] != "policy":
        raise ApiError("InvalidInput", f"ARN {policy_arn} is not valid.", status=400)


def no_such_policy(policy_arn: str) -> ApiError:
    return ApiError("NoSuchEntity", f"Policy {policy_arn} does not exist or is not attachable.", status=404)


def check_boundary(view: View, account: str, params: Params) -> str | None:
    """The ARN of the permissions boundary that the request names, if it names one; it must exist."""
    policy_arn: str | None = params.get("PermissionsBoundary")
    if policy_arn is None:
        return None
    parts = split_arn(policy_arn)
    if parts is None or parts[1] != "policy":
        message = f"Value ({policy_arn}) for parameter PermissionsBoundary is invalid."
        raise ApiError("InvalidParameterValue", message, status=400)
    if not policy_exists(view, account, policy_arn):
        raise ApiError("NoSuchEntity", f"Scope ARN: {policy_arn} does not exist or is not attachable.", status=404)
    return policy_arn


def boundary_shape(record: Document) -> Answer:
    """The member PermissionsBoundary of a role's or user's shape, where there is one."""
    boundary = record.get("boundary")
    if boundary is None:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}}


def policy_writes(kind: Kind) -> dict[str, Write]:
    """PutRolePolicy, DeleteRolePolicy, AttachRolePolicy, DetachRolePolicy for this kind."""

    def put_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        document = change.params["PolicyDocument"]
        check_identity_policy(document)
        inline = record["inline"]
        inline[change.params["PolicyName"]] = document
        if sum(map(counted_size, inline.values())) > kind.inline_bytes_max:
            raise limit_exceeded(
                f"Maximum policy size of {kind.inline_bytes_max} bytes exceeded for {kind.word} {record['name']}"
            )
        return {}, kind.stored(change, record)

    def delete_policy(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        if record["inline"].pop(change.params["PolicyName"], None) is None:
            raise _no_inline_policy(kind, change.params["PolicyName"])
        return {}, kind.stored(change, record)

    def attach(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        policy_arn = change.params["PolicyArn"]
        check_policy_arn(policy_arn)
        if not policy_exists(view, change.account, policy_arn):
            raise no_such_policy(policy_arn)
        if policy_arn in record["attached"]:
            return {}, None
        if len(record["attached"]) >= ATTACHED_MAX:
            raise limit_exceeded(f"Cannot exceed quota for PoliciesPer{kind.title}: {ATTACHED_MAX}")
        record["attached"].append(policy_arn)
        batch = kind.stored(change, record)
        ATTACHMENTS.put(batch, {}, change.account, policy_arn, kind.word, record["name"])
        return {}, batch

    def detach(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        policy_arn = change.params["PolicyArn"]
        if policy_arn not in record["attached"]:
            raise ApiError("NoSuchEntity", f"Policy {policy_arn} was not found.", status=404)
        record["attached"].remove(policy_arn)
        batch = kind.stored(change, record)
        ATTACHMENTS.delete(batch, change.account, policy_arn, kind.word, record["name"])
        return {}, batch

    return {
        f"Put{kind.title}Policy": put_policy,
        f"Delete{kind.title}Policy": delete_policy,
        f"Attach{kind.title}Policy": attach,
        f"Detach{kind.title}Policy": detach,
    }


def boundary_writes(kind: Kind) -> dict[str, Write]:
    """PutRolePermissionsBoundary and DeleteRolePermissionsBoundary for this kind."""

    def put_boundary(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        return {}, kind.stored_with(change, record, check_boundary(view, change.account, change.params))

    def delete_boundary(view: View, change: Change, now: float) -> tuple[Answer, Batch | None]:
        record = kind.named_in(view, change)
        if "boundary" not in record:
            raise ApiError(
                "NoSuchEntity", f"{kind.title} {record['name']} does not have a permissions boundary.", status=404
            )
        return {}, kind.stored_with(change, record, None)

    return {
        f"Put{kind.title}PermissionsBoundary": put_boundary,
        f"Delete{kind.title}PermissionsBoundary": delete_boundary,
    }


def policy_reads(kind: Kind) -> dict[str, Read]:
    """GetRolePolicy, ListRolePolicies and ListAttachedRolePolicies for this kind."""

    def record_of(view: View, call: Call, params: Params) -> Document:
        return kind.find(view, call.principal.account, params[kind.name_member])

    def get_policy(view: View, call: Call, params: Params) -> Answer:
        record = record_of(view, call, params)
        document = record["inline"].get(params["PolicyName"])
        if document is None:
            raise _no_inline_policy(kind, params["PolicyName"])
        return {
            kind.name_member: record["name"],
            "PolicyName": params["PolicyName"],
            "PolicyDocument": encoded(document),
        }

    def list_policies(view: View, call: Call, params: Params) -> Answer:
        return page_of_names(record_of(view, call, params)["inline"], params, "PolicyNames")

    def list_attached(view: View, call: Call, params: Params) -> Answer:
        prefix = params.get("PathPrefix", "/")
        arns = [one for one in record_of(view, call, params)["attached"] if _path(one).startswith(prefix)]
        return page_of_names(arns, params, "AttachedPolicies", attached_shape)

    return {
        f"Get{kind.title}Policy": get_policy,
        f"List{kind.title}Policies": list_policies,
        f"ListAttached{kind.title}Policies": list_attached,
    }


def attached_shape(policy_arn: str) -> Answer:
    return {"PolicyName": policy_arn.rsplit("/", 1)[-1], "PolicyArn": policy_arn}


def tags_shape(record: Document) -> Answer:
    return {"Tags": tag_list(record["tags"])} if record["tags"] else {}


def _no_inline_policy(kind: Kind, name: str) -> ApiError:
    return ApiError("NoSuchEntity", f"The {kind.word} policy with name {name} cannot be found.", status=404)


def _path(policy_arn: str) -> str:
    resource = policy_arn.split(":", 5)[5]
    return resource[len("policy") : resource.rfind("/") + 1]
