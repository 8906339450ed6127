"""Global tables (version 2019.11.21) as two clients of two regions see them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

HERE, THERE, FAR = "us-east-1", "us-west-2", "us-east-2"
KEYS = [{"AttributeName": "p", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "p", "AttributeType": "S"}]
WAIT_STEPS, WAIT_STEP_S = 400, 0.05


def wait_until(holds: Callable[[], Any]) -> Any:
    """Ask again until the answer is true; bounded to twenty seconds."""
    for _ in range(WAIT_STEPS):
        found = holds()
        if found:
            return found
        time.sleep(WAIT_STEP_S)
    raise AssertionError("it did not come about in time")


@pytest.fixture(scope="session")
def here(client_of: Callable[..., Any]) -> Any:
    return client_of("dynamodb", HERE)


@pytest.fixture(scope="session")
def there(client_of: Callable[..., Any]) -> Any:
    return client_of("dynamodb", THERE)


@pytest.fixture
def users(here: Any, there: Any, name: str) -> Iterator[str]:
    """A table in ``here``; in the end it is gone, replicas and all."""
    here.create_table(TableName=name, KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, BillingMode="PAY_PER_REQUEST")
    here.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    yield name
    try:
        replicas = here.describe_table(TableName=name)["Table"].get("Replicas", [])
        for replica in replicas:
            here.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": replica["RegionName"]}}])
            wait_until(lambda: is_settled(here, name))
        here.delete_table(TableName=name)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"  # noqa: PT017


def is_settled(client: Any, name: str) -> bool:
    table = client.describe_table(TableName=name)["Table"]
    states = [table["TableStatus"], *(one["ReplicaStatus"] for one in table.get("Replicas", ()))]
    return set(states) == {"ACTIVE"}


def add(client: Any, name: str, region: str = THERE, **action: Any) -> None:
    client.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region} | action}])
    wait_until(lambda: is_settled(client, name))


def scanned(client: Any, name: str) -> list[str]:
    return sorted(item["p"]["S"] for item in client.scan(TableName=name)["Items"])


# What is written in one region is read in the other, from the first moment of a replica and for items that were older.
def test_items_are_in_both_regions(here: Any, there: Any, users: str) -> None:
    here.put_item(TableName=users, Item={"p": {"S": "old"}})
    add(here, users)
    here.put_item(TableName=users, Item={"p": {"S": "a"}})
    there.put_item(TableName=users, Item={"p": {"S": "b"}, "n": {"N": "1"}})
    wait_until(lambda: scanned(here, users) == scanned(there, users) == ["a", "b", "old"])
    here.update_item(
        TableName=users,
        Key={"p": {"S": "b"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    there.delete_item(TableName=users, Key={"p": {"S": "a"}})
    wait_until(lambda: scanned(here, users) == ["b", "old"])
    key = {"TableName": users, "Key": {"p": {"S": "b"}}}
    wait_until(lambda: there.get_item(**key)["Item"].get("n") == {"N": "2"})


# Both regions describe the global table, each with the other as its replica, its own id, ARN and stream.
def test_description(here: Any, there: Any, users: str, account: str) -> None:
    alone = here.describe_table(TableName=users)["Table"]
    shared = {"GlobalTableVersion", "Replicas", "GlobalTableSettingsReplicationMode"}
    assert not alone.keys() & (shared | {"MultiRegionConsistency", "GlobalTableWitnesses"})
    add(here, users)
    tables = [client.describe_table(TableName=users)["Table"] for client in (here, there)]
    for table, own, other in zip(tables, (HERE, THERE), (THERE, HERE), strict=True):
        assert table["GlobalTableVersion"] == "2019.11.21"
        assert table["GlobalTableSettingsReplicationMode"] == "ENABLED_WITH_OVERRIDES"
        assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert table["TableArn"] == f"arn:aws:dynamodb:{own}:{account}:table/{users}"
        (replica,) = table["Replicas"]
        assert (replica["RegionName"], replica["ReplicaStatus"]) == (other, "ACTIVE")
        assert replica["GlobalTableSettingsReplicationMode"] == "ENABLED_WITH_OVERRIDES"
        assert replica["WarmThroughput"]["ReadUnitsPerSecond"] == 12000
        assert not replica.keys() & {"ProvisionedThroughputOverride", "KMSMasterKeyId", "ReplicaTableClassSummary"}
    assert tables[0]["TableId"] != tables[1]["TableId"]
    assert tables[0]["LatestStreamArn"] != tables[1]["LatestStreamArn"]


# Removing the replica deletes its table; the other is a table alone again, and keeps its stream.
def test_removal(here: Any, there: Any, users: str, refusal: Any) -> None:
    add(here, users)
    here.put_item(TableName=users, Item={"p": {"S": "a"}})
    here.update_table(TableName=users, ReplicaUpdates=[{"Delete": {"RegionName": THERE}}])
    wait_until(lambda: "Replicas" not in here.describe_table(TableName=users)["Table"])
    there.get_waiter("table_not_exists").wait(TableName=users, WaiterConfig={"Delay": 1})
    table = here.describe_table(TableName=users)["Table"]
    assert "GlobalTableVersion" not in table
    assert table["StreamSpecification"]["StreamEnabled"] is True
    assert scanned(here, users) == ["a"]


# The refusals that a client meets first.
def test_refusals(here: Any, there: Any, users: str, refusal: Any) -> None:
    def refused(*updates: dict[str, Any], **rest: Any) -> tuple[str, str]:
        answer: tuple[str, str] = refusal(here.update_table, TableName=users, ReplicaUpdates=list(updates), **rest)
        return answer

    add(here, users)
    assert refused({"Create": {"RegionName": HERE}}) == (
        "ValidationException",
        "Cannot add or delete the local region through ReplicaUpdates. "
        "Use CreateTable, DeleteTable, or UpdateTable as required.",
    )
    code, message = refused({"Create": {"RegionName": THERE}})
    assert code == "ValidationException"
    assert message.startswith("Failed to create a the new replica of table with name: ")
    assert message.endswith(" because one or more replicas already existed as tables.")
    assert refused({"Delete": {"RegionName": "eu-west-3"}}) == (
        "ValidationException",
        "Update global table operation failed because one or more replicas were not part of the global table. "
        "Please retry the request without these replicas: [eu-west-3].",
    )
    assert refused({"Create": {"RegionName": FAR}}, {"Create": {"RegionName": "eu-west-3"}}) == (
        "ValidationException",
        "Update table operation with more than one create or delete replica actions not allowed",
    )
    assert refused({"Create": {"RegionName": FAR}}, DeletionProtectionEnabled=True) == (
        "ValidationException",
        "One or more parameter values were invalid: Replica modification must be the only operation in the request",
    )
    source = (
        "ValidationException",
        "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in "
        "the last 24 hours.",
    )
    assert refusal(here.delete_table, TableName=users) == source
    off = {"StreamEnabled": False}
    assert refusal(there.update_table, TableName=users, StreamSpecification=off) == (
        "ValidationException",
        "One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica.",
    )


# Time to live is the same everywhere; tags and deletion protection are each table's own.
def test_shared_and_own_settings(here: Any, there: Any, users: str, account: str) -> None:
    add(here, users)
    arns = [f"arn:aws:dynamodb:{region}:{account}:table/{users}" for region in (HERE, THERE)]
    here.tag_resource(ResourceArn=arns[0], Tags=[{"Key": "k", "Value": "v"}])
    assert there.list_tags_of_resource(ResourceArn=arns[1])["Tags"] == []
    there.update_time_to_live(TableName=users, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})

    def of_here() -> bool:
        shown = here.describe_time_to_live(TableName=users)["TimeToLiveDescription"]
        return bool(shown.get("AttributeName") == "expires")

    wait_until(of_here)
    there.update_table(TableName=users, DeletionProtectionEnabled=True)
    wait_until(lambda: is_settled(there, users))
    assert here.describe_table(TableName=users)["Table"]["DeletionProtectionEnabled"] is False
    there.update_table(TableName=users, DeletionProtectionEnabled=False)
    wait_until(lambda: is_settled(there, users) and is_settled(here, users))


# An index made through one region is filled and queried in the other.
def test_indexes(here: Any, there: Any, users: str) -> None:
    add(here, users)
    here.put_item(TableName=users, Item={"p": {"S": "a"}, "g": {"S": "x"}})
    there.update_table(
        TableName=users,
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "byg",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )

    def is_made(client: Any) -> bool:
        indexes = client.describe_table(TableName=users)["Table"].get("GlobalSecondaryIndexes", [])
        return [one["IndexStatus"] for one in indexes] == ["ACTIVE"] and is_settled(client, users)

    wait_until(lambda: is_made(here) and is_made(there))
    there.put_item(TableName=users, Item={"p": {"S": "b"}, "g": {"S": "x"}})

    def found(client: Any) -> int:
        return int(
            client.query(
                TableName=users,
                IndexName="byg",
                KeyConditionExpression="g = :g",
                ExpressionAttributeValues={":g": {"S": "x"}},
            )["Count"]
        )

    wait_until(lambda: found(here) == found(there) == 2)


# With strong consistency three regions come and go together; a strongly consistent read anywhere has the newest item.
def test_strong_consistency(here: Any, there: Any, users: str, refusal: Any) -> None:
    here.update_table(
        TableName=users,
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[{"Create": {"RegionName": THERE}}],
        GlobalTableWitnessUpdates=[{"Create": {"RegionName": FAR}}],
    )
    wait_until(lambda: is_settled(here, users))
    table = there.describe_table(TableName=users)["Table"]
    assert table["MultiRegionConsistency"] == "STRONG"
    assert table["GlobalTableWitnesses"] == [{"RegionName": FAR, "WitnessStatus": "ACTIVE"}]
    there.put_item(TableName=users, Item={"p": {"S": "a"}})
    assert "Item" in here.get_item(TableName=users, Key={"p": {"S": "a"}}, ConsistentRead=True)
    assert refusal(here.delete_table, TableName=users) == (
        "ValidationException",
        "Deletion of only one table replica is not supported for global tables with MultiRegionConsistency set to STRONG.",
    )
    here.update_table(
        TableName=users,
        ReplicaUpdates=[{"Delete": {"RegionName": THERE}}],
        GlobalTableWitnessUpdates=[{"Delete": {"RegionName": FAR}}],
    )
    wait_until(lambda: "Replicas" not in here.describe_table(TableName=users)["Table"])


# AWS takes no tables of version 2017.11.29 any more, and knows of none.
def test_the_version_of_2017(here: Any, users: str, refusal: Any) -> None:
    group = [{"RegionName": HERE}, {"RegionName": THERE}]
    code, message = refusal(here.create_global_table, GlobalTableName=users, ReplicationGroup=group)
    assert code == "ValidationException"
    assert "global tables version 2017.11.29 is not supported" in message
    assert refusal(here.describe_global_table, GlobalTableName=users)[0] == "GlobalTableNotFoundException"
    assert here.list_global_tables()["GlobalTables"] == []


# Who adds and removes replicas needs the permissions for it in the replica's region, where aws:RequestedRegion is that one.
def test_permissions(client_of: Callable[..., Any], iam: Any, here: Any, users: str, name: str) -> None:
    def allow(actions: list[str], region: str) -> dict[str, Any]:
        condition = {"StringEquals": {"aws:RequestedRegion": region}}
        return {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition}

    adding = ["CreateTable", "CreateTableReplica", "Query", "Scan", "GetItem", "PutItem", "UpdateItem", "DeleteItem"]
    there = [f"dynamodb:{action}" for action in [*adding, "BatchWriteItem", "DeleteTable"]]
    statements = [allow(["dynamodb:UpdateTable"], HERE), allow(there, THERE)]
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="replicas", PolicyDocument=policy)
        pair = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        user = client_of("dynamodb", HERE, **pair)

        def answered(kind: str, region: str) -> str:
            try:
                user.update_table(TableName=users, ReplicaUpdates=[{kind: {"RegionName": region}}])
            except ClientError as error:
                return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            return "done"

        wait_until(lambda: answered("Create", THERE) == "done")
        wait_until(lambda: is_settled(here, users))
        refused = answered("Create", FAR)
        assert refused.startswith("AccessDeniedException")
        assert f"dynamodb:{FAR}:" in refused
        refused = answered("Delete", THERE)
        assert refused.startswith("AccessDeniedException")
        assert "dynamodb:DeleteTableReplica" in refused
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="replicas")
        iam.delete_user(UserName=name)
