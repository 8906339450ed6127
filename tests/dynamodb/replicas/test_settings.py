"""Which settings replicas share, which each has of its own; what streams and time to live show of replicated changes."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import ACCOUNT, Dynamo, attributes, definition, index
from replica_steps import FAR, THERE, add, change, items, put, remove, table, update

from tabletop.dynamodb.lifecycle import Delays

UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
PROVISIONED = definition(
    BillingMode="PROVISIONED",
    ProvisionedThroughput=UNITS,
    AttributeDefinitions=attributes(p="S", g="S"),
    GlobalSecondaryIndexes=[index("byg", "g") | {"ProvisionedThroughput": UNITS}],
)


def units(holder: dict[str, Any]) -> tuple[int, int]:
    shown = holder["ProvisionedThroughput"]
    return shown["ReadCapacityUnits"], shown["WriteCapacityUnits"]


# Write capacity is everywhere the same, read capacity until a replica is given its own; the same value again takes it away.
def test_throughput_and_its_override(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **PROVISIONED)
    add(dynamo)
    assert units(table(there)) == (5, 6)
    change(
        dynamo,
        ProvisionedThroughputOverride={"ReadCapacityUnits": 10},
        GlobalSecondaryIndexes=[{"IndexName": "byg", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 8}}],
    )
    assert units(table(there)) == (10, 6)
    assert units(table(there)["GlobalSecondaryIndexes"][0]) == (8, 6)
    (shown,) = table(dynamo)["Replicas"]
    assert shown["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 10}
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 8}
    update(dynamo, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 9})
    assert units(table(there)) == (10, 9)
    update(there, ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 9})
    assert units(table(dynamo)) == (7, 9)
    assert "ProvisionedThroughputOverride" not in table(dynamo)["Replicas"][0]
    refused = dynamo.refusal(
        "UpdateTable",
        TableName="users",
        ReplicaUpdates=[{"Update": {"RegionName": THERE, "OnDemandThroughputOverride": {"MaxReadRequestUnits": 9}}}],
    )
    assert refused[1].startswith("MaxReadRequestUnits for OnDemandThroughput cannot be specified")
    update(there, BillingMode="PAY_PER_REQUEST")
    assert table(dynamo)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert units(table(dynamo)) == (0, 0)


# A table class may be a replica's own, and is everybody's when it is changed on the table.
def test_table_class(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    change(dynamo, TableClassOverride="STANDARD_INFREQUENT_ACCESS")
    assert table(there)["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert "TableClassSummary" not in table(dynamo)
    assert table(dynamo)["Replicas"][0]["ReplicaTableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    update(dynamo, TableClass="STANDARD")
    assert table(there)["TableClassSummary"]["TableClass"] == "STANDARD"


# Each replica has a key of its own region, all of the same kind.
def test_encryption(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(SSESpecification={"Enabled": True, "KMSMasterKeyId": "1234"}))
    updates = [{"Create": {"RegionName": THERE}}]
    assert "KMSMasterKeyId must be" in dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=updates)[1]
    add(dynamo, KMSMasterKeyId="5678")
    arn = f"arn:aws:kms:{THERE}:{ACCOUNT}:key/5678"
    assert table(dynamo)["Replicas"][0]["KMSMasterKeyId"] == arn
    assert table(dynamo.at(THERE))["SSEDescription"]["KMSMasterKeyArn"] == arn


# Tags, policy and deletion protection are not copied to a new replica, and not followed later.
def test_what_is_each_replicas_own(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    dynamo(
        "CreateTable",
        **definition(
            Tags=[{"Key": "a", "Value": "b"}],
            ResourcePolicy=policy,
            DeletionProtectionEnabled=True,
            TableClass="STANDARD",
        ),
    )
    add(dynamo)
    arn = table(there)["TableArn"]
    assert arn == f"arn:aws:dynamodb:{THERE}:{ACCOUNT}:table/users"
    assert there("ListTagsOfResource", ResourceArn=arn) == {"Tags": []}
    assert there.refusal("GetResourcePolicy", ResourceArn=arn)[0] == "PolicyNotFoundException"
    assert table(there)["DeletionProtectionEnabled"] is False


# Each replica's stream tells of the changes of every region, as its own; it keeps the view type that the first one had, and
# cannot be switched off.
def test_streams(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}))
    put(dynamo, "before")
    add(dynamo)
    put(dynamo, "a")
    put(there, "a", n={"N": "1"})
    there("DeleteItem", TableName="users", Key={"p": {"S": "a"}})
    assert told(there) == ["INSERT", "MODIFY", "REMOVE"]
    assert told(dynamo) == ["INSERT", "INSERT", "MODIFY", "REMOVE"]
    assert table(there)["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    for region in (dynamo, there):
        off = {"StreamSpecification": {"StreamEnabled": False}}
        assert region.refusal("UpdateTable", TableName="users", **off) == (
            "ValidationException",
            "One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica.",
        )
    remove(dynamo)
    update(dynamo, StreamSpecification={"StreamEnabled": False})


def told(region: Dynamo) -> list[str]:
    return [record["eventName"] for record in records(region)]


def records(region: Dynamo) -> list[dict[str, Any]]:
    arn = table(region)["LatestStreamArn"]
    found: list[dict[str, Any]] = []
    for shard in region("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = region(
            "GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += region("GetRecords", ShardIterator=iterator)["Records"]
    assert {record["awsRegion"] for record in found} <= {region.region}
    return sorted(found, key=lambda record: record["dynamodb"]["SequenceNumber"])


# Time to live is set everywhere at once. An item that expires goes everywhere; one region's stream says that time to live
# did it, to the others it is a deletion like any other.
def test_time_to_live(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    there("UpdateTimeToLive", TableName="users", TimeToLiveSpecification={"Enabled": True, "AttributeName": "at"})
    shown = dynamo("DescribeTimeToLive", TableName="users")["TimeToLiveDescription"]
    assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "at"}
    put(dynamo, "a", at={"N": str(int(dynamo.clock()) + 10)})
    add(there, FAR)
    dynamo.clock.advance(11)
    dynamo.settle()
    assert items(dynamo) == items(there) == items(dynamo.at(FAR)) == {}
    last = [records(region)[-1] for region in (dynamo, there, dynamo.at(FAR))]
    assert {record["eventName"] for record in last} == {"REMOVE"}
    assert sum("userIdentity" in record for record in last) == 1
    dynamo("UpdateTimeToLive", TableName="users", TimeToLiveSpecification={"Enabled": False, "AttributeName": "at"})
    assert there("DescribeTimeToLive", TableName="users")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    dynamo.settle()


# Conditions, transactions and batches are replicated as they are; the caller is told its own table's units.
def test_every_kind_of_write(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    put(dynamo, "a")
    exists = {"ConditionExpression": "attribute_not_exists(p)"}
    refused = there.refusal("PutItem", TableName="users", Item={"p": {"S": "a"}}, **exists)
    assert refused[0] == "ConditionalCheckFailedException"
    answer = there(
        "TransactWriteItems",
        ReturnConsumedCapacity="TOTAL",
        TransactItems=[
            {"Put": {"TableName": "users", "Item": {"p": {"S": "b"}}}},
            {"Delete": {"TableName": "users", "Key": {"p": {"S": "a"}}}},
        ],
    )
    assert [(one["TableName"], one["CapacityUnits"]) for one in answer["ConsumedCapacity"]] == [("users", 4.0)]
    counted = {
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        "Key": {"p": {"S": "b"}},
    }
    for region in (dynamo, there, dynamo):
        region("UpdateItem", TableName="users", **counted)
    requests = [{"PutRequest": {"Item": {"p": {"S": name}}}} for name in "cd"]
    there("BatchWriteItem", RequestItems={"users": requests})
    dynamo("ExecuteStatement", Statement="INSERT INTO users VALUE {'p': 'e'}")
    assert items(dynamo) == items(there)
    assert items(there)["b"]["n"] == {"N": "3"}
    assert set(items(there)) == set("bcde")


# With delays a replica shows CREATING, then ACTIVE, later DELETING; changes meanwhile must wait.
def test_statuses_take_their_time(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    there = dynamo.at(THERE)
    monkeypatch.setattr(Delays, "table_delay_s", 5.0)
    dynamo("CreateTable", **definition())
    dynamo.clock.advance(6)
    put(dynamo, "a")
    add(dynamo)
    for region, own, other in ((dynamo, "UPDATING", "CREATING"), (there, "CREATING", "UPDATING")):
        assert table(region)["TableStatus"] == own
        assert table(region)["Replicas"][0]["ReplicaStatus"] == other
    assert there.refusal("GetItem", TableName="users", Key={"p": {"S": "a"}})[0] == "ResourceNotFoundException"
    for region in (dynamo, there):
        refused = region.refusal("UpdateTable", TableName="users", ReplicaUpdates=[{"Create": {"RegionName": FAR}}])
        assert refused[0] == "ResourceInUseException"
        assert region.refusal("DeleteTable", TableName="users")[0] == "ResourceInUseException"
    dynamo.settle()
    dynamo.clock.advance(6)
    assert table(dynamo)["Replicas"][0]["ReplicaStatus"] == table(there)["TableStatus"] == "ACTIVE"
    assert items(there) == items(dynamo)
    remove(dynamo)
    assert table(dynamo)["Replicas"] == [{"RegionName": THERE, "ReplicaStatus": "DELETING"}]
    assert table(there)["TableStatus"] == "DELETING"
    assert "Replicas" not in table(there)
    put(dynamo, "b")
    assert dynamo.problems() == []
    dynamo.clock.advance(6)
    dynamo.settle()
    assert "Replicas" not in table(dynamo)
    assert there.refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"


# DeleteTable of a replica, with delays: while it is DELETING it belongs to no global table any more, and what expires in it
# is not deleted in the others.
def test_a_replica_that_deletes_itself_is_alone_at_once(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    dynamo("UpdateTimeToLive", TableName="users", TimeToLiveSpecification={"Enabled": True, "AttributeName": "at"})
    put(dynamo, "a", at={"N": str(int(dynamo.clock()) + 2)})
    monkeypatch.setattr(Delays, "table_delay_s", 5.0)
    there("DeleteTable", TableName="users")
    assert table(there)["TableStatus"] == "DELETING"
    assert "Replicas" not in table(there)
    assert dynamo.problems() == []
    put(dynamo, "a")
    dynamo.clock.advance(3)
    dynamo.settle()
    assert set(items(dynamo)) == {"a"}
    dynamo.clock.advance(3)
    dynamo.settle()
    assert there.refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"


# The settings mode belongs to tables alone that are to be replicated into other accounts.
def test_settings_replication_mode(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(GlobalTableSettingsReplicationMode="DISABLED"))
    assert table(dynamo)["GlobalTableSettingsReplicationMode"] == "DISABLED"
    update(dynamo, GlobalTableSettingsReplicationMode="ENABLED")
    assert table(dynamo)["GlobalTableSettingsReplicationMode"] == "ENABLED"
    refused = dynamo.refusal(
        "UpdateTable", TableName="users", GlobalTableSettingsReplicationMode="ENABLED_WITH_OVERRIDES"
    )
    assert refused[1].startswith("Value 'ENABLED_WITH_OVERRIDES' at 'GlobalTableSettingsReplicationMode' failed")
    add(dynamo)
    assert table(dynamo)["GlobalTableSettingsReplicationMode"] == "ENABLED_WITH_OVERRIDES"
