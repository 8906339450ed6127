"""What UpdateTable refuses to do with replicas, in AWS's words, and in the order in which AWS looks."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index
from replica_steps import FAR, HERE, THERE, add, remove, update

from tabletop.dynamodb.replicas import requests
from tabletop.dynamodb.replicas.regions import SUPPORTED

Updates = list[dict[str, Any]]
MIXED = "Update table operation with more than one type of replica actions not allowed"
MANY = "Update table operation with more than one create or delete replica actions not allowed"
NOTHING = "There are no actions specified in the Replica Update Action of the request."
ALONE = "One or more parameter values were invalid: Replica modification must be the only operation in the request"
LOCAL = (
    "Cannot add or delete the local region through ReplicaUpdates. "
    "Use CreateTable, DeleteTable, or UpdateTable as required."
)
NO_MEMBER = (
    "Update global table operation failed because one or more replicas were not part of the global table. "
    f"Please retry the request without these replicas: [{FAR}]."
)
SOURCE = (
    "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in the "
    "last 24 hours."
)


def create(region: str, **rest: Any) -> dict[str, Any]:
    return {"Create": {"RegionName": region} | rest}


# With one replica in THERE, each of these is refused, and nothing of it is done.
@pytest.mark.parametrize(
    ("updates", "rest", "message"),
    [
        ([{}], {}, NOTHING),
        ([{"Update": {"RegionName": THERE}}], {}, NOTHING),
        ([{"Update": {"RegionName": THERE, "GlobalSecondaryIndexes": [{"IndexName": "byg"}]}}], {}, NOTHING),
        ([create(FAR) | {"Delete": {"RegionName": THERE}}], {}, MIXED),
        ([create(FAR), {"Delete": {"RegionName": THERE}}], {}, MIXED),
        ([create(FAR), create("us-west-2")], {}, MANY),
        ([create(HERE)], {}, LOCAL),
        ([{"Delete": {"RegionName": HERE}}], {}, LOCAL),
        ([create(FAR)], {"DeletionProtectionEnabled": True}, ALONE),
        ([create(FAR)], {"BillingMode": "PAY_PER_REQUEST"}, ALONE),
        ([{"Delete": {"RegionName": FAR}}], {}, NO_MEMBER),
        ([{"Update": {"RegionName": FAR, "TableClassOverride": "STANDARD"}}], {}, NO_MEMBER),
        (
            [create(THERE)],
            {},
            "Failed to create a the new replica of table with name: ‘users’ because one or more replicas already existed "
            "as tables.",
        ),
        (
            [create("EU-WEST-1")],
            {},
            "Region EU-WEST-1 is not supported. The latest version of global tables are only supported in the following "
            f"regions: [{', '.join(SUPPORTED)}]",
        ),
        (
            [{"Update": {"RegionName": THERE, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 5}}}],
            {},
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
            "when BillingMode is PAY_PER_REQUEST",
        ),
        (
            [{"Update": {"RegionName": THERE, "KMSMasterKeyId": "alias/mine"}}],
            {},
            "One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica.",
        ),
        (
            [create(FAR, KMSMasterKeyId="alias/mine")],
            {},
            "One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica.",
        ),
    ],
)
def test_refused(dynamo: Dynamo, updates: Updates, rest: dict[str, Any], message: str) -> None:
    dynamo("CreateTable", **definition())
    add(dynamo)
    before = dynamo("DescribeTable", TableName="users")
    refused = dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=updates, **rest)
    assert refused == ("ValidationException", message)
    assert dynamo("DescribeTable", TableName="users") == before


# Two actions for one region are one, and an index that the table has not is passed over: as AWS was seen to do.
def test_what_is_taken_though_it_is_odd(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())
    twice = [create(THERE, GlobalSecondaryIndexes=[{"IndexName": "nope"}])] * 2
    update(dynamo, ReplicaUpdates=twice)
    assert [one["RegionName"] for one in update(dynamo, DeletionProtectionEnabled=False)["Replicas"]] == [THERE]


# Replicas is the list of the others in the order in which each saw them come; any replica may add and delete others.
def test_any_replica_may_ask(dynamo: Dynamo) -> None:
    there, far = dynamo.at(THERE), dynamo.at(FAR)
    dynamo("CreateTable", **definition())
    dynamo.clock.advance(1)
    add(dynamo, THERE)
    add(there, FAR)

    def seen(region: Dynamo) -> list[str]:
        return [one["RegionName"] for one in region("DescribeTable", TableName="users")["Table"]["Replicas"]]

    assert seen(dynamo) == [THERE, FAR]
    assert seen(there) == [HERE, FAR]
    assert seen(far) == [HERE, THERE]
    # A replica that another was made from stays for a day, whoever asks; then it may go, also the first one.
    for refused in (
        dynamo.refusal("DeleteTable", TableName="users"),
        there.refusal("DeleteTable", TableName="users"),
        far.refusal("UpdateTable", TableName="users", ReplicaUpdates=[{"Delete": {"RegionName": THERE}}]),
    ):
        assert refused == ("ValidationException", SOURCE)
    dynamo.clock.advance(24 * 3600 + 1)
    remove(far, HERE)
    assert seen(there) == [FAR]
    assert dynamo.refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"


# DeleteTable in a replica's own region takes it out of the global table; its deletion protection is asked by both ways.
def test_delete_table_of_a_replica(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    update(there, DeletionProtectionEnabled=True)
    assert dynamo("DescribeTable", TableName="users")["Table"]["DeletionProtectionEnabled"] is False
    assert there.refusal("DeleteTable", TableName="users")[0] == "ValidationException"
    protected = dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=[{"Delete": {"RegionName": THERE}}])
    assert protected == (
        "ValidationException",
        f"Cannot delete table users in region {THERE} because it has deletion protection enabled. "
        "Disable deletion protection first.",
    )
    update(there, DeletionProtectionEnabled=False)
    assert there("DeleteTable", TableName="users")["TableDescription"]["TableStatus"] == "DELETING"
    assert "Replicas" not in dynamo("DescribeTable", TableName="users")["Table"]
    dynamo("DeleteTable", TableName="users")


# A replica is disassociated by itself, once its protection is off: it keeps its items and goes its own way.
def test_disassociation(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    body = {
        "ReplicaUpdates": [{"Disassociate": {"RegionName": THERE, "DisassociationMode": "WAIT_FOR_REPLICATION"}}],
        "TableName": "users",
    }
    assert there.refusal("UpdateTable", **body)[0] == "ResourceNotFoundException"
    add(dynamo)
    dynamo("PutItem", TableName="users", Item={"p": {"S": "shared"}})
    assert there("DescribeTable", TableName="users")["Table"]["DisassociationProtectionEnabled"] is True
    assert there.refusal("UpdateTable", **body)[0] == "ValidationException"
    assert dynamo.refusal("UpdateTable", **body)[0] == "ValidationException"
    with_more = {"DisassociationProtectionEnabled": False, "DeletionProtectionEnabled": True}
    assert there.refusal("UpdateTable", TableName="users", **with_more)[0] == "ValidationException"
    update(there, DisassociationProtectionEnabled=False)
    there("UpdateTable", **body)
    there("PutItem", TableName="users", Item={"p": {"S": "alone"}})
    assert dynamo("Scan", TableName="users")["Count"] == 1
    assert there("Scan", TableName="users")["Count"] == 2
    for region in (dynamo, there):
        assert "Replicas" not in region("DescribeTable", TableName="users")["Table"]


# Whoever changes replicas needs the permissions that AWS asks for, on the table in each region that is named.
def test_permissions(dynamo: Dynamo) -> None:
    call: Any = type("Call", (), {"region": HERE, "account": "000000000000"})()

    def asked(**body: Any) -> set[tuple[str, str]]:
        needed = requests.targets({"TableName": "users"} | body, call)
        return {(action.removeprefix("dynamodb:"), arn.split(":")[3]) for action, arn in needed}

    assert asked() == {("UpdateTable", HERE)}
    added = asked(ReplicaUpdates=[create(THERE)])
    assert {("UpdateTable", HERE), ("CreateTableReplica", THERE), ("CreateTable", THERE), ("Scan", THERE)} <= added
    removed = asked(ReplicaUpdates=[{"Delete": {"RegionName": THERE}}])
    assert removed == {("UpdateTable", HERE), ("DeleteTableReplica", THERE), ("DeleteTable", THERE)}
    witness = asked(
        ReplicaUpdates=[create(THERE)], GlobalTableWitnessUpdates=[{"Create": {"RegionName": "eu-central-1"}}]
    )
    assert {("CreateGlobalTableWitness", region) for region in (HERE, THERE, "eu-central-1")} <= witness


# Version 2017.11.29 is refused as AWS refuses it: nothing of it can be made or found.
def test_the_version_of_2017(dynamo: Dynamo) -> None:
    dynamo(
        "CreateTable",
        **definition(AttributeDefinitions=attributes(p="S", g="S"), GlobalSecondaryIndexes=[index("byg", "g")]),
    )
    group = [{"RegionName": HERE}, {"RegionName": THERE}]
    code, message = dynamo.refusal("CreateGlobalTable", GlobalTableName="users", ReplicationGroup=group)
    assert (code, "version 2017.11.29 is not supported" in message) == ("ValidationException", True)
    adding = [{"Create": {"RegionName": THERE}}]
    assert dynamo.refusal("UpdateGlobalTable", GlobalTableName="users", ReplicaUpdates=adding) == (code, message)
    missing = ("GlobalTableNotFoundException", "Global table with name: 'users' does not exist.")
    leaving = [{"Delete": {"RegionName": THERE}}]
    assert dynamo.refusal("UpdateGlobalTable", GlobalTableName="users", ReplicaUpdates=leaving) == missing
    assert dynamo.refusal("DescribeGlobalTableSettings", GlobalTableName="users") == missing
    assert dynamo.refusal("UpdateGlobalTableSettings", GlobalTableName="users") == missing
    assert dynamo.refusal("DescribeGlobalTable", GlobalTableName="users")[0] == missing[0]
    assert dynamo("ListGlobalTables") == {"GlobalTables": []}
