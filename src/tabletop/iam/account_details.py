"""GetAccountAuthorizationDetails: every user, group, role and policy in full, in this order, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tabletop.base.call import Call
from tabletop.iam.aws_managed import MANAGED
from tabletop.iam.holders import attached_shape, boundary_shape, tags_shape
from tabletop.iam.instance_profiles import profile_shape, profiles_of
from tabletop.iam.kinds import GROUP, USER
from tabletop.iam.operation import Answer, Params, Read, encoded, page
from tabletop.iam.policy_versions import aws_policy_details, policy_details
from tabletop.iam.records import GROUPS, POLICIES, ROLES, USERS, Document
from tabletop.iam.roles import role_shape, whole_shape
from tabletop.storage.store import View

Entries = Iterator[tuple[str, Answer]]


def _users(view: View, account: str, after: str | None) -> Entries:
    for key, record in USERS.below(view, account, after=after):
        groups = {"GroupList": sorted(record.get("groups", ()))}
        yield key, USER.shape(record) | groups | _policies(record, "User") | tags_shape(record) | boundary_shape(record)


def _groups(view: View, account: str, after: str | None) -> Entries:
    for key, record in GROUPS.below(view, account, after=after):
        yield key, GROUP.shape(record) | _policies(record, "Group")


def _roles(view: View, account: str, after: str | None) -> Entries:
    for key, record in ROLES.below(view, account, after=after):
        shape = role_shape(record) | _policies(record, "Role") | whole_shape(view, account, record)
        for member in ("Description", "MaxSessionDuration"):
            shape.pop(member, None)
        shape["InstanceProfileList"] = [
            profile_shape(view, account, profile) for profile in profiles_of(view, account, record["name"])
        ]
        yield key, shape


def _own_policies(view: View, account: str, after: str | None) -> Entries:
    for key, record in POLICIES.below(view, account, after=after):
        yield key, policy_details(view, account, record)


def _aws_policies(view: View, account: str, after: str | None) -> Entries:
    """Those that somebody has attached (inferred: AWS's answers show no others)."""
    for policy_arn in sorted(MANAGED):
        if after is None or policy_arn > after:
            shape = aws_policy_details(view, account, MANAGED[policy_arn])
            if shape["AttachmentCount"] or shape["PermissionsBoundaryUsageCount"]:
                yield policy_arn, shape


# (entity type of the filter, member of the answer, entries), in the order of the answer's pages.
_PARTS: tuple[tuple[str, str, Callable[[View, str, str | None], Entries]], ...] = (
    ("User", "UserDetailList", _users),
    ("Group", "GroupDetailList", _groups),
    ("Role", "RoleDetailList", _roles),
    ("LocalManagedPolicy", "Policies", _own_policies),
    ("AWSManagedPolicy", "Policies", _aws_policies),
)
_ORDER = [part for part, _, _ in _PARTS]


def get_details(view: View, call: Call, params: Params) -> Answer:
    part, _, after = params.get("Marker", "").partition("/")
    begin = _ORDER.index(part) if part in _ORDER else 0
    wanted = params.get("Filter") or _ORDER

    def entries() -> Iterator[tuple[str, tuple[str, Answer]]]:
        for number, (kind, member, of) in enumerate(_PARTS):
            if number >= begin and kind in wanted:
                for key, shape in of(view, call.principal.account, after if kind == part else None):
                    yield f"{kind}/{key}", (member, shape)

    answer = page(entries(), params, "found")
    listed: Answer = {member: [] for _, member, _ in _PARTS}
    for member, shape in answer.pop("found"):
        listed[member].append(shape)
    return listed | answer


READS: dict[str, Read] = {"GetAccountAuthorizationDetails": get_details}


def _policies(record: Document, title: str) -> Answer:
    return {
        f"{title}PolicyList": [
            {"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in sorted(record["inline"].items())
        ],
        "AttachedManagedPolicies": [attached_shape(policy_arn) for policy_arn in record["attached"]],
    }
