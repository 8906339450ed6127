"""Tags of groups, through both families of operations: by ARN (TagResource ...) and by name (TagLogGroup ...)."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.records import GROUPS, Record, get_group, group_arn, invalid
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

TAGS_MAX = 50


def tag(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """TagResource and TagLogGroup."""
    call, params = request
    group = tagged_group(view, call, params)
    add_tags(group, params["tags"])
    return _stored(call, group)


def untag(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """UntagResource (``tagKeys``) and UntagLogGroup (``tags``). Keys that are not there are no error."""
    call, params = request
    group = tagged_group(view, call, params)
    for key in params["tagKeys"] if "tagKeys" in params else params["tags"]:
        group["tags"].pop(key, None)
    return _stored(call, group)


def list_tags(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """ListTagsForResource and ListTagsLogGroup."""
    return {"tags": tagged_group(view, call, params)["tags"]}


def add_tags(group: Record, tags: dict[str, str]) -> None:
    """Add to the record's tags. Raises TooManyTagsException, and InvalidParameterException for AWS's own keys."""
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tag keys that begin with aws: are reserved for system use.")
    merged = group["tags"] | tags
    if len(merged) > TAGS_MAX:
        raise ApiError("TooManyTagsException", "A resource can have no more than 50 tags.")
    group["tags"] = merged


def has_tags(group: Record, filters: list[dict[str, Any]]) -> bool:
    """Does the group match every filter: ``{"key": ..., "values": [...]}``, any value where none is named?"""
    tags = group["tags"]
    for wanted in filters:
        if wanted["key"] not in tags:
            return False
        values = wanted.get("values")
        if values and not any(_value_matches(tags[wanted["key"]], pattern) for pattern in values):
            return False
    return True


def _value_matches(value: str, pattern: str) -> bool:
    """``prod``, ``prod*``, ``*prod``, ``!prod``: exact where there is no asterisk, in any case where there is one."""
    bare = pattern.removeprefix("!")
    if bare.startswith("*") or bare.endswith("*"):
        middle, value = bare.removeprefix("*").removesuffix("*").lower(), value.lower()
        if bare.startswith("*") and bare.endswith("*"):
            matches = middle in value
        else:
            matches = value.endswith(middle) if bare.startswith("*") else value.startswith(middle)
    else:
        matches = value == bare
    return matches is not pattern.startswith("!")


def tagged_group(view: View, call: Call, params: dict[str, Any]) -> Record:
    """The group that ``resourceArn`` or ``logGroupName`` names. Raises ResourceNotFoundException."""
    if "logGroupName" in params:
        return get_group(view, call.account, call.region, params["logGroupName"])
    arn = params["resourceArn"]
    prefix = group_arn(call.account, call.region, "")
    if not arn.startswith("arn:"):
        raise invalid("The specified resource ARN is invalid.")
    group = None
    if arn.startswith(prefix):
        group = GROUPS.get(view, call.account, call.region, arn[len(prefix) :].removesuffix(":*"))
    if group is None:
        raise ApiError("ResourceNotFoundException", "The specified resource does not exist.")
    return group


def _stored(call: Call, group: Record) -> tuple[Answer, Batch]:
    batch = Batch()
    GROUPS.put(batch, group, call.account, call.region, group["name"])
    return {}, batch
