"""Groups, streams, tags, PutLogEvents and the background work, through the operations that clients call."""

from __future__ import annotations

from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.logs import background
from tabletop.logs.records import page_token
from tabletop.logs.targets import targets

ARN = "arn:aws:logs:us-east-1:000000000000:log-group:"
HOUR = 3_600_000
DAY = 24 * HOUR


def refused(client: Any, action: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ApiError) as caught:
        client(action, **params)
    return caught.value.code, caught.value.message or ""


# A group is described with the members that AWS gives, and without retention until it has one.
def test_group_description(client: Any) -> None:
    client("CreateLogGroup", logGroupName="/aws/lambda/f", tags={"a": "b"})
    (group,) = client("DescribeLogGroups")["logGroups"]
    assert group == {
        "logGroupName": "/aws/lambda/f",
        "creationTime": client.now_ms,
        "metricFilterCount": 0,
        "arn": ARN + "/aws/lambda/f:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": ARN + "/aws/lambda/f",
        "deletionProtectionEnabled": False,
    }
    client("PutRetentionPolicy", logGroupName="/aws/lambda/f", retentionInDays=7)
    assert client("DescribeLogGroups")["logGroups"][0]["retentionInDays"] == 7
    client("DeleteRetentionPolicy", logGroupName="/aws/lambda/f")
    assert "retentionInDays" not in client("DescribeLogGroups")["logGroups"][0]


# What is there, or is not there, is refused in AWS's words.
def test_refusals(client: Any) -> None:
    names = client.stream()
    no_group = ("ResourceNotFoundException", "The specified log group does not exist.")
    no_stream = ("ResourceNotFoundException", "The specified log stream does not exist.")
    assert refused(client, "CreateLogGroup", logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert refused(client, "CreateLogStream", **names) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    missing = {"logGroupName": "no", "logStreamName": "s"}
    for action in ("DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents", "ListTagsLogGroup"):
        assert refused(client, action, logGroupName="no") == no_group
    for action in ("CreateLogStream", "DeleteLogStream", "GetLogEvents"):
        assert refused(client, action, **missing) == no_group
    for action in ("DeleteLogStream", "GetLogEvents"):
        assert refused(client, action, logGroupName="g", logStreamName="no") == no_stream
    assert refused(client, "PutLogEvents", logEvents=[], logGroupName="g", logStreamName="no") == no_stream
    assert refused(client, "PutRetentionPolicy", logGroupName="g", retentionInDays=8)[0] == "InvalidParameterException"
    assert refused(client, "GetLogEvents", logStreamName="s")[0] == "InvalidParameterException"
    assert refused(client, "DescribeLogGroups", nextToken="?")[0] == "InvalidParameterException"
    assert refused(client, "CreateLogGroup", logGroupName="k", kmsKeyId="key")[0] == "InvalidParameterException"
    assert refused(client, "PutTransformer")[0] == "UnknownOperationException"


# Groups come in order of their names, page by page; a prefix, a pattern and identifiers choose among them.
def test_group_pages(client: Any) -> None:
    for name in ("b", "a/2", "a/1", "c", "a"):
        client("CreateLogGroup", logGroupName=name)

    def names(**params: Any) -> list[str]:
        found, token = [], None
        for _ in range(10):
            page = client("DescribeLogGroups", **params, **({"nextToken": token} if token else {}))
            found += [group["logGroupName"] for group in page["logGroups"]]
            token = page.get("nextToken")
            if token is None:
                return found
        raise AssertionError("pages without end")

    assert names(limit=2) == ["a", "a/1", "a/2", "b", "c"]
    assert names(limit=1, logGroupNamePrefix="a/") == ["a/1", "a/2"]
    assert names(logGroupNamePattern="/") == ["a/1", "a/2"]
    assert names(logGroupIdentifiers=["c", ARN + "b"]) == ["b", "c"]
    both = {"logGroupNamePrefix": "a", "logGroupNamePattern": "b"}
    assert refused(client, "DescribeLogGroups", **both)[0] == "InvalidParameterException"


# Streams come by name or by their newest event, both ways, page by page; long names of many bytes fit their keys.
def test_stream_pages(client: Any) -> None:
    for at, name in enumerate(("b", "a", "d", "c")):
        client.append("g", name, (client.now_ms + at, "x"))
    client("CreateLogStream", logGroupName="g", logStreamName="e")
    client("CreateLogStream", logGroupName="g", logStreamName="\U0001f600" * 512)

    def names(**params: Any) -> list[str]:
        found, token = [], None
        for _ in range(10):
            page = client("DescribeLogStreams", logGroupName="g", **params, **({"nextToken": token} if token else {}))
            found += [stream["logStreamName"][0] for stream in page["logStreams"]]
            token = page.get("nextToken")
            if token is None:
                return found
        raise AssertionError("pages without end")

    smile = "\U0001f600"
    assert names(limit=2) == ["a", "b", "c", "d", "e", smile]
    assert names(limit=4, descending=True) == [smile, "e", "d", "c", "b", "a"]
    assert names(logStreamNamePrefix="d") == ["d"]
    assert names(logStreamNamePrefix="\U0001f600" * 400) == [smile]
    assert names(limit=1, orderBy="LastEventTime", descending=True) == ["c", "d", "a", "b", smile, "e"]
    assert names(limit=3, orderBy="LastEventTime") == ["e", smile, "b", "a", "d", "c"]
    client.append("g", "b", (client.now_ms + 9, "newest"))
    assert names(orderBy="LastEventTime", descending=True, limit=1)[0] == "b"
    by_event = {"logGroupName": "g", "orderBy": "LastEventTime", "logStreamNamePrefix": "a"}
    assert refused(client, "DescribeLogStreams", **by_event) == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )


