"""Subscription filters: put, described, deleted; and the delivery of what they match, at least once and in order."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tabletop.base.errors import ApiError
from tabletop.logs import delivery, keys
from tabletop.logs.delivery import Delivery
from tabletop.storage.store import after_prefix

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
GROUP_ARN = "arn:aws:logs:us-east-1:000000000000:log-group:g:*"


class Subscribers:
    """Takes what it is given, unless ``full``; ``gone`` functions permit nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[str, ...]] = []
        self.full = self.gone = False
        self.log_group = "/aws/lambda/f"

    async def reachable(self, account: str, region: str, destination_arn: str, source_arn: str) -> bool:
        self.asked.append((account, region, destination_arn, source_arn))
        return not self.gone

    async def own_log_group(self, account: str, region: str, destination_arn: str) -> str | None:
        return None if self.gone else self.log_group

    async def deliver(self, account: str, region: str, destination_arn: str, payload: bytes) -> bool:
        if not self.full:
            data = json.loads(payload)["awslogs"]["data"]
            self.taken.append((destination_arn, json.loads(gzip.decompress(base64.b64decode(data)))))
        return not self.full

    @property
    def messages(self) -> list[str]:
        return [event["message"] for _, content in self.taken for event in content["logEvents"]]


@pytest.fixture
def subscribers(client: Any) -> Subscribers:
    taker = Subscribers()
    client.logs.connect(taker)
    return taker


def refused(client: Any, action: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ApiError) as caught:
        client(action, **params)
    return caught.value.code, caught.value.message or ""


def subscribe(client: Any, name: str = "a", pattern: str = "", **more: Any) -> None:
    params = {"filterName": name, "filterPattern": pattern, "destinationArn": FUNCTION} | more
    client("PutSubscriptionFilter", logGroupName="g", **params)


def put(client: Any, *messages: str) -> None:
    events = [{"timestamp": client.now_ms + at, "message": text} for at, text in enumerate(messages)]
    client("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=events)


def parcels(client: Any) -> int:
    with client.store.view() as view:
        return sum(1 for _ in view.range(keys.parcels_prefix(), after_prefix(keys.parcels_prefix())))


class Post:
    """A delivery whose time is ours: ``post()`` runs it until nothing is left to do now."""

    def __init__(self, client: Any, subscribers: Subscribers) -> None:
        self.now = 0.0
        self._delivery = Delivery(client.store, lambda: self.now)
        self._subscribers = subscribers

    def __call__(self) -> int:
        for steps in range(100):
            if not asyncio.run(self._delivery.step(self._subscribers)):
                return steps
        raise AssertionError("delivery without end")


@pytest.fixture
def post(client: Any, subscribers: Subscribers) -> Post:
    return Post(client, subscribers)


# A filter is described as it was put; a second put of its name changes it and keeps its creation time.
def test_filters_are_kept(client: Any, subscribers: Subscribers) -> None:
    client.stream()
    subscribe(client, "b", "ERROR")
    made = client.now_ms
    client.clock.now += 5
    subscribe(client, "b", "{ $.a = 1 }", distribution="Random")
    subscribe(client, "a")
    assert subscribers.asked[0] == ("000000000000", "us-east-1", FUNCTION, GROUP_ARN)
    shown = client("DescribeSubscriptionFilters", logGroupName="g")["subscriptionFilters"]
    assert [one["filterName"] for one in shown] == ["a", "b"]
    assert shown[1] == {
        "filterName": "b",
        "logGroupName": "g",
        "filterPattern": "{ $.a = 1 }",
        "destinationArn": FUNCTION,
        "distribution": "Random",
        "applyOnTransformedLogs": False,
        "creationTime": made,
    }
    first = client("DescribeSubscriptionFilters", logGroupName="g", limit=1)
    rest = client("DescribeSubscriptionFilters", logGroupName="g", nextToken=first["nextToken"])
    assert [one["filterName"] for one in rest["subscriptionFilters"]] == ["b"]
    assert "nextToken" not in rest
    only = client("DescribeSubscriptionFilters", logGroupName="g", filterNamePrefix="b")["subscriptionFilters"]
    assert [one["filterName"] for one in only] == ["b"]
    assert refused(client, "PutSubscriptionFilter", logGroupName="g", filterName="c", filterPattern="",
                   destinationArn=FUNCTION) == ("LimitExceededException", "Resource limit exceeded.")  # fmt: skip
    client("DeleteSubscriptionFilter", logGroupName="g", filterName="a")
    assert refused(client, "DeleteSubscriptionFilter", logGroupName="g", filterName="a") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )


KINESIS = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
ROLE = "arn:aws:iam::000000000000:role/r"


