"""Which writes leave a record in the stream, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from stream_api import Api

KEYS = {"p": {"S": "a"}, "c": {"N": "1"}}


def only(api: Api, arn: str) -> dict[str, Any]:
    (record,) = api.records(arn)
    return record


# The example of the Lambda developer guide: an insert, a modification and a removal, with its sizes of 26, 59 and 38.
def test_sizes_are_those_of_the_documented_example(api: Api) -> None:
    described = api(
        "CreateTable",
        TableName="example",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    arn = described["TableDescription"]["LatestStreamArn"]
    for message in ("New item!", "This item has changed"):
        api("PutItem", TableName="example", Item={"Message": {"S": message}, "Id": {"N": "101"}})
    api("DeleteItem", TableName="example", Key={"Id": {"N": "101"}})
    records = api.records(arn)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"]["SizeBytes"] for record in records] == [26, 59, 38]


# Every member that consumers read, with the names and forms of AWS's model.
def test_a_record_has_all_members(api: Api) -> None:
    arn = api.create()
    api.put("a", 1, x={"NS": ["2", "1"]}, y={"B": "AP8="})
    record = only(api, arn)
    number = record["dynamodb"].pop("SequenceNumber")
    assert number.isdecimal()
    assert len(number) >= 21
    assert len(record.pop("eventID")) == 32
    image = KEYS | {"x": {"NS": ["1", "2"]}, "y": {"B": "AP8="}}
    assert record.pop("dynamodb") == {
        "ApproximateCreationDateTime": 1_700_000_000,
        "Keys": KEYS,
        "NewImage": image,
        "SizeBytes": 5 + 5 + (1 + 4) + (1 + 2),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
    }


# Each view type shows exactly its images, for all three events.
@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_view_types_choose_the_images(api: Api, view: str) -> None:
    arn = api.create(view)
    api.put("a", 1)
    api.put("a", 1, x={"S": "2"})
    api("DeleteItem", TableName="table", Key=KEYS)
    shows_new, shows_old = "NEW" in view, "OLD" in view
    changed = KEYS | {"x": {"S": "2"}}
    expected = [("INSERT", KEYS, None), ("MODIFY", changed, KEYS), ("REMOVE", None, changed)]
    for record, (name, new, old) in zip(api.records(arn), expected, strict=True):
        shown = record["dynamodb"]
        assert (record["eventName"], shown["Keys"], shown["StreamViewType"]) == (name, KEYS, view)
        assert shown.get("NewImage") == (new if shows_new else None)
        assert shown.get("OldImage") == (old if shows_old else None)


# A write that changes nothing leaves no record: the same item, its members in another order, a deletion of nothing.
def test_writes_without_change_leave_nothing(api: Api) -> None:
    arn = api.create()
    first = {"m": {"M": {"x": {"N": "1"}, "y": {"SS": ["a", "b"]}}}, "z": {"N": "5"}}
    api.put("a", 1, **first)
    api.put("a", 1, **first)
    api.put("a", 1, z={"N": "5.0"}, m={"M": {"y": {"SS": ["b", "a"]}, "x": {"N": "1"}}})
    api("UpdateItem", TableName="table", Key=KEYS, UpdateExpression="REMOVE nothing")
    api("DeleteItem", TableName="table", Key={"p": {"S": "other"}, "c": {"N": "1"}})
    assert only(api, arn)["eventName"] == "INSERT"
    api.put("a", 1, z={"N": "5"}, m={"M": {"y": {"SS": ["b", "c"]}, "x": {"N": "1"}}})
    assert [record["eventName"] for record in api.records(arn)] == ["INSERT", "MODIFY"]


# A refused condition and a refused transaction leave neither change nor record.
def test_refused_writes_leave_nothing(api: Api) -> None:
    arn = api.create()
    item = {"TableName": "table", "Item": KEYS}
    with pytest.raises(Exception, match="conditional"):
        api("PutItem", ConditionExpression="attribute_exists(p)", **item)
    check = {
        "TableName": "table",
        "Key": {"p": {"S": "b"}, "c": {"N": "1"}},
        "ConditionExpression": "attribute_exists(p)",
    }
    with pytest.raises(Exception, match="Transaction cancelled"):
        api("TransactWriteItems", TransactItems=[{"Put": item}, {"ConditionCheck": check}])
    assert api.records(arn) == []


# The members of a batch and of a transaction each get a number of their own, in their order.
def test_writes_of_one_commit_have_numbers_in_their_order(api: Api) -> None:
    arn = api.create()
    items = [{"p": {"S": f"p{n}"}, "c": {"N": "0"}} for n in range(25)]
    api("BatchWriteItem", RequestItems={"table": [{"PutRequest": {"Item": item}} for item in items]})
    api("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "table", "Key": item}} for item in items])
    records = sorted(api.records(arn), key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
    assert [record["dynamodb"]["Keys"] for record in records] == items * 2
    assert len({record["dynamodb"]["SequenceNumber"] for record in records}) == 50
    assert len({record["eventID"] for record in records}) == 50


# What time to live deletes names the service as the one who did it; other deletions name nobody.
def test_expired_items_name_the_service(api: Api) -> None:
    arn = api.create()
    api("UpdateTimeToLive", TableName="table", TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"})
    for n in range(5):
        api.put(f"p{n}", 1, t={"N": str(int(api.clock()) - 60)})
    api.put("a", 1, t={"N": str(int(api.clock()) - 60)})
    api("DeleteItem", TableName="table", Key=KEYS)
    api.tend()
    removed = [record for record in api.records(arn) if record["eventName"] == "REMOVE"]
    service = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert len(removed) == 6
    for record in removed:
        by_caller = record["dynamodb"]["Keys"] == KEYS
        assert record.get("userIdentity") == (None if by_caller else service)


# A table without a stream has no log at all: nothing is written for it.
def test_a_table_without_stream_leaves_no_trace(api: Api) -> None:
    assert api.create(None) == ""
    api.put("a", 1)
    api.put("a", 1, x={"S": "2"})
    assert api("ListStreams")["Streams"] == []
