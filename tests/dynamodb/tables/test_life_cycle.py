"""What a client sees of a table, an index or a setting on its way, where changes take time (`--table-delay`)."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema

from tabletop.dynamodb import lifecycle
from tabletop.dynamodb.lifecycle import Delays

IN_USE = "Attempt to change a resource which is still in use: "
MISSING = ("ResourceNotFoundException", "Requested resource not found")
DELAY_S = 10.0
ITEM = {"p": {"S": "a"}}


@pytest.fixture(autouse=True)
def delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delays, "table_delay_s", DELAY_S)


def status(dynamo: Dynamo) -> str:
    return str(dynamo("DescribeTable", TableName="users")["Table"]["TableStatus"])


def index_states(dynamo: Dynamo) -> list[tuple[str, bool | None]]:
    table = dynamo("DescribeTable", TableName="users")["Table"]
    return [(one["IndexStatus"], one.get("Backfilling")) for one in table.get("GlobalSecondaryIndexes", [])]


def active_table(dynamo: Dynamo, **changes: Any) -> None:
    dynamo("CreateTable", **definition(**changes))
    dynamo.clock.advance(DELAY_S)


# The items of a table that is CREATING cannot be reached, by any operation, as on AWS; the table is described and listed.
def test_items_of_a_table_that_is_creating(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(GlobalSecondaryIndexes=[index("byp", "p")]))
    assert status(dynamo) == "CREATING"
    assert index_states(dynamo) == [("CREATING", None)]
    assert dynamo("ListTables")["TableNames"] == ["users"]
    for action, body in (
        ("PutItem", {"Item": ITEM}),
        ("GetItem", {"Key": ITEM}),
        ("UpdateItem", {"Key": ITEM}),
        ("DeleteItem", {"Key": ITEM}),
        ("Scan", {}),
        ("Query", {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
    ):
        assert dynamo.refusal(action, TableName="users", **body) == MISSING, action
    assert dynamo.refusal("BatchGetItem", RequestItems={"users": {"Keys": [ITEM]}}) == MISSING
    assert dynamo.refusal("BatchWriteItem", RequestItems={"users": [{"PutRequest": {"Item": ITEM}}]}) == MISSING
    assert dynamo.refusal("TransactGetItems", TransactItems=[{"Get": {"TableName": "users", "Key": ITEM}}]) == MISSING
    put = {"Put": {"TableName": "users", "Item": ITEM}}
    assert dynamo.refusal("TransactWriteItems", TransactItems=[put]) == MISSING
    assert dynamo.refusal("ExecuteStatement", Statement='SELECT * FROM "users"') == MISSING
    dynamo.clock.advance(DELAY_S)
    assert status(dynamo) == "ACTIVE"
    assert dynamo("PutItem", TableName="users", Item=ITEM) == {}


# A table that is CREATING, UPDATING or DELETING refuses another change, and says what it is doing (recorded from AWS).
def test_changes_of_a_busy_table(dynamo: Dynamo) -> None:
    change = {"TableName": "users", "TableClass": "STANDARD_INFREQUENT_ACCESS"}
    on = {"Enabled": True, "AttributeName": "t"}
    dynamo("CreateTable", **definition())
    creating = ("ResourceInUseException", IN_USE + "Table is being created: users")
    assert dynamo.refusal("CreateTable", **definition()) == creating
    assert dynamo.refusal("UpdateTable", **change) == creating
    assert dynamo.refusal("DeleteTable", TableName="users") == creating
    assert dynamo.refusal("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=on) == creating
    dynamo.clock.advance(DELAY_S)
    dynamo("UpdateTable", **change)
    updating = ("ResourceInUseException", IN_USE + "Table is being updated: users")
    assert status(dynamo) == "UPDATING"
    assert dynamo.refusal("UpdateTable", **change) == updating
    assert dynamo.refusal("DeleteTable", TableName="users") == updating
    assert dynamo("PutItem", TableName="users", Item=ITEM) == {}
    dynamo.clock.advance(DELAY_S)
    dynamo("DeleteTable", TableName="users")
    deleting = ("ResourceInUseException", IN_USE + "Table is being deleted: users")
    assert dynamo.refusal("CreateTable", **definition()) == deleting
    assert dynamo.refusal("UpdateTable", **change) == deleting
    assert dynamo.refusal("DeleteTable", TableName="users") == deleting
    assert dynamo.refusal("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=on) == deleting


# A table that is DELETING is described and listed, its items are gone at once; then it is gone, and its name is free.
def test_a_table_that_is_deleting(dynamo: Dynamo) -> None:
    active_table(dynamo, GlobalSecondaryIndexes=[index("byp", "p")])
    dynamo("PutItem", TableName="users", Item=ITEM)
    assert dynamo("DeleteTable", TableName="users")["TableDescription"]["TableStatus"] == "DELETING"
    dynamo.settle()
    assert status(dynamo) == "DELETING"
    assert index_states(dynamo) == [("DELETING", None)]
    assert dynamo("ListTables")["TableNames"] == ["users"]
    assert dynamo.refusal("GetItem", TableName="users", Key=ITEM) == MISSING
    dynamo.clock.advance(DELAY_S)
    assert dynamo.refusal("PutItem", TableName="users", Item=ITEM) == MISSING
    # Its time is over, and the background has not come by yet: it is as good as gone, and nothing may build on it.
    assert status(dynamo) == "DELETING"
    deleting = ("ResourceInUseException", IN_USE + "Table is being deleted: users")
    replica = {"Create": {"RegionName": "eu-west-1"}}
    assert dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=[replica]) == deleting
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert dynamo.refusal("UpdateTable", TableName="users", StreamSpecification=stream) == deleting
    assert dynamo.refusal("DeleteTable", TableName="users") == deleting
    dynamo.settle()
    assert dynamo("ListTables")["TableNames"] == []
    assert dynamo.refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"
    active_table(dynamo)
    assert dynamo("Scan", TableName="users")["Count"] == 0


# The phases of a new index, as AWS documents them: resources are allocated (the table UPDATING, Backfilling false), it is
# filled (the table ACTIVE, Backfilling true), and it is ACTIVE; it cannot be read before.
def test_phases_of_a_new_index(dynamo: Dynamo) -> None:
    active_table(dynamo)
    dynamo("PutItem", TableName="users", Item=ITEM | {"x": {"S": "1"}})
    create = [{"Create": index("byx", "x")}]
    change = {"TableName": "users", "AttributeDefinitions": attributes(x="S"), "GlobalSecondaryIndexUpdates": create}
    query = {
        "TableName": "users",
        "IndexName": "byx",
        "KeyConditionExpression": "x = :x",
        "ExpressionAttributeValues": {":x": {"S": "1"}},
    }
    unreadable = ("ValidationException", "Cannot read from backfilling global secondary index: byx")
    shown = dynamo("UpdateTable", **change)["TableDescription"]
    assert (shown["TableStatus"], shown["GlobalSecondaryIndexes"][0]["Backfilling"]) == ("UPDATING", False)
    dynamo.settle()
    assert (status(dynamo), index_states(dynamo)) == ("UPDATING", [("CREATING", False)])
    assert dynamo.refusal("Query", **query) == unreadable
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert (status(dynamo), index_states(dynamo)) == ("ACTIVE", [("CREATING", True)])
    assert dynamo.refusal("Query", **query) == unreadable
    dynamo("PutItem", TableName="users", Item={"p": {"S": "b"}, "x": {"S": "1"}})
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert (status(dynamo), index_states(dynamo)) == ("ACTIVE", [("ACTIVE", None)])
    assert dynamo("Query", **query)["Count"] == 2


# One index at a time comes or goes; one that is being filled may be removed, but not before; the table must stay.
def test_changes_beside_a_new_index(dynamo: Dynamo) -> None:
    active_table(dynamo)
    names = {"TableName": "users", "AttributeDefinitions": attributes(p="S", x="S", y="S")}
    one_at_a_time = (
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )
    remove = {"TableName": "users", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "byx"}}]}
    both = [{"Create": index("byx", "x")}, {"Create": index("byy", "y")}]
    assert dynamo.refusal("UpdateTable", **names, GlobalSecondaryIndexUpdates=both) == one_at_a_time
    dynamo("UpdateTable", **names, GlobalSecondaryIndexUpdates=both[:1])
    in_use = "ResourceInUseException"
    keeps = (in_use, IN_USE + "Cannot delete table while indexes are being created, updated, or deleted.")
    for phase in ("allocating", "filling"):
        assert dynamo.refusal("UpdateTable", **names, GlobalSecondaryIndexUpdates=both[1:]) == one_at_a_time
        assert dynamo.refusal("DeleteTable", TableName="users") == keeps
        if phase == "allocating":
            code, message = dynamo.refusal("UpdateTable", **remove)
            assert (code, message.startswith(IN_USE + "Index creation is in resource allocation phase.")) == (
                in_use,
                True,
            )
            dynamo.clock.advance(DELAY_S)
    dynamo("UpdateTable", **remove)
    dynamo.settle()
    assert (status(dynamo), index_states(dynamo)) == ("UPDATING", [("DELETING", None)])
    assert dynamo.refusal("UpdateTable", **names, GlobalSecondaryIndexUpdates=both[1:]) == one_at_a_time
    assert dynamo.refusal("DeleteTable", TableName="users") == keeps
    code, message = dynamo.refusal("Scan", TableName="users", IndexName="byx")
    assert (code, message) == ("ValidationException", "The table does not have the specified index: byx")
    dynamo.clock.advance(DELAY_S)
    dynamo.settle()
    assert (status(dynamo), index_states(dynamo)) == ("ACTIVE", [])


# A stream is ENABLING and DISABLING for as long as its table is on its way, and works meanwhile.
def test_states_of_a_stream(dynamo: Dynamo) -> None:
    def stream_status() -> str:
        arn = dynamo("ListStreams", TableName="users")["Streams"][0]["StreamArn"]
        return str(dynamo("DescribeStream", StreamArn=arn)["StreamDescription"]["StreamStatus"])

    active_table(dynamo)
    on = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    dynamo("UpdateTable", TableName="users", StreamSpecification=on)
    assert stream_status() == "ENABLING"
    dynamo.clock.advance(DELAY_S)
    assert stream_status() == "ENABLED"
    dynamo("UpdateTable", TableName="users", StreamSpecification={"StreamEnabled": False})
    assert stream_status() == "DISABLING"
    dynamo.clock.advance(DELAY_S)
    assert stream_status() == "DISABLED"
    dynamo("DeleteTable", TableName="users")
    assert dynamo("DescribeTable", TableName="users")["Table"]["LatestStreamArn"]


# Time to live is ENABLING and DISABLING; a change meanwhile is refused in the words of AWS's rule of one change an hour.
def test_states_of_time_to_live(dynamo: Dynamo) -> None:
    def described() -> dict[str, str]:
        return dict(dynamo("DescribeTimeToLive", TableName="users")["TimeToLiveDescription"])

    def change(enabled: bool) -> dict[str, Any]:
        return {"TableName": "users", "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": "t"}}

    too_soon = ("ValidationException", "Time to live has been modified multiple times within a fixed interval")
    active_table(dynamo)
    assert described() == {"TimeToLiveStatus": "DISABLED"}
    for enabled, on_its_way in ((True, "ENABLING"), (False, "DISABLING")):
        dynamo("UpdateTimeToLive", **change(enabled))
        assert described() == {"TimeToLiveStatus": on_its_way, "AttributeName": "t"}
        assert dynamo.refusal("UpdateTimeToLive", **change(not enabled)) == too_soon
        dynamo.clock.advance(DELAY_S)
    assert described() == {"TimeToLiveStatus": "DISABLED"}


# As many tables may be on their way at once as AWS's quota says, and not one more.
def test_simultaneous_changes(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "SIMULTANEOUS_MAX", 2)
    dynamo("CreateTable", **definition(TableName="one"))
    dynamo("CreateTable", **definition(TableName="two"))
    refused = (
        "LimitExceededException",
        "Subscriber limit exceeded: Only 2 tables can be created, updated, or deleted simultaneously",
    )
    assert dynamo.refusal("CreateTable", **definition(TableName="three")) == refused
    dynamo.clock.advance(DELAY_S)
    dynamo("UpdateTable", TableName="one", DeletionProtectionEnabled=True)
    dynamo("DeleteTable", TableName="two")
    assert dynamo.refusal("CreateTable", **definition(TableName="three")) == refused
    dynamo.clock.advance(DELAY_S)
    assert dynamo("CreateTable", **definition(TableName="three"))


# An index that changes its throughput is UPDATING with its table.
def test_throughput_of_an_index(dynamo: Dynamo) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    active_table(
        dynamo,
        AttributeDefinitions=attributes(p="S", c="S"),
        KeySchema=key_schema("p", "c"),
        BillingMode="PROVISIONED",
        ProvisionedThroughput=units,
        GlobalSecondaryIndexes=[index("byc", "c") | {"ProvisionedThroughput": units}],
    )
    change = {"IndexName": "byc", "ProvisionedThroughput": units | {"ReadCapacityUnits": 2}}
    dynamo("UpdateTable", TableName="users", GlobalSecondaryIndexUpdates=[{"Update": change}])
    assert (status(dynamo), index_states(dynamo)) == ("UPDATING", [("UPDATING", None)])
    dynamo.clock.advance(DELAY_S)
    assert (status(dynamo), index_states(dynamo)) == ("ACTIVE", [("ACTIVE", None)])
