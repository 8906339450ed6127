"""Replicas come and go, and hold the same items meanwhile."""

from __future__ import annotations

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema
from replica_steps import FAR, HERE, THERE, add, items, put, remove, table

from tabletop.dynamodb.lifecycle import Delays


# A replica of an empty table is there at once: either region's writes are read in both.
def test_writes_of_either_region_are_in_both(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    answer = add(dynamo)["TableDescription"]
    assert answer["TableStatus"] == "UPDATING"
    assert answer["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    put(dynamo, "a", n={"N": "1"})
    put(there, "b")
    assert items(dynamo) == items(there)
    assert set(items(there)) == {"a", "b"}
    there("DeleteItem", TableName="users", Key={"p": {"S": "a"}})
    assert set(items(dynamo)) == {"b"}
    here_shown, there_shown = table(dynamo), table(there)
    assert here_shown["GlobalTableVersion"] == there_shown["GlobalTableVersion"] == "2019.11.21"
    assert [(one["RegionName"], one["ReplicaStatus"]) for one in here_shown["Replicas"]] == [(THERE, "ACTIVE")]
    assert [(one["RegionName"], one["ReplicaStatus"]) for one in there_shown["Replicas"]] == [(HERE, "ACTIVE")]
    assert here_shown["TableId"] != there_shown["TableId"]
    assert here_shown["LatestStreamArn"] != there_shown["LatestStreamArn"]


# A filled table's items are in the new replica, those written, changed and deleted while it is filled as well: nothing is
# lost, nothing comes back.
def test_a_filled_table_is_copied_while_writes_go_on(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    for number in range(600):
        put(dynamo, f"old{number:03}")
    add(dynamo)
    assert table(there)["TableStatus"] == "CREATING"
    assert table(dynamo)["Replicas"][0]["ReplicaStatus"] == "CREATING"
    assert there.refusal("PutItem", TableName="users", Item={"p": {"S": "x"}})[0] == "ResourceNotFoundException"
    assert there.refusal("UpdateTable", TableName="users", TableClass="STANDARD")[0] == "ResourceNotFoundException"
    assert there.refusal("ListTagsOfResource", ResourceArn=table(there)["TableArn"])[0] == "ResourceNotFoundException"
    busy = "Attempt to change a resource which is still in use: Table: users is being used."
    assert there.refusal("DeleteTable", TableName="users") == ("ResourceInUseException", busy)
    for region, code in ((dynamo, "ResourceInUseException"), (there, "ValidationException")):
        more = [{"Create": {"RegionName": FAR}}]
        assert region.refusal("UpdateTable", TableName="users", ReplicaUpdates=more)[0] == code
    for number in range(0, 600, 3):
        put(dynamo, f"old{number:03}", changed={"BOOL": True})
        dynamo("DeleteItem", TableName="users", Key={"p": {"S": f"old{number + 1:03}"}})
        put(dynamo, f"new{number:03}")
    assert dynamo.problems() == []
    dynamo.settle()
    assert table(there)["TableStatus"] == "ACTIVE"
    assert items(there) == items(dynamo)
    assert len(items(there)) == 600


# Deleting a replica deletes its table; the one that is left is a table alone, with its items and its stream.
def test_a_deleted_replica_is_gone(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    add(dynamo)
    put(there, "a")
    remove(dynamo)
    assert there.refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"
    shown = table(dynamo)
    assert not shown.keys() & {"Replicas", "GlobalTableVersion", "GlobalTableSettingsReplicationMode"}
    assert shown["StreamSpecification"]["StreamEnabled"] is True
    put(dynamo, "b")
    dynamo.settle()
    assert set(items(dynamo)) == {"a", "b"}
    add(dynamo)
    assert set(items(there)) == {"a", "b"}


# Indexes of every kind are kept in every replica, those that are added and removed later as well.
def test_indexes_are_everywhere(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    dynamo(
        "CreateTable",
        **definition(
            KeySchema=key_schema("p", "c"),
            AttributeDefinitions=attributes(p="S", c="S", l="S"),
            LocalSecondaryIndexes=[index("local", "p", "l")],
        ),
    )
    add(dynamo)
    for number in range(5):
        put(dynamo, "x", c={"S": str(number)}, l={"S": str(9 - number)}, g={"S": "g"})
    there(
        "UpdateTable",
        TableName="users",
        AttributeDefinitions=attributes(g="S"),
        GlobalSecondaryIndexUpdates=[{"Create": index("global", "g")}],
    )
    dynamo.settle()
    for region in (dynamo, there):
        for name, key in (("local", "p"), ("global", "g")):
            found = region(
                "Query",
                TableName="users",
                IndexName=name,
                KeyConditionExpression=f"{key} = :k",
                ExpressionAttributeValues={":k": {"S": "x" if key == "p" else "g"}},
            )
            assert found["Count"] == 5
    dynamo("UpdateTable", TableName="users", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}])
    dynamo.settle()
    assert "GlobalSecondaryIndexes" not in table(there)


# A table whose index is being filled is ACTIVE, and may get a replica: there the index is filled too, and becomes ACTIVE.
def test_a_replica_that_is_made_while_an_index_is_filled(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    there = dynamo.at(THERE)
    dynamo("CreateTable", **definition())
    for number in range(600):
        put(dynamo, str(number), g={"S": "g"})
    monkeypatch.setattr(Delays, "table_delay_s", 5.0)
    change = {"Create": index("byg", "g")}
    dynamo(
        "UpdateTable", TableName="users", AttributeDefinitions=attributes(g="S"), GlobalSecondaryIndexUpdates=[change]
    )
    dynamo.clock.advance(6)
    assert table(dynamo)["TableStatus"] == "ACTIVE"
    add(dynamo)
    assert dynamo.problems() == []
    for _ in range(3):
        dynamo.settle()
        dynamo.clock.advance(6)
    for region in (dynamo, there):
        assert [one["IndexStatus"] for one in table(region)["GlobalSecondaryIndexes"]] == ["ACTIVE"]
        assert region("Scan", TableName="users", IndexName="byg")["Count"] == 600
    assert dynamo.problems() == []
