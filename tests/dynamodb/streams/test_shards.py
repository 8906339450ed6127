"""Shards and their lineage, as the Kinesis Client Library follows it; places in them, and how long they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stream_api import Api

from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb.streams import reading, retention, shards
from tabletop.storage.engine import open_store

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def refused(api: Api, action: str, **body: Any) -> str:
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    return f"{caught.value.code}: {caught.value.message}"


def first_number(shard: dict[str, Any]) -> int:
    return int(shard["SequenceNumberRange"]["StartingSequenceNumber"])


def last_number(shard: dict[str, Any]) -> int:
    return int(shard["SequenceNumberRange"]["EndingSequenceNumber"])


# Four hours on, each shard is closed and has one child; numbers and names go up from parent to child.
def test_shards_roll_over_with_lineage(api: Api) -> None:
    arn = api.create()
    parents = api.shards(arn)
    assert len(parents) == shards.SLICES
    assert all("EndingSequenceNumber" not in shard["SequenceNumberRange"] for shard in parents)
    assert all("ParentShardId" not in shard for shard in parents)
    api.put("a")
    api.clock.advance(4 * HOUR_S)
    api.tend()
    everyone = api.shards(arn)
    assert everyone == sorted(everyone, key=lambda shard: shard["ShardId"])
    closed, children = everyone[: shards.SLICES], everyone[shards.SLICES :]
    assert {child["ParentShardId"] for child in children} == {shard["ShardId"] for shard in parents}
    for child in children:
        (parent,) = [shard for shard in closed if shard["ShardId"] == child["ParentShardId"]]
        assert first_number(parent) <= last_number(parent) < first_number(child)
        shown = api("DescribeStream", StreamArn=arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent["ShardId"]})
        assert shown["StreamDescription"]["Shards"] == [child]


# Without any background work, the first write after four hours opens the next shards by itself; items stay in their line.
def test_a_write_opens_the_next_shards(api: Api) -> None:
    arn = api.create()
    for n in range(3):
        api.put("a", n)
        api.clock.advance(5 * HOUR_S)
    by_id = {shard["ShardId"]: shard for shard in api.shards(arn)}
    assert len(by_id) == 3 * shards.SLICES
    holding = [shard for shard in by_id.values() if api.read_shard(arn, shard)]
    assert [shard.get("ParentShardId") for shard in holding] == [None, *(shard["ShardId"] for shard in holding[:2])]


# A reader of a closed shard gets all of it, and then no further iterator; of an open one always another.
def test_a_closed_shard_ends(api: Api) -> None:
    arn = api.create()
    for n in range(5):
        api.put("a", n)
    (shard,) = [one for one in api.shards(arn) if api.read_shard(arn, one)]
    iterator = api.iterator(arn, shard)
    assert "NextShardIterator" in api("GetRecords", ShardIterator=iterator)
    api.clock.advance(4 * HOUR_S)
    api.tend()
    iterator = api.iterator(arn, shard)
    page = api("GetRecords", ShardIterator=iterator, Limit=3)
    assert len(page["Records"]) == 3
    page = api("GetRecords", ShardIterator=page["NextShardIterator"])
    assert len(page["Records"]) == 2
    assert "NextShardIterator" not in page
    latest = api("GetRecords", ShardIterator=api.iterator(arn, shard, "LATEST"))
    assert latest == {"Records": []}


# Each type of iterator begins where AWS says.
def test_iterator_types(api: Api) -> None:
    arn = api.create("NEW_IMAGE")
    for n in range(4):
        api.put("a", n)
        api.clock.advance(10)
    (shard,) = [one for one in api.shards(arn) if api.read_shard(arn, one)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in api.read_shard(arn, shard)]

    def read(kind: str, **more: Any) -> list[str]:
        page = api("GetRecords", ShardIterator=api.iterator(arn, shard, kind, **more))
        return [record["dynamodb"]["SequenceNumber"] for record in page["Records"]]

    assert read("TRIM_HORIZON") == numbers
    assert read("LATEST") == []
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[2:]
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[3:]
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=shard["SequenceNumberRange"]["StartingSequenceNumber"]) == numbers
    assert read("AT_TIMESTAMP", Timestamp=1_700_000_000.0) == numbers
    assert read("AT_TIMESTAMP", Timestamp=1_700_000_010.5) == numbers[2:]
    assert read("AT_TIMESTAMP", Timestamp=1_700_000_035.0) == []


# An iterator LATEST sees exactly what comes after it.
def test_latest_sees_what_follows(api: Api) -> None:
    arn = api.create("KEYS_ONLY")
    api.put("a", 1)
    iterators = [api.iterator(arn, shard, "LATEST") for shard in api.shards(arn)]
    api.put("a", 2)
    found = [record for one in iterators for record in api("GetRecords", ShardIterator=one)["Records"]]
    assert [record["dynamodb"]["Keys"]["c"]["N"] for record in found] == ["2"]


# What GetShardIterator and GetRecords refuse, by code.
def test_refusals(api: Api) -> None:
    arn = api.create()
    shard = api.shards(arn)[0]
    number = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("Validation", place | {"ShardIteratorType": "AT_SEQUENCE_NUMBER"}),
        ("Validation", place | {"ShardIteratorType": "LATEST", "SequenceNumber": number}),
        ("Validation", place | {"ShardIteratorType": "AT_TIMESTAMP"}),
        ("Validation", place | {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": api.clock() + 60}),
        ("Validation", place | {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "x" * 30}),
        ("Validation", place | {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(int(number) + 9)}),
        ("Validation", place | {"ShardIteratorType": "SIDEWAYS"}),
        ("Validation", place | {"ShardIteratorType": "LATEST", "StreamArn": "x" * 40}),
        ("ResourceNotFound", place | {"ShardIteratorType": "LATEST", "ShardId": "x" * 40}),
        (
            "ResourceNotFound",
            place | {"ShardIteratorType": "LATEST", "StreamArn": arn.replace("table/table", "table/other")},
        ),
        (
            "ResourceNotFound",
            place | {"ShardIteratorType": "LATEST", "StreamArn": arn.replace("us-east-1", "eu-west-1")},
        ),
    ]
    for expected, body in cases:
        assert refused(api, "GetShardIterator", **body).startswith(expected), body
    invalid = "One or more parameter values were invalid: SequenceNumber "
    for body, words in (
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}, f"{invalid}cannot be null"),
        (
            {"ShardIteratorType": "LATEST", "SequenceNumber": number},
            f"{invalid}should not be passed for this iterator type",
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "9" * 21},
            "Invalid SequenceNumber for the shard",
        ),
    ):
        assert words in str(refused(api, "GetShardIterator", **place | body))
    said = refused(api, "GetShardIterator", **place | {"ShardIteratorType": "LATEST", "ShardId": "x" * 40})
    assert said == "ResourceNotFoundException: Requested resource not found: Shard does not exist"
    said = refused(api, "DescribeStream", StreamArn=arn + "0")
    assert said == f"ResourceNotFoundException: Requested resource not found: Stream: {arn}0 not found"
    iterator = api.iterator(arn, shard)
    for changed in (
        iterator[:-5],
        iterator + "A",
        "x" * 50,
        iterator.replace("|1|", "|2|"),
        iterator.replace(":table", ":tab1e"),
    ):
        assert refused(api, "GetRecords", ShardIterator=changed).startswith("Validation")
    for action, body, limit in (
        ("GetRecords", {"ShardIterator": iterator}, 1000),
        ("DescribeStream", {"StreamArn": arn}, 100),
        ("ListStreams", {}, 100),
    ):
        api(action, Limit=limit, **body)
        assert "'limit'" in refused(api, action, Limit=limit + 1, **body)
        assert "'limit'" in refused(api, action, Limit=0, **body)


# An iterator holds for fifteen minutes, to the millisecond.
def test_an_iterator_expires(api: Api) -> None:
    arn = api.create()
    iterator = api.iterator(arn, api.shards(arn)[0])
    api.clock.advance(15 * 60)
    assert api("GetRecords", ShardIterator=iterator)["Records"] == []
    api.clock.advance(0.002)
    assert refused(api, "GetRecords", ShardIterator=iterator).startswith("ExpiredIteratorException")


# Pages of shards and of streams follow one another without gap or overlap.
def test_pages_of_shards_and_streams(api: Api) -> None:
    arns = [api.create(name=f"table{n}") for n in range(5)]
    for _ in range(3):
        api.clock.advance(4 * HOUR_S)
        api.tend()
    expected = api.shards(arns[0])
    assert len(expected) == 4 * shards.SLICES
    found: list[Any] = []
    after: dict[str, Any] = {}
    for _ in range(10):
        page = api("DescribeStream", StreamArn=arns[0], Limit=3, **after)["StreamDescription"]
        found += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            break
        after = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}
    assert found == expected
    listed: list[str] = []
    after = {}
    for _ in range(10):
        page = api("ListStreams", Limit=2, **after)
        listed += [stream["StreamArn"] for stream in page["Streams"]]
        if "LastEvaluatedStreamArn" not in page:
            break
        after = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}
    assert listed == arns
    assert [stream["StreamArn"] for stream in api("ListStreams", TableName="table3")["Streams"]] == [arns[3]]


# One page holds a megabyte at most, but always something.
def test_pages_of_large_records(api: Api) -> None:
    arn = api.create()
    for n in range(4):
        api.put("a", n, x={"S": "x" * 390_000})
    for n in range(4):
        api.put("a", n, x={"S": "y" * 390_000})
    (shard,) = [one for one in api.shards(arn) if api.read_shard(arn, one)]
    sizes = []
    iterator = api.iterator(arn, shard)
    for _ in range(10):
        page = api("GetRecords", ShardIterator=iterator)
        if not page["Records"]:
            break
        sizes.append([record["dynamodb"]["SizeBytes"] for record in page["Records"]])
        iterator = page["NextShardIterator"]
    assert all(sum(page) <= reading.RECORD_BYTES_MAX for page in sizes)
    assert [len(page) for page in sizes] == [2, 2, 1, 1, 1, 1]


# Changes go after a day, no sooner; who comes back with an older place is told so.
def test_changes_are_trimmed_after_a_day(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRIMMED_MAX", 7)
    arn = api.create()
    for n in range(20):
        api.put("a", n)
    api.clock.advance(HOUR_S)
    api.put("a", 100)
    shard = next(one for one in api.shards(arn) if api.read_shard(arn, one))
    numbers = [record["dynamodb"]["SequenceNumber"] for record in api.read_shard(arn, shard)]
    api.clock.advance(DAY_S - HOUR_S - 1)
    api.tend()
    assert len(api.read_shard(arn, shard)) == 21
    iterator = api.iterator(arn, shard)
    after = api.iterator(arn, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[19])
    api.clock.advance(12)
    api.tend()
    assert [record["dynamodb"]["SequenceNumber"] for record in api.read_shard(arn, shard)] == numbers[20:]
    said = refused(api, "GetRecords", ShardIterator=iterator)
    assert said == "TrimmedDataAccessException: The data you are trying to access has been trimmed"
    assert len(api("GetRecords", ShardIterator=after)["Records"]) == 1
    place = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    for kind, number in (("AT_SEQUENCE_NUMBER", numbers[19]), ("AFTER_SEQUENCE_NUMBER", numbers[18])):
        body = place | {"ShardIteratorType": kind, "SequenceNumber": number}
        assert refused(api, "GetShardIterator", **body).startswith("TrimmedDataAccessException")
    assert len(api("GetRecords", ShardIterator=api.iterator(arn, shard, "AT_TIMESTAMP", Timestamp=1.0))["Records"]) == 1
    # A day after they closed the shards themselves go; the open ones and a day's generations stay.
    api.clock.advance(DAY_S)
    api.tend()
    assert refused(api, "GetShardIterator", **place, ShardIteratorType="LATEST").startswith("ResourceNotFoundException")
    assert api.shards(arn)
    assert api.records(arn) == []


# A stream is followed for three days as background work finds it: shards never pile up, lineage never breaks.
def test_shards_do_not_pile_up(api: Api) -> None:
    arn = api.create()
    for n in range(3 * 24):
        api.put(f"p{n}")
        api.clock.advance(HOUR_S)
        api.tend()
        listed = {shard["ShardId"] for shard in api.shards(arn)}
        assert len(listed) <= 8 * shards.SLICES
        orphans = [shard for shard in api.shards(arn) if shard.get("ParentShardId") not in listed]
        assert len(orphans) == shards.SLICES
    assert 23 <= len(api.records(arn)) <= 25


# A disabled stream closes its shards, stays readable for a day, and is then gone with all that was its.
def test_a_disabled_stream_stays_for_a_day(api: Api) -> None:
    arn = api.create()
    api.put("a", 1)
    api("UpdateTable", TableName="table", StreamSpecification={"StreamEnabled": False})
    api.put("a", 2)
    described = api("DescribeStream", StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert all("EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in described["Shards"])
    assert len(api.records(arn)) == 1
    api.clock.advance(DAY_S - 60)
    api.tend()
    assert len(api.records(arn)) == 1
    api.clock.advance(120)
    api.tend()
    assert refused(api, "DescribeStream", StreamArn=arn).startswith("ResourceNotFoundException")
    assert api("ListStreams")["Streams"] == []


# Switched on again, a table has a new stream with another label, and the old one beside it.
def test_a_stream_switched_on_again_is_another(api: Api) -> None:
    first = api.create()
    api.put("a", 1)
    api("UpdateTable", TableName="table", StreamSpecification={"StreamEnabled": False})
    again = api(
        "UpdateTable",
        TableName="table",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    second = again["TableDescription"]["LatestStreamArn"]
    assert second != first
    assert second.endswith(again["TableDescription"]["LatestStreamLabel"])
    assert [len(api.records(arn)) for arn in (first, second)] == [1, 0]
    api.put("a", 2)
    assert [len(api.records(arn)) for arn in (first, second)] == [1, 1]
    assert {stream["StreamArn"] for stream in api("ListStreams", TableName="table")["Streams"]} == {first, second}


# The stream of a dropped table outlives it, even when the table's data is cleared and its name is used again.
def test_the_stream_of_a_dropped_table_stays_for_a_day(api: Api) -> None:
    first = api.create()
    api.put("a", 1)
    api("DeleteTable", TableName="table")
    api.tend()
    second = api.create()
    assert second != first
    described = api("DescribeStream", StreamArn=first)["StreamDescription"]
    assert (described["StreamStatus"], described["TableName"]) == ("DISABLED", "table")
    assert [len(api.records(arn)) for arn in (first, second)] == [1, 0]
    api.clock.advance(DAY_S + 60)
    api.tend()
    assert [stream["StreamArn"] for stream in api("ListStreams")["Streams"]] == [second]


# A clock that is set back neither closes shards again nor draws a number twice.
def test_a_clock_set_back_does_no_harm(api: Api) -> None:
    arn = api.create()
    for advance in (5 * HOUR_S, -9 * HOUR_S, 4 * HOUR_S, -HOUR_S, 6 * HOUR_S):
        api.put("a", abs(advance))
        api.clock.advance(advance)
        api.tend()
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in api.records(arn)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 5


# An iterator works in another process and after a restart: it says all by itself.
def test_an_iterator_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    store = open_store(tmp_path / "data", durable=False, clock=clock)
    api = Api(store, clock)
    arn = api.create()
    api.put("a", 1)
    iterators = [api.iterator(arn, shard) for shard in api.shards(arn)]
    store.close()
    reopened = open_store(tmp_path / "data", durable=False, clock=clock)
    again = Api(reopened, clock)
    found = [record for one in iterators for record in again("GetRecords", ShardIterator=one)["Records"]]
    reopened.close()
    assert len(found) == 1