# A stream tells of its events, and its group counts their bytes, 26 for each beside the message.
def test_put_is_described(client: Any) -> None:
    names = client.stream()
    events = [{"timestamp": client.now_ms - 5, "message": "é"}, {"timestamp": client.now_ms, "message": "b"}]
    answer = client("PutLogEvents", **names, logEvents=events)
    (stream,) = client("DescribeLogStreams", logGroupIdentifier=ARN + "g")["logStreams"]
    assert stream == {
        "logStreamName": "s",
        "creationTime": client.now_ms,
        "arn": ARN + "g:log-stream:s",
        "uploadSequenceToken": answer["nextSequenceToken"],
        "storedBytes": 0,
        "firstEventTimestamp": client.now_ms - 5,
        "lastEventTimestamp": client.now_ms,
        "lastIngestionTime": client.now_ms,
    }
    assert len(answer["nextSequenceToken"]) == 56
    assert client("DescribeLogGroups")["logGroups"][0]["storedBytes"] == 2 + 1 + 2 * 26


# The limits of a batch: at the limit it is taken, above it is refused, in AWS's words.
@pytest.mark.parametrize(
    ("stamps", "sizes", "message"),
    [
        ([0, 1], [1, 1], None),
        ([1, 0], [1, 1], "Log events in a single PutLogEvents request must be in chronological order."),
        ([-DAY, 0], [1, 1], None),
        (
            [-DAY - 1, 0],
            [1, 1],
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
        ([0, 0], [1_048_576 - 53, 1], None),
        ([0, 0], [1_048_576 - 51, 0], "Upload too large: 1048577 bytes exceeds limit of 1048576"),
        ([0, 0], [1_048_576 - 26, 0], "Upload too large: 1048602 bytes exceeds limit of 1048576"),
        ([0, 0], [1_048_576 - 25, 0], "Log event too large: 1048577 bytes exceeds limit of 1048576"),
    ],
)
def test_put_limits(client: Any, stamps: list[int], sizes: list[int], message: str | None) -> None:
    names = client.stream()
    events = [
        {"timestamp": client.now_ms + stamp, "message": "x" * size} for stamp, size in zip(stamps, sizes, strict=True)
    ]
    if message is None:
        assert "rejectedLogEventsInfo" not in client("PutLogEvents", **names, logEvents=events)
    else:
        assert refused(client, "PutLogEvents", **names, logEvents=events) == ("InvalidParameterException", message)


# Events too old, expired or too new are left out and told of; the others are stored.
def test_put_rejects_by_age(client: Any) -> None:
    names = client.stream()
    stamps = [-15 * DAY, -14 * DAY - 1, -HOUR, 2 * HOUR, 2 * HOUR + 1]
    events = [{"timestamp": client.now_ms + stamp, "message": str(stamp)} for stamp in stamps]
    answer = client("PutLogEvents", **names, logEvents=events)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    assert len(client("GetLogEvents", **names)["events"]) == 2
    client("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    answer = client("PutLogEvents", **names, logEvents=[{"timestamp": client.now_ms - DAY - 1, "message": "x"}])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


# Tags through both families of operations; AWS's own keys and a fifty-first tag are refused.
def test_tags(client: Any) -> None:
    client("CreateLogGroup", logGroupName="g", tags={"a": "1"})
    client("TagResource", resourceArn=ARN + "g", tags={"b": "2"})
    client("TagLogGroup", logGroupName="g", tags={"c": "3"})
    client("UntagResource", resourceArn=ARN + "g:*", tagKeys=["a", "none"])
    assert client("ListTagsForResource", resourceArn=ARN + "g") == {"tags": {"b": "2", "c": "3"}}
    client("UntagLogGroup", logGroupName="g", tags=["c"])
    assert client("ListTagsLogGroup", logGroupName="g") == {"tags": {"b": "2"}}
    many = {f"t{at}": "" for at in range(50)}
    assert refused(client, "TagResource", resourceArn=ARN + "g", tags=many)[0] == "TooManyTagsException"
    assert refused(client, "TagResource", resourceArn=ARN + "g", tags={"aws:x": ""})[0] == "InvalidParameterException"
    assert refused(client, "ListTagsForResource", resourceArn=ARN + "no")[0] == "ResourceNotFoundException"


# A protected group stays until its protection is lifted.
def test_deletion_protection(client: Any) -> None:
    client("CreateLogGroup", logGroupName="g", deletionProtectionEnabled=True)
    assert refused(client, "DeleteLogGroup", logGroupName="g")[0] == "ValidationException"
    client("PutLogGroupDeletionProtection", logGroupIdentifier="g", deletionProtectionEnabled=False)
    client("DeleteLogGroup", logGroupName="g")
    assert client("DescribeLogGroups") == {"logGroups": []}


# A deleted group is gone at once, a new one of its name is empty, and each plan writes a bounded number of keys.
def test_deleted_group_is_cleared_in_steps(client: Any) -> None:
    client.append("g", "s", *[(client.now_ms, "old")] * 2500)
    client("DeleteLogGroup", logGroupName="g")
    client.stream()
    assert client("GetLogEvents", logGroupName="g", logStreamName="s")["events"] == []
    kept = dict(client.store.content)
    while client.maintain():
        pass
    assert client.store.writes_max <= background.EVENTS_PER_STEP + 10
    left = [key for key in client.store.content if key not in kept]
    assert left == []
    assert not any(key.startswith((b"\x40\x01", b"\x40\x02")) for key in client.store.content)
    client("DeleteLogGroup", logGroupName="g")
    client.maintain()
    assert set(client.store.content) == {b"\x01logs.group_number"}


# The events of a deleted stream leave its group's storedBytes when they are cleared.
def test_deleted_stream(client: Any) -> None:
    client.append("g", "s", (client.now_ms, "x" * 74))
    client.append("g", "t", (client.now_ms, "x" * 174))
    client("DeleteLogStream", logGroupName="g", logStreamName="s")
    assert [event["logStreamName"] for event in client("FilterLogEvents", logGroupName="g")["events"]] == ["t"]
    client.maintain()
    assert client("DescribeLogGroups")["logGroups"][0]["storedBytes"] == 200


# Retention deletes what is older, a bounded number a step, and corrects the stream's oldest timestamp and the bytes.
def test_retention(client: Any) -> None:
    old, young = client.now_ms, client.now_ms + 2 * DAY
    for stream in ("s", "t"):
        client.append("g", stream, *[(old, "x" * 74)] * 1200, (young, "x" * 74))
    client.append("kept", "s", (old, "forever"))
    client("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    client.clock.advance(2 * 24 * 3600)
    client.store.writes_max = 0
    assert client.maintain() is False
    assert client.store.writes_max <= background.EVENTS_PER_STEP + 2 * background.STREAMS_PER_STEP
    assert [event["timestamp"] for event in client("FilterLogEvents", logGroupName="g")["events"]] == [young, young]
    streams = client("DescribeLogStreams", logGroupName="g")["logStreams"]
    assert [stream["firstEventTimestamp"] for stream in streams] == [young, young]
    assert client("DescribeLogGroups", logGroupNamePrefix="g")["logGroups"][0]["storedBytes"] == 200
    assert len(client("FilterLogEvents", logGroupName="kept")["events"]) == 1


# What each call must be allowed: the group with ":*", the stream where the operation is on one, or the ARN given.
@pytest.mark.parametrize(
    ("action", "params", "expected"),
    [
        ("CreateLogGroup", {"logGroupName": "g"}, [("logs:CreateLogGroup", ARN + "g:*")]),
        (
            "CreateLogGroup",
            {"logGroupName": "g", "tags": {"a": "b"}},
            [("logs:CreateLogGroup", ARN + "g:*"), ("logs:TagResource", ARN + "g:*")],
        ),
        ("FilterLogEvents", {"logGroupIdentifier": ARN + "g"}, [("logs:FilterLogEvents", ARN + "g:*")]),
        (
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s"},
            [("logs:PutLogEvents", ARN + "g:log-stream:s")],
        ),
        ("DescribeLogGroups", {}, [("logs:DescribeLogGroups", ARN + ":log-stream:")]),
        ("TagResource", {"resourceArn": ARN + "g"}, [("logs:TagResource", ARN + "g")]),
        ("StartQuery", {}, [("logs:StartQuery", "*")]),
    ],
)
def test_targets(client: Any, action: str, params: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert targets(action, client.call, params) == expected


# A protected group keeps its streams; names that begin with aws/ are AWS's; groups of other accounts are not here.
def test_what_groups_refuse(client: Any) -> None:
    names = client.stream()
    client("PutLogGroupDeletionProtection", logGroupIdentifier="g", deletionProtectionEnabled=True)
    for action, params in (("DeleteLogStream", names), ("DeleteLogGroup", {"logGroupName": "g"})):
        assert refused(client, action, **params)[0] == "ValidationException"
    client("PutLogGroupDeletionProtection", logGroupIdentifier="g", deletionProtectionEnabled=False)
    client("DeleteLogStream", **names)
    assert refused(client, "CreateLogGroup", logGroupName="aws/x")[0] == "InvalidParameterException"
    client("CreateLogGroup", logGroupName="/aws/x")
    assert client("DescribeLogGroups", accountIdentifiers=["1" * 12], includeLinkedAccounts=True)["logGroups"] == []
    assert len(client("DescribeLogGroups", accountIdentifiers=["0" * 12])["logGroups"]) == 2


# What a group of the class Delivery holds is kept for a day.
def test_delivery_groups_keep_a_day(client: Any) -> None:
    client("CreateLogGroup", logGroupName="d", logGroupClass="DELIVERY")
    (group,) = client("DescribeLogGroups", logGroupClass="DELIVERY")["logGroups"]
    assert group["retentionInDays"] == 1


# Policies may ask for the tags of each group that a request is about, also through a stream and through several groups.
def test_tags_that_policies_ask_for(client: Any) -> None:
    client("CreateLogGroup", logGroupName="a", tags={"Team": "one"})
    client("CreateLogGroup", logGroupName="b")

    def asked(action: str, key: str, number: int = 0, **params: Any) -> Any:
        with client.store.view() as view:
            return client.logs.facts(view, "logs", action, client.call, params).value(number, key)

    key = "aws:resourcetag/team"
    assert asked("PutLogEvents", key, logGroupName="a", logStreamName="s") == "one"
    assert asked("TagResource", key, resourceArn=ARN + "a", tags={"x": "y"}) == "one"
    assert asked("DeleteLogGroup", key, logGroupName="b") is None
    assert asked("DeleteLogGroup", key, logGroupName="no") is None
    several = {"logGroupNames": ["b", "a"]}
    assert [asked("StartQuery", key, number, **several) for number in (0, 1)] == [None, "one"]
    assert asked("DescribeLogGroups", key) is None
    assert asked("TagLogGroup", "aws:requesttag/x", logGroupName="b", tags={"x": "y"}) == "y"
    assert asked("UntagLogGroup", "aws:tagkeys", logGroupName="b", tags=["x"]) == ["x"]
    assert asked("UntagResource", "aws:tagkeys", resourceArn=ARN + "a", tagKeys=["x"]) == ["x"]


# Each group that a query or a live tail names must be allowed.
@pytest.mark.parametrize("action", ["StartQuery", "StartLiveTail"])
def test_targets_of_many_groups(client: Any, action: str) -> None:
    found = targets(action, client.call, {"logGroupIdentifiers": ["a", ARN + "b"]})
    assert found == [(f"logs:{action}", ARN + "a:*"), (f"logs:{action}", ARN + "b:*")]


# The pointer of an event names the group that must be allowed.
def test_target_of_a_record(client: Any) -> None:
    pointer = {"logRecordPointer": page_token("a", 1, 2, 3)}
    assert targets("GetLogRecord", client.call, pointer) == [("logs:GetLogRecord", ARN + "a:*")]
    assert targets("GetLogRecord", client.call, {"logRecordPointer": "?"}) == [("logs:GetLogRecord", "*")]
