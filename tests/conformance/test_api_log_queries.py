"""Logs Insights, metric filters and the refusals of CloudWatch Logs, as any client meets them."""

from __future__ import annotations

import json
import time
from typing import Any


def complete(logs: Any, query_id: str) -> dict[str, Any]:
    for _ in range(200):
        answer: dict[str, Any] = logs.get_query_results(queryId=query_id)
        if answer["status"] not in ("Scheduled", "Running"):
            return answer
        time.sleep(0.05)
    raise AssertionError("the query does not end")


# A query over JSON events groups and adds up; its rows are lists of fields, and one event can be had by its pointer.
def test_a_query(logs: Any, name: str) -> None:
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + n, "message": json.dumps({"n": n, "odd": n % 2})} for n in range(10)]
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    times = {"startTime": now // 1000 - 60, "endTime": now // 1000 + 60}
    text = "filter n >= 2 | stats count(*) as c, sum(n) by odd | sort odd"
    answer = complete(logs, logs.start_query(logGroupName=name, queryString=text, **times)["queryId"])
    assert answer["status"] == "Complete"
    found = [{one["field"]: one["value"] for one in row} for row in answer["results"]]
    assert found == [{"odd": "0", "c": "4", "sum(n)": "20"}, {"odd": "1", "c": "4", "sum(n)": "24"}]
    assert (answer["statistics"]["recordsScanned"], answer["statistics"]["recordsMatched"]) == (10, 8)
    text = "fields @message | sort n desc | limit 1"
    answer = complete(logs, logs.start_query(logGroupName=name, queryString=text, **times)["queryId"])
    ((message, pointer),) = answer["results"]
    assert message == {"field": "@message", "value": events[9]["message"]}
    record = logs.get_log_record(logRecordPointer=pointer["value"])["logRecord"]
    assert (record["n"], record["@logStream"]) == ("9", "s")


# What is no query is refused at once, and says where it goes wrong.
def test_a_malformed_query(logs: Any, name: str, refusal: Any) -> None:
    logs.create_log_group(logGroupName=name)
    code, _ = refusal(logs.start_query, logGroupName=name, queryString="filter (", startTime=0, endTime=1)
    assert code == "MalformedQueryException"
    code, _ = refusal(logs.start_query, logGroupName=f"{name}-no", queryString="fields a", startTime=0, endTime=1)
    assert code == "ResourceNotFoundException"


# A request that breaks the model's constraints is an invalid parameter, in AWS's words.
def test_broken_constraints(logs: Any, refusal: Any) -> None:
    assert refusal(logs.create_log_group, logGroupName="a b") == (
        "InvalidParameterException",
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
    )


# A metric filter is found by its metric, without its group.
def test_metric_filters(logs: Any, name: str) -> None:
    logs.create_log_group(logGroupName=name)
    metric = {"metricName": name, "metricNamespace": "n", "metricValue": "$.n"}
    logs.put_metric_filter(
        logGroupName=name, filterName="f", filterPattern="{ $.n > 1 }", metricTransformations=[metric]
    )
    (shown,) = logs.describe_metric_filters(metricName=name, metricNamespace="n")["metricFilters"]
    assert (shown["logGroupName"], shown["metricTransformations"]) == (name, [metric])
