"""The operations on groups: create, delete, describe, retention, protection.

Each plan takes ``(call, params)``; ``params`` have the form of the service's model, which the gateway has checked.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs import keys, tags
from tabletop.logs.records import (
    GROUPS,
    Record,
    check_unprotected,
    get_group,
    group_arn,
    groups_named,
    invalid,
    name_in_arn,
    new_group,
    page_token,
    token_parts,
)
from tabletop.storage.store import Batch, View, read_counter

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

GROUPS_PER_PAGE = 50

DELIVERY_RETENTION_DAYS = 1
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)  # fmt: skip


def create_group(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    name = params["logGroupName"]
    if params.get("kmsKeyId"):
        raise invalid("Encryption with a KMS key is not available here: kmsKeyId must not be given.")
    if name.lower().startswith("aws/"):
        # Recalled words.
        raise invalid("Log groups starting with AWS/ are reserved for AWS.")
    if GROUPS.get(view, call.account, call.region, name) is not None:
        raise ApiError("ResourceAlreadyExistsException", "The specified log group already exists")
    batch = Batch()
    group = new_group(view, batch, call.account, call.region, name, now)
    group["class"] = params.get("logGroupClass") or "STANDARD"
    if group["class"] == "DELIVERY":
        group["retention"] = DELIVERY_RETENTION_DAYS
    group["protected"] = bool(params.get("deletionProtectionEnabled"))
    tags.add_tags(group, params.get("tags") or {})
    _store(batch, call, group)
    return {}, batch


def delete_group(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """The group is gone at once; its streams and events are cleared in the background (``background.clear_step``)."""
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    check_unprotected(group)
    batch = Batch()
    GROUPS.delete(batch, call.account, call.region, group["name"])
    batch.put(keys.dropped_key(group["number"]), b"")
    return {}, batch


def describe_groups(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """DescribeLogGroups. With logGroupNamePattern only name, ARN and creation time are given, as AWS documents."""
    prefix, pattern = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
    if prefix and pattern:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    wanted = {name_in_arn(each, call.account, call.region) for each in params.get("logGroupIdentifiers") or ()}
    after = token_parts(params["nextToken"], str)[0] if params.get("nextToken") else None
    limit = params.get("limit") or GROUPS_PER_PAGE
    page: list[Record] = []
    accounts = params.get("accountIdentifiers") or [call.account]
    listed = groups_named(view, call.account, call.region, prefix or "", after) if call.account in accounts else ()
    for group in listed:
        if pattern and pattern not in group["name"]:
            continue
        if wanted and group["name"] not in wanted:
            continue
        if params.get("logGroupClass") not in (None, group["class"]):
            continue
        if len(page) == limit:
            answer = [_summary(view, call, each, short=bool(pattern)) for each in page]
            return {"logGroups": answer, "nextToken": page_token(page[-1]["name"])}
        page.append(group)
    return {"logGroups": [_summary(view, call, each, short=bool(pattern)) for each in page]}


def list_groups(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """ListLogGroups. The pattern is up to five parts of names, each at the beginning where it has a caret."""
    for member in ("dataSources", "fieldIndexNames"):
        if params.get(member):
            raise invalid(f"{member} is not available here.")
    accounts = params.get("accountIdentifiers") or [call.account]
    parts = (params.get("logGroupNamePattern") or "").split("|")
    after = token_parts(params["nextToken"], str)[0] if params.get("nextToken") else None
    limit = params.get("limit") or GROUPS_PER_PAGE
    page: list[Answer] = []
    for group in groups_named(view, call.account, call.region, "", after) if call.account in accounts else ():
        name = group["name"]
        if params.get("logGroupClass") not in (None, group["class"]):
            continue
        if not tags.has_tags(group, params.get("logGroupTags") or []):
            continue
        if not any(name.startswith(part[1:]) if part.startswith("^") else part in name for part in parts):
            continue
        if len(page) == limit:
            return {"logGroups": page, "nextToken": page_token(page[-1]["logGroupName"])}
        arn = group_arn(call.account, call.region, name)
        page.append({"logGroupName": name, "logGroupArn": arn, "logGroupClass": group["class"]})
    return {"logGroups": page}


def put_retention(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    days = params["retentionInDays"]
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )
    return _change(view, call, params["logGroupName"], retention=days)


def delete_retention(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    return _change(view, call, params["logGroupName"], retention=None)


def put_protection(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    name = name_in_arn(params["logGroupIdentifier"], call.account, call.region)
    return _change(view, call, name, protected=params["deletionProtectionEnabled"])


def _change(view: View, call: Call, name: str, **changes: Any) -> tuple[Answer, Batch]:
    group = get_group(view, call.account, call.region, name)
    group.update(changes)
    batch = Batch()
    _store(batch, call, group)
    return {}, batch


def _store(batch: Batch, call: Call, group: Record) -> None:
    GROUPS.put(batch, group, call.account, call.region, group["name"])


def _summary(view: View, call: Call, group: Record, *, short: bool) -> Answer:
    arn = group_arn(call.account, call.region, group["name"])
    if short:
        return {"logGroupName": group["name"], "creationTime": group["created"], "arn": f"{arn}:*"}
    summary = {
        "logGroupName": group["name"],
        "creationTime": group["created"],
        "metricFilterCount": len(group.get("metric_filters", ())),
        "arn": f"{arn}:*",
        "storedBytes": read_counter(view, keys.counter_key(group["number"]), 1)[0],
        "logGroupClass": group["class"],
        "logGroupArn": arn,
        "deletionProtectionEnabled": group["protected"],
    }
    if group["retention"] is not None:
        summary["retentionInDays"] = group["retention"]
    return summary