# Only a function of the same account and region that permits it can be named, and only what is built.
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"destinationArn": KINESIS}, "destinationArn for vendor kinesis cannot be used without roleArn"),
        (
            {"destinationArn": KINESIS, "roleArn": ROLE},
            "Could not deliver test message to specified Kinesis stream. Check if the given Kinesis stream is in ACTIVE",
        ),
        ({"destinationArn": "arn:aws:s3:::b"}, "destinationArn for vendor s3 cannot be used without roleArn"),
        (
            {"destinationArn": "arn:aws:s3:::b", "roleArn": ROLE},
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor s3",
        ),
        (
            {"destinationArn": "arn:aws:logs:us-east-1:000000000000:destination:d"},
            "destinationArn for vendor logs is not available here",
        ),
        ({"destinationArn": "nonsense"}, "Invalid destinationArn."),
        ({"destinationArn": FUNCTION.replace("us-east-1", "eu-west-1")}, "Could not execute the lambda function."),
        ({"roleArn": ROLE}, "destinationArn for vendor lambda cannot be used with roleArn"),
        ({"filterPattern": "{"}, "Invalid filter pattern"),
        ({"emitSystemFields": ["@aws.account"]}, "emitSystemFields is not available here."),
    ],
)
def test_refused_filters(client: Any, subscribers: Subscribers, changed: dict[str, Any], message: str) -> None:
    client.stream()
    params = {"logGroupName": "g", "filterName": "a", "filterPattern": "", "destinationArn": FUNCTION} | changed
    code, words = refused(client, "PutSubscriptionFilter", **params)
    assert code == "InvalidParameterException"
    assert words.startswith(message)


# A function that does not permit it, and a group that is not there, are refused in AWS's words.
def test_unreachable_functions(client: Any, subscribers: Subscribers) -> None:
    params = {"logGroupName": "g", "filterName": "a", "filterPattern": "", "destinationArn": FUNCTION}
    assert refused(client, "PutSubscriptionFilter", **params)[0] == "ResourceNotFoundException"
    client.stream()
    subscribers.gone = True
    assert refused(client, "PutSubscriptionFilter", **params) == (
        "InvalidParameterException",
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
        "function.",
    )


# A function cannot be given its own log: each invocation would make the next one. Nor is it when its log moves there later.
def test_a_function_does_not_get_its_own_log(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribers.log_group = "g"
    with pytest.raises(ApiError) as caught:
        subscribe(client)
    words = "The log group provided is reserved for the function log of the destination function."
    assert (caught.value.code, caught.value.message) == ("InvalidParameterException", words)
    subscribers.log_group = "/aws/lambda/f"
    subscribe(client)
    put(client, "one")
    subscribers.log_group = "g"
    post()
    assert (subscribers.messages, parcels(client)) == ([], 0)


# Matching events reach the function in AWS's form, in order, with the ids that FilterLogEvents gives; others do not.
def test_matching_events_are_delivered(client: Any, subscribers: Subscribers, post: Post) -> None:
    names = client.stream()
    put(client, "before ERROR")
    subscribe(client, "a", "ERROR")
    put(client, "ERROR one", "fine", "ERROR two")
    put(client, "fine too")
    client.append("g", "t", (client.now_ms, "ERROR three"))
    assert parcels(client) == 3
    post()
    assert parcels(client) == 0
    assert subscribers.messages == ["ERROR one", "ERROR two", "ERROR three"]
    destination, content = subscribers.taken[0]
    found = client("FilterLogEvents", logGroupName="g", filterPattern='"ERROR one"')["events"]
    assert destination == FUNCTION
    assert content == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "g",
        "logStream": names["logStreamName"],
        "subscriptionFilters": ["a"],
        "logEvents": [
            {"id": found[0]["eventId"], "timestamp": client.now_ms, "message": "ERROR one"},
            {"id": content["logEvents"][1]["id"], "timestamp": client.now_ms + 2, "message": "ERROR two"},
        ],
    }


