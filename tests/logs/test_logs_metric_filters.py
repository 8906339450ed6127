"""Metric filters and resource policies: put, described, deleted, tried out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletop.base.errors import ApiError

APACHE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534'
VALUES = ["127.0.0.1", "-", "frank", "10/Oct/2000:13:25:15 -0700", "GET /apache_pb.gif HTTP/1.0", "200", "1534"]
METRIC = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}


def put(client: Any, name: str, group: str = "g", pattern: str = "", **metric: Any) -> None:
    transformations = [METRIC | metric]
    client(
        "PutMetricFilter",
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        metricTransformations=transformations,
    )


def refused(client: Any, action: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ApiError) as caught:
        client(action, **params)
    return caught.value.code, caught.value.message or ""


# A filter is described as it was put, also without its group being named; the group tells how many it has.
def test_filters_are_kept(client: Any) -> None:
    client.stream()
    client.stream("h")
    put(client, "b", pattern="ERROR", defaultValue=0.5, unit="Count")
    made = client.now_ms
    client.clock.now += 5
    put(client, "b", pattern="WARN")
    put(client, "a", "h", metricName="other")
    shown = client("DescribeMetricFilters")["metricFilters"]
    assert [(one["filterName"], one["logGroupName"]) for one in shown] == [("a", "h"), ("b", "g")]
    assert shown[1] == {
        "filterName": "b",
        "filterPattern": "WARN",
        "metricTransformations": [METRIC],
        "creationTime": made,
        "logGroupName": "g",
        "applyOnTransformedLogs": False,
    }
    assert [group["metricFilterCount"] for group in client("DescribeLogGroups")["logGroups"]] == [1, 1]
    (found,) = client("DescribeMetricFilters", metricName="m", metricNamespace="n")["metricFilters"]
    assert found["filterName"] == "b"
    assert client("DescribeMetricFilters", logGroupName="g", filterNamePrefix="a")["metricFilters"] == []
    first = client("DescribeMetricFilters", limit=1)
    rest = client("DescribeMetricFilters", nextToken=first["nextToken"])
    assert [one["filterName"] for one in first["metricFilters"] + rest["metricFilters"]] == ["a", "b"]
    assert "nextToken" not in rest
    client("DeleteMetricFilter", logGroupName="g", filterName="b")
    assert client("DescribeMetricFilters", logGroupName="g")["metricFilters"] == []


# What is not there, does not fit together or is too much is refused.
def test_refusals(client: Any) -> None:
    client.stream()
    gone = ("ResourceNotFoundException", "The specified metric filter does not exist.")
    assert refused(client, "DeleteMetricFilter", logGroupName="g", filterName="b") == gone
    no_group = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refused(client, "DescribeMetricFilters", logGroupName="no") == no_group
    assert refused(client, "DescribeMetricFilters", metricName="m")[0] == "InvalidParameterException"
    with pytest.raises(ApiError, match="mutually exclusive"):
        put(client, "b", pattern="{ $.a = 1 }", defaultValue=0.0, dimensions={"a": "$.a"})
    with pytest.raises(ApiError, match="dimensions need"):
        put(client, "b", pattern="ERROR", dimensions={"a": "$.a"})
    with pytest.raises(ApiError, match="Invalid filter pattern"):
        put(client, "b", pattern="{ $.a = }")
    for number in range(100):
        put(client, f"f{number}")
    with pytest.raises(ApiError) as caught:
        put(client, "one more")
    assert caught.value.code == "LimitExceededException"
    put(client, "f0", pattern="changed")


# A tried pattern tells what it found: fields by name or number, selectors by themselves, of terms nothing.
@pytest.mark.parametrize(
    ("pattern", "message", "extracted"),
    [
        (
            "[ip, identity, user_id, timestamp, request, status_code, size]",
            APACHE,
            dict(
                zip(
                    ["$ip", "$identity", "$user_id", "$timestamp", "$request", "$status_code", "$size"],
                    VALUES,
                    strict=True,
                )
            ),
        ),
        (
            "[..., status_code = 2*, size]",
            APACHE,
            dict(zip(["$1", "$2", "$3", "$4", "$5", "$status_code", "$size"], VALUES, strict=True)),
        ),
        ("[w, (x = 1 || x = 2), ]", "a 2 c", {"$w": "a", "$x": "2", "$3": "c"}),
        (
            '{ ($.type = "UpdateTrail") && ($.ip != 123.123.*) && ($.list[*] = 2) && ($.no NOT EXISTS) }',
            '{"type": "UpdateTrail", "ip": "111.111.111.111", "list": [1, 2]}',
            {"$.type": "UpdateTrail", "$.ip": "111.111.111.111", "$.list[*]": "1"},
        ),
        ("frank", APACHE, {}),
    ],
)
def test_a_pattern_extracts(client: Any, pattern: str, message: str, extracted: dict[str, str]) -> None:
    answer = client("TestMetricFilter", filterPattern=pattern, logEventMessages=["no such thing here", message])
    assert answer == {"matches": [{"eventNumber": 2, "eventMessage": message, "extractedValues": extracted}]}


# Messages are numbered from 1, and what is no pattern is refused.
def test_a_pattern_is_tried_out(client: Any) -> None:
    answer = client("TestMetricFilter", filterPattern="{ $.a = * }", logEventMessages=['{"a": 1}', "no", '{"a": "x"}'])
    assert [each["eventNumber"] for each in answer["matches"]] == [1, 3]
    wrong = refused(client, "TestMetricFilter", filterPattern="{", logEventMessages=["x"])
    assert wrong[0] == "InvalidParameterException"


# Resource policies are kept as they are given, ten of them; what is no policy is refused.
def test_resource_policies(client: Any) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    for number in range(10):
        answer = client("PutResourcePolicy", policyName=f"p{number}", policyDocument=document)
    assert answer["resourcePolicy"] == {
        "policyName": "p9",
        "policyDocument": document,
        "lastUpdatedTime": client.now_ms,
        "policyScope": "ACCOUNT",
    }
    assert refused(client, "PutResourcePolicy", policyName="q", policyDocument=document)[0] == "LimitExceededException"
    assert refused(client, "PutResourcePolicy", policyName="p1", policyDocument="{")[0] == "InvalidParameterException"
    first = client("DescribeResourcePolicies", limit=9)
    rest = client("DescribeResourcePolicies", nextToken=first["nextToken"])["resourcePolicies"]
    assert [one["policyName"] for one in rest] == ["p9"]
    client("DeleteResourcePolicy", policyName="p9")
    gone = ("ResourceNotFoundException", "Policy with name [p9] does not exist")
    assert refused(client, "DeleteResourcePolicy", policyName="p9") == gone
