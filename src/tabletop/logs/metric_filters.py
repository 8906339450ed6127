"""Metric filters: kept in the group's record, described, and tried out. No metrics are made of them: there is no CloudWatch.

A filter: name, pattern, transformations (in the request's form), created (milliseconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs.pattern import compile_pattern, extractor
from tabletop.logs.records import GROUPS, Record, get_group, groups_named, invalid, page_token, token_parts
from tabletop.storage.store import Batch, View

Request = tuple[Call, dict[str, Any]]
Answer = dict[str, Any]

FILTERS_PER_GROUP_MAX = 100
FILTERS_PER_PAGE = 50
DIMENSIONS_MAX = 3
_NOT_BUILT = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions")


def put_filter(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    _check(params)
    if group["class"] != "STANDARD":
        # Inferred words.
        raise ApiError(
            "InvalidOperationException", "Metric filters are supported for log groups of the Standard class only."
        )
    kept = [one for one in filters_of(group) if one["name"] != params["filterName"]]
    if len(kept) >= FILTERS_PER_GROUP_MAX:
        raise ApiError("LimitExceededException", "Resource limit exceeded.")
    present = next((one for one in filters_of(group) if one["name"] == params["filterName"]), None)
    changed = {
        "name": params["filterName"],
        "pattern": params["filterPattern"],
        "transformations": params["metricTransformations"],
        "created": int(now * 1000) if present is None else present["created"],
    }
    return _stored(call, group, sorted([*kept, changed], key=lambda one: str(one["name"])))


def delete_filter(view: View, request: Request, now: float) -> tuple[Answer, Batch]:
    call, params = request
    group = get_group(view, call.account, call.region, params["logGroupName"])
    kept = [one for one in filters_of(group) if one["name"] != params["filterName"]]
    if len(kept) == len(filters_of(group)):
        raise ApiError("ResourceNotFoundException", "The specified metric filter does not exist.")
    return _stored(call, group, kept)


def describe_filters(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """Of one group or of all, in order of their names."""
    if (params.get("metricName") is None) != (params.get("metricNamespace") is None):
        # That both are needed is documented, the words are inferred.
        raise invalid("metricName and metricNamespace must be specified together.")
    after = tuple(token_parts(params["nextToken"], str, str)) if params.get("nextToken") else ("", "")
    found = sorted(
        ((one["name"], group["name"], one) for group, one in _wanted(view, call, params)), key=lambda each: each[:2]
    )
    rest = [each for each in found if each[:2] > after]
    limit = params.get("limit") or FILTERS_PER_PAGE
    answer: Answer = {"metricFilters": [_shape(group, one) for _, group, one in rest[:limit]]}
    if len(rest) > limit:
        answer["nextToken"] = page_token(*rest[limit - 1][:2])
    return answer


def try_pattern(view: View, call: Call, params: dict[str, Any]) -> Answer:
    """TestMetricFilter. Messages are numbered from 1."""
    matches, extract = compile_pattern(params["filterPattern"]), extractor(params["filterPattern"])
    found = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": extract(message)}
        for number, message in enumerate(params["logEventMessages"], 1)
        if matches(message)
    ]
    return {"matches": found}


def filters_of(group: Record) -> list[Record]:
    filters: list[Record] = group.get("metric_filters", [])
    return filters


def _wanted(view: View, call: Call, params: dict[str, Any]) -> Iterator[tuple[Record, Record]]:
    prefix = params.get("filterNamePrefix") or ""
    if params.get("logGroupName"):
        groups: Iterator[Record] = iter([get_group(view, call.account, call.region, params["logGroupName"])])
    else:
        groups = groups_named(view, call.account, call.region)
    metric = (params.get("metricName"), params.get("metricNamespace"))
    for group in groups:
        for one in filters_of(group):
            made = [(each["metricName"], each["metricNamespace"]) for each in one["transformations"]]
            if one["name"].startswith(prefix) and (metric == (None, None) or metric in made):
                yield group, one


def _check(params: dict[str, Any]) -> None:
    """Everything that can be judged without the store. Raises InvalidParameterException."""
    compile_pattern(params["filterPattern"])
    for member in _NOT_BUILT:
        if params.get(member):
            raise invalid(f"{member} is not available here.")
    form = params["filterPattern"].strip()[:1]
    for each in params["metricTransformations"]:
        dimensions = each.get("dimensions")
        if dimensions and each.get("defaultValue") is not None:
            # Recalled words.
            raise invalid(
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties."
            )
        # What follows is documented, its words are inferred.
        if dimensions and len(dimensions) > DIMENSIONS_MAX:
            raise invalid(f"Invalid metric transformation: no more than {DIMENSIONS_MAX} dimensions are allowed.")
        if dimensions and form not in ("{", "["):
            raise invalid("Invalid metric transformation: dimensions need a JSON or space-delimited filter pattern.")


def _shape(group_name: str, one: Record) -> Answer:
    return {
        "filterName": one["name"],
        "filterPattern": one["pattern"],
        "metricTransformations": one["transformations"],
        "creationTime": one["created"],
        "logGroupName": group_name,
        "applyOnTransformedLogs": False,
    }


def _stored(call: Call, group: Record, filters: list[Record]) -> tuple[Answer, Batch]:
    batch = Batch()
    GROUPS.put(batch, {**group, "metric_filters": filters}, call.account, call.region, group["name"])
    return {}, batch
