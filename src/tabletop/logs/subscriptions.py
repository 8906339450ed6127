"""Subscription filters: whoever matches gets the group's new events (``delivery``). They are part of the group's record.

A filter: number (of the group's, never used again), name, pattern, destination (ARN), distribution, created.
"""

from __future__ import annotations

import re
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.pattern import compile_pattern
from tabletop.logs.records import GROUPS, Record, get_group, invalid, page_token, token_parts
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

FILTERS_PER_GROUP_MAX = 2
FILTERS_PER_PAGE = 50
_FUNCTION = re.compile(r"arn:aws:lambda:([a-z0-9-]+):([0-9]{12}):function:[A-Za-z0-9_-]+(:[$A-Za-z0-9_-]+)?").fullmatch
_STREAMS = {"kinesis": "Kinesis", "firehose": "Firehose"}
_NOT_BUILT = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields")


def unreachable() -> ApiError:
    return invalid(
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
        "function."
    )


def loop() -> ApiError:
    """A function that gets its own log would be invoked by its own invocations for ever. AWS's words, recalled."""
    return invalid("The log group provided is reserved for the function log of the destination function.")


def check_filter(call: Call, params: dict[str, Any]) -> None:
    """Everything that can be judged without the store. Raises ApiError."""
    compile_pattern(params["filterPattern"])
    for member in _NOT_BUILT:
        if params.get(member):
            raise invalid(f"{member} is not available here.")
    destination = params["destinationArn"]
    match = _FUNCTION(destination)
    if match is None:
        raise _no_destination(destination, params.get("roleArn"))
    if params.get("roleArn"):
        raise invalid("destinationArn for vendor lambda cannot be used with roleArn")
    if match[1] != call.region or match[2] != call.account:
        raise unreachable()


def _no_destination(destination: str, role_arn: str | None) -> ApiError:
    """AWS's words for vendors without a role and for those that get no logs; there are no streams here to be reached."""
    vendor = [*destination.split(":"), "", "", ""][2]
    if not destination.startswith("arn:") or not vendor or vendor == "lambda":
        return invalid("Invalid destinationArn.")  # inferred words
    if vendor == "logs":
        return invalid("destinationArn for vendor logs is not available here: only Lambda functions are.")
    if not role_arn:
        return invalid(f"destinationArn for vendor {vendor} cannot be used without roleArn")
    if vendor in _STREAMS:
        kind = _STREAMS[vendor]
        # Recalled words.
        return invalid(
            f"Could not deliver test message to specified {kind} stream. Check if the given {kind} stream is in ACTIVE "
            "state. "
        )
    return invalid(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}")


def put_filter(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    if group["class"] != "STANDARD":
        # Inferred words.
        raise ApiError(
            "InvalidOperationException", "Subscription filters are supported for log groups of the Standard class only."
        )
    filters = group.setdefault("subscriptions", [])
    present = next((one for one in filters if one["name"] == params["filterName"]), None)
    if present is None:
        if len(filters) >= FILTERS_PER_GROUP_MAX:
            raise ApiError("LimitExceededException", "Resource limit exceeded.")
        group["last_subscription"] = group.get("last_subscription", 0) + 1
        present = {
            "number": group["last_subscription"],
            "name": params["filterName"],
            "created": int(now * 1000),
        }
        filters.append(present)
        filters.sort(key=lambda one: str(one["name"]))
    present |= {
        "pattern": params["filterPattern"],
        "destination": params["destinationArn"],
        "distribution": params.get("distribution") or "ByLogStream",
    }
    return _stored(call, group)


def delete_filter(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    """What waits for the filter is dropped by ``delivery``."""
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    kept = [one for one in filters_of(group) if one["name"] != params["filterName"]]
    if len(kept) == len(filters_of(group)):
        raise ApiError("ResourceNotFoundException", "The specified subscription filter does not exist.")
    group["subscriptions"] = kept
    return _stored(call, group)


def describe_filters(view: View, call: Call, params: dict[str, Any]) -> Answer:
    group = get_group(view, call.account, call.region, params["logGroupName"])
    prefix = params.get("filterNamePrefix") or ""
    after = token_parts(params["nextToken"], str)[0] if params.get("nextToken") else ""
    found = [one for one in filters_of(group) if one["name"].startswith(prefix) and one["name"] > after]
    limit = params.get("limit") or FILTERS_PER_PAGE
    answer: Answer = {"subscriptionFilters": [_shape(group, one) for one in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = page_token(found[limit - 1]["name"])
    return answer


def filters_of(group: Record) -> list[Record]:
    filters: list[Record] = group.get("subscriptions", [])
    return filters


def _shape(group: Record, one: Record) -> Answer:
    return {
        "filterName": one["name"],
        "logGroupName": group["name"],
        "filterPattern": one["pattern"],
        "destinationArn": one["destination"],
        "distribution": one["distribution"],
        "applyOnTransformedLogs": False,
        "creationTime": one["created"],
    }


def _stored(call: Call, group: Record) -> tuple[Answer, Batch]:
    batch = Batch()
    GROUPS.put(batch, group, call.account, call.region, group["name"])
    return {}, batch