# A function without room is asked again later; meanwhile the other filter gets its events, and the order is kept.
def test_a_full_subscriber_is_asked_again(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribe(client)
    put(client, "one")
    subscribers.full = True
    assert post() == 1
    put(client, "two")
    subscribers.full = False
    assert post() == 0
    post.now += delivery.RETRY_FIRST_S
    assert post() == 2
    assert subscribers.messages == ["one", "two"]


# Waits grow; after a day the events are given up.
def test_events_are_given_up_after_a_day(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribe(client)
    put(client, "one")
    subscribers.full = True
    for _ in range(12):
        assert post() == 1
        post.now += delivery.RETRY_MAX_S
    client.clock.now += delivery.GIVEN_UP_AFTER_S
    assert post() == 1
    assert parcels(client) == 0
    assert subscribers.taken == []


# A busy group does not keep others waiting, and a subscriber that fails in an unforeseen way only itself.
def test_no_group_starves(client: Any, subscribers: Subscribers, post: Post) -> None:
    for group in ("g", "h"):
        client.stream(group)
        params = {"logGroupName": group, "filterName": "a", "filterPattern": "", "destinationArn": FUNCTION}
        client("PutSubscriptionFilter", **params)
        for number in range(2):
            event = {"timestamp": client.now_ms, "message": f"{group}{number}"}
            client("PutLogEvents", logGroupName=group, logStreamName="s", logEvents=[event])
    assert post() == 4
    assert subscribers.messages == ["g0", "h0", "g1", "h1"]
    put(client, "late")
    client(
        "PutLogEvents", logGroupName="h", logStreamName="s", logEvents=[{"timestamp": client.now_ms, "message": "h2"}]
    )
    usual = subscribers.deliver

    async def failing(account: str, region: str, destination_arn: str, payload: bytes) -> bool:
        subscribers.deliver = usual  # type: ignore[method-assign]
        raise OSError("no")

    subscribers.deliver = failing  # type: ignore[method-assign]
    assert post() == 2
    post.now += delivery.RETRY_FIRST_S
    assert post() == 1
    assert sorted(subscribers.messages[4:]) == ["h2", "late"]


# What a deleted filter, or a deleted group, still had to come is dropped; a group of the same name begins anew.
def test_what_is_gone_gets_nothing(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribe(client, "a")
    subscribe(client, "b")
    for number in range(3):
        put(client, str(number))
    client("DeleteSubscriptionFilter", logGroupName="g", filterName="a")
    assert post() == 4
    assert subscribers.messages == ["0", "1", "2"]
    put(client, "late")
    client("DeleteLogGroup", logGroupName="g")
    client.stream()
    assert post() == 1
    assert parcels(client) == 0
    assert len(subscribers.taken) == 3


# A permission that was taken away counts at the next delivery.
def test_a_permission_taken_away(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribe(client)
    put(client, "one")
    subscribers.gone = True
    assert post() == 1
    assert (subscribers.taken, parcels(client)) == ([], 0)


# Much at once comes in several messages, each small enough for an asynchronous invocation.
def test_large_writes_are_parted(client: Any, subscribers: Subscribers, post: Post) -> None:
    client.stream()
    subscribe(client)
    put(client, *("x" * 250_000 for _ in range(4)))
    post()
    assert [len(content["logEvents"]) for _, content in subscribers.taken] == [2, 2]


# A store that fails is no end of the delivery: the loop goes on, and is woken by the next write.
def test_the_loop_bears_failures(client: Any, subscribers: Subscribers) -> None:
    client.stream()
    subscribe(client)
    put(client, "one")
    failures = 1

    @contextmanager
    def failing() -> Iterator[Any]:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError("no")
        with type(client.store).view(client.store) as view:
            yield view

    async def scenario() -> None:
        client.store.view = failing
        running = asyncio.ensure_future(client.logs.deliver())
        for _ in range(100):
            await asyncio.sleep(0)
            client.logs._delivery.wake()
            if subscribers.taken:
                break
        running.cancel()

    asyncio.run(scenario())
    assert subscribers.messages == ["one"]


# ListLogGroups: names, ARNs and classes, by parts of names and page by page.
def test_list_log_groups(client: Any) -> None:
    for name in ("abc/1", "abc/2", "x/abc", "other"):
        client("CreateLogGroup", logGroupName=name)
    first = client("ListLogGroups", logGroupNamePattern="^abc|oth", limit=2)
    rest = client("ListLogGroups", logGroupNamePattern="^abc|oth", nextToken=first["nextToken"])
    listed = first["logGroups"] + rest["logGroups"]
    assert [one["logGroupName"] for one in listed] == ["abc/1", "abc/2", "other"]
    assert listed[0]["logGroupArn"] == "arn:aws:logs:us-east-1:000000000000:log-group:abc/1"
    assert client("ListLogGroups", accountIdentifiers=["1" * 12]) == {"logGroups": []}
    assert len(client("ListLogGroups")["logGroups"]) == 4


# ListLogGroups by tags: every filter must match, by any of its values; an asterisk disregards case, a mark of exclamation
# negates.
@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([{"key": "stage"}], ["a", "b", "c"]),
        ([{"key": "Stage"}], []),
        ([{"key": "stage", "values": ["prod"]}], ["a"]),
        ([{"key": "stage", "values": ["prod*"]}], ["a", "b"]),
        ([{"key": "stage", "values": ["*EU"]}], ["b"]),
        ([{"key": "stage", "values": ["*o*"]}], ["a", "b"]),
        ([{"key": "stage", "values": ["!prod"]}], ["b", "c"]),
        ([{"key": "stage", "values": ["!prod*"]}], ["c"]),
        ([{"key": "stage", "values": ["prod", "test"]}], ["a", "c"]),
        ([{"key": "stage"}, {"key": "team", "values": ["x"]}], ["c"]),
    ],
)
def test_list_log_groups_by_tags(client: Any, filters: list[dict[str, Any]], names: list[str]) -> None:
    for name, tags in (("a", {"stage": "prod"}), ("b", {"stage": "PROD-eu"}), ("c", {"stage": "test", "team": "x"})):
        client("CreateLogGroup", logGroupName=name, tags=tags)
    client("CreateLogGroup", logGroupName="d")
    found = client("ListLogGroups", logGroupTags=filters)["logGroups"]
    assert [one["logGroupName"] for one in found] == names
