"""Tables, their indexes, tags and time to live, as any AWS client sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

KEYS = [{"AttributeName": "p", "KeyType": "HASH"}]
ATTRIBUTES = [{"AttributeName": "p", "AttributeType": "S"}]
INVALID = "One or more parameter values were invalid: "

WAIT_STEPS = 200
WAIT_STEP_S = 0.05


def wait_until(holds: Callable[[], Any]) -> Any:
    """Ask again until the answer is true; bounded to ten seconds."""
    for _ in range(WAIT_STEPS):
        found = holds()
        if found:
            return found
        time.sleep(WAIT_STEP_S)
    raise AssertionError("it did not come about in time")


# A table's life: what create, describe, list and delete say of it, and what they refuse.
def test_life_of_a_table(dynamodb: Any, account: str, name: str, refusal: Any) -> None:
    definition = {"TableName": name, "KeySchema": KEYS, "AttributeDefinitions": ATTRIBUTES}
    throughput = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    made = dynamodb.create_table(**definition, ProvisionedThroughput=throughput)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableArn"] == f"arn:aws:dynamodb:{dynamodb.meta.region_name}:{account}:table/{name}"
    assert (table["ItemCount"], table["TableSizeBytes"]) == (0, 0)
    assert table["ProvisionedThroughput"] == throughput | {"NumberOfDecreasesToday": 0}
    assert table["TableId"] == made["TableId"]
    assert "BillingModeSummary" not in table
    assert refusal(dynamodb.create_table, **definition, BillingMode="PAY_PER_REQUEST") == (
        "ResourceInUseException",
        f"Table already exists: {name}",
    )
    listed = [each for page in dynamodb.get_paginator("list_tables").paginate() for each in page["TableNames"]]
    assert name in listed
    assert listed == sorted(listed)
    assert dynamodb.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    missing = ("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
    assert refusal(dynamodb.describe_table, TableName=name) == missing
    assert refusal(dynamodb.delete_table, TableName=name) == missing


# Item operations on a table that is not there say so in their own words.
@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("get_item", {"Key": {"p": {"S": "x"}}}),
        ("put_item", {"Item": {"p": {"S": "x"}}}),
        ("delete_item", {"Key": {"p": {"S": "x"}}}),
        ("update_item", {"Key": {"p": {"S": "x"}}}),
        ("scan", {}),
        ("query", {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}}),
    ],
)
def test_no_such_table(dynamodb: Any, name: str, refusal: Any, action: str, parameters: dict[str, Any]) -> None:
    found = refusal(getattr(dynamodb, action), TableName=name, **parameters)
    assert found == ("ResourceNotFoundException", "Requested resource not found")


# Definitions that contradict themselves.
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"AttributeDefinitions": []},
            "Invalid KeySchema: Some index key attribute have no definition",
        ),
        (
            {"AttributeDefinitions": [*ATTRIBUTES, {"AttributeName": "x", "AttributeType": "S"}]},
            INVALID + "Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions",
        ),
        (
            {"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"BillingMode": "PROVISIONED"},
            INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            INVALID
            + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
    ],
)
def test_contradictory_definitions(
    dynamodb: Any, name: str, refusal: Any, changes: dict[str, Any], message: str
) -> None:
    definition = {"KeySchema": KEYS, "AttributeDefinitions": ATTRIBUTES, "BillingMode": "PAY_PER_REQUEST"} | changes
    assert refusal(dynamodb.create_table, TableName=name, **definition) == ("ValidationException", message)


# Billing goes back and forth; an index added later is filled with what is there, serves, and can be dropped.
def test_update_table(dynamodb: Any, make_table: Any, refusal: Any) -> None:
    table = make_table(KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES)
    for number in range(30):
        dynamodb.put_item(TableName=table, Item={"p": {"S": f"{number}"}, "g": {"S": f"{number % 3}"}})
    dynamodb.put_item(TableName=table, Item={"p": {"S": "sparse"}})
    create = {
        "IndexName": "late",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    answer = dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": create}],
    )["TableDescription"]
    assert answer["TableStatus"] == "UPDATING"
    assert answer["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"

    def described() -> Any:
        return dynamodb.describe_table(TableName=table)["Table"]

    wait_until(lambda: described()["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE")
    assert dynamodb.scan(TableName=table, IndexName="late", Select="COUNT")["Count"] == 30
    assert described()["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
    wait_until(lambda: "GlobalSecondaryIndexes" not in described())
    assert refusal(dynamodb.scan, TableName=table, IndexName="late") == (
        "ValidationException",
        "The table does not have the specified index: late",
    )
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    wait_until(lambda: described()["TableStatus"] == "ACTIVE")
    assert described()["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


# Tags are added, replaced, taken away, and given at creation.
def test_tags(dynamodb: Any, make_table: Any, refusal: Any, name: str) -> None:
    table = make_table(KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, Tags=[{"Key": "a", "Value": "1"}])
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])

    def tags() -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}

    assert wait_until(tags) == {"a": "2", "b": ""}
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a", "nobody"])
    assert wait_until(lambda: tags() == {"b": ""})
    other = arn.replace(table, name)
    code, message = refusal(dynamodb.list_tags_of_resource, ResourceArn=other)
    assert code == "ResourceNotFoundException"
    assert message == f"Requested resource not found: ResourcArn: {other} not found"


# Time to live is switched on once, by one attribute, and off again.
def test_time_to_live_settings(dynamodb: Any, make_table: Any, refusal: Any) -> None:
    table = make_table(KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES)

    def described() -> Any:
        return dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]

    assert described() == {"TimeToLiveStatus": "DISABLED"}
    on = {"Enabled": True, "AttributeName": "t"}
    off = on | {"Enabled": False}
    assert refusal(dynamodb.update_time_to_live, TableName=table, TimeToLiveSpecification=off) == (
        "ValidationException",
        "TimeToLive is already disabled",
    )
    assert dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=on)["TimeToLiveSpecification"] == on
    assert described()["AttributeName"] == "t"
    assert described()["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    assert refusal(dynamodb.update_time_to_live, TableName=table, TimeToLiveSpecification=on) == (
        "ValidationException",
        "TimeToLive is already enabled",
    )


# An item goes when its time has come, from table and indexes; those with no, another or a very old time stay.
def test_expiry(dynamodb: Any, make_table: Any) -> None:
    if "amazonaws" in dynamodb.meta.endpoint_url:
        pytest.skip("takes days there")
    table = make_table(
        KeySchema=KEYS,
        AttributeDefinitions=[*ATTRIBUTES, {"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    specification = {"Enabled": True, "AttributeName": "t"}
    now = int(time.time())
    times = {"before": {"N": f"{now - 60}"}, "later": {"N": f"{now + 600}"}, "old": {"N": f"{now - 6 * 365 * 86400}"}}
    times |= {"text": {"S": f"{now - 60}"}, "soon": {"N": f"{now + 1}"}}
    items = {name: {"p": {"S": name}, "g": {"S": "g"}, "t": value} for name, value in times.items()}
    # One that is there before time to live is switched on expires as well.
    dynamodb.put_item(TableName=table, Item=items.pop("before"))
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    for item in items.values():
        dynamodb.put_item(TableName=table, Item=item)

    def names(**options: Any) -> set[str]:
        return {item["p"]["S"] for item in dynamodb.scan(TableName=table, **options)["Items"]}

    assert wait_until(lambda: names() == {"later", "old", "text"})
    assert names(IndexName="by_g") == {"later", "old", "text"}


# The account's limits and the endpoint itself.
def test_limits_and_endpoints(dynamodb: Any) -> None:
    limits = dynamodb.describe_limits()
    assert limits["TableMaxReadCapacityUnits"] <= limits["AccountMaxReadCapacityUnits"]
    (endpoint,) = dynamodb.describe_endpoints()["Endpoints"]
    assert endpoint["CachePeriodInMinutes"] > 0
    assert endpoint["Address"]
