"""What a call needs permission for: pairs of IAM action and resource ARN, from AWS's service authorisation table.

Where the table and AWS's observed AccessDenied messages differ (CreateLogStream is listed for groups, and checked on
the stream), the message was followed: a policy for "log-group:NAME:*" covers both.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.records import group_arn, name_in_arn, stream_arn, token_parts

_ON_STREAMS = frozenset({"CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"})
_ON_ARNS = frozenset({"TagResource", "UntagResource", "ListTagsForResource"})
_ON_ALL_GROUPS = frozenset({"DescribeLogGroups", "ListLogGroups"})
_OF_MANY_GROUPS = {
    "StartQuery": ("logGroupNames", "logGroupIdentifiers"),
    "StartLiveTail": ("logGroupIdentifiers",),
}
"""Operations that name several groups, each of which they must be allowed."""


def targets(action: str, call: Call, params: dict[str, Any]) -> list[tuple[str, str]]:
    """Everything the call must be allowed. ``params`` may be unchecked: what is missing or wrong becomes "*"."""
    account, region = call.account, call.region
    arn = "*"
    group = params.get("logGroupName") or params.get("logGroupIdentifier")
    if action in _ON_ALL_GROUPS:
        arn = f"{group_arn(account, region, '')}:log-stream:"
    elif action == "GetLogRecord":
        arn = _record_target(call, params.get("logRecordPointer"))
    elif action in _ON_ARNS:
        arn = str(params.get("resourceArn") or "*")
    elif isinstance(group, str):
        try:
            name = name_in_arn(group, account, region)
        except ApiError:
            return [(f"logs:{action}", group)]
        if action in _ON_STREAMS:
            arn = stream_arn(account, region, name, str(params.get("logStreamName", "")))
        else:
            arn = f"{group_arn(account, region, name)}:*"
    needed = [(f"logs:{action}", arn)]
    for member in _OF_MANY_GROUPS.get(action, ()):
        listed = params.get(member)
        if isinstance(listed, list) and listed:
            needed = [(f"logs:{action}", _group_target(call, each)) for each in listed]
    if action == "CreateLogGroup" and params.get("tags"):
        needed.append(("logs:TagResource", arn))
    if params.get("unmask"):
        needed.append(("logs:Unmask", arn))
    return needed


def _record_target(call: Call, pointer: Any) -> str:
    """The group that an event's pointer names; "*" for what is no pointer."""
    try:
        name = token_parts(str(pointer), str, int, int, int)[0]
    except ApiError:
        return "*"
    return f"{group_arn(call.account, call.region, name)}:*"


def _group_target(call: Call, identifier: Any) -> str:
    try:
        return f"{group_arn(call.account, call.region, name_in_arn(str(identifier), call.account, call.region))}:*"
    except ApiError:
        return str(identifier)
