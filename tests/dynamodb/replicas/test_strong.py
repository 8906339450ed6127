"""Global tables with multi-Region strong consistency: made in one piece, never changed, dissolved in one piece."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index, key_schema
from replica_steps import put, table, update

WEST, OHIO = "us-west-2", "us-east-2"
FORBIDDEN = (
    "Deletion of only one table replica is not supported for global tables with MultiRegionConsistency set to STRONG."
)


def strong(dynamo: Dynamo, *regions: str, witness: str | None = None, **rest: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"MultiRegionConsistency": "STRONG"} | rest
    body["ReplicaUpdates"] = [{"Create": {"RegionName": region}} for region in regions]
    if witness is not None:
        body["GlobalTableWitnessUpdates"] = [{"Create": {"RegionName": witness}}]
    return body


# Three replicas: all of them take writes, none has a stream, and only all others together can go.
def test_three_replicas(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())
    answer = update(dynamo, **strong(dynamo, WEST, OHIO))
    assert answer["MultiRegionConsistency"] == "STRONG"
    regions = [dynamo, dynamo.at(WEST), dynamo.at(OHIO)]
    for number, region in enumerate(regions):
        put(region, str(number))
    for region in regions:
        shown = table(region)
        assert region("Scan", TableName="users", ConsistentRead=True)["Count"] == 3
        assert shown["MultiRegionConsistency"] == "STRONG"
        assert len(shown["Replicas"]) == 2
        assert not shown.keys() & {"StreamSpecification", "GlobalTableWitnesses"}
        assert region.refusal("DeleteTable", TableName="users") == ("ValidationException", FORBIDDEN)
    one = [{"Delete": {"RegionName": WEST}}]
    assert dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=one) == ("ValidationException", FORBIDDEN)
    added = dynamo.refusal("UpdateTable", TableName="users", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    assert added[1] == "Cannot add replicas to a global table with strong MultiRegionConsistency"
    update(dynamo, ReplicaUpdates=[{"Delete": {"RegionName": region}} for region in (WEST, OHIO)])
    assert not table(dynamo).keys() & {"Replicas", "MultiRegionConsistency", "GlobalTableVersion"}
    assert dynamo("Scan", TableName="users")["Count"] == 3
    dynamo("DeleteTable", TableName="users")


# Two replicas and a witness: the witness is described and is no table; it goes with the replica, not without.
def test_a_witness(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())
    update(dynamo, **strong(dynamo, WEST, witness=OHIO))
    for region in (dynamo, dynamo.at(WEST)):
        assert table(region)["GlobalTableWitnesses"] == [{"RegionName": OHIO, "WitnessStatus": "ACTIVE"}]
    assert dynamo.at(OHIO).refusal("DescribeTable", TableName="users")[0] == "ResourceNotFoundException"
    dynamo.at(OHIO)("CreateTable", **definition())
    delete = {"ReplicaUpdates": [{"Delete": {"RegionName": WEST}}]}
    refused = dynamo.refusal("UpdateTable", TableName="users", **delete)
    assert refused[1] == "Update table delete operation does not include all witnesses."
    alone = dynamo.refusal(
        "UpdateTable", TableName="users", GlobalTableWitnessUpdates=[{"Delete": {"RegionName": OHIO}}]
    )
    assert alone[1].startswith("At least one of ProvisionedThroughput")
    update(dynamo, **delete, GlobalTableWitnessUpdates=[{"Delete": {"RegionName": OHIO}}])
    assert not table(dynamo).keys() & {"Replicas", "GlobalTableWitnesses", "MultiRegionConsistency"}


# A strong global table has three regions at once, all of them able to be strong; a witness is for it alone.
@pytest.mark.parametrize(
    ("regions", "witness", "rest", "message"),
    [
        ((WEST,), None, {}, "Unsupported replica count for global tables with MultiRegionConsistency set to STRONG."),
        ((WEST,), WEST, {}, "Cannot target multiple regions with the same action"),
        (
            (WEST,),
            "us-east-1",
            {},
            "Cannot add a witness in the same region as an existing replica when creating a global table "
            "with MultiRegionConsistency set to STRONG.",
        ),
        (
            ("us-west-1",),
            OHIO,
            {},
            "Unsupported Region(s) specified for global tables with MultiRegionConsistency set to STRONG: [us-west-1].",
        ),
        (
            (WEST,),
            OHIO,
            {"MultiRegionConsistency": "EVENTUAL"},
            "MultiRegionConsistency must be set as STRONG when GlobalTableWitnessUpdates parameter is present.",
        ),
        (
            (WEST, OHIO),
            None,
            {"DeletionProtectionEnabled": True},
            "Requests that modify replicas or witnesses must not also modify other fields",
        ),
    ],
)
def test_what_strong_needs(
    dynamo: Dynamo, regions: tuple[str, ...], witness: str | None, rest: dict[str, Any], message: str
) -> None:
    dynamo("CreateTable", **definition())
    refused = dynamo.refusal("UpdateTable", TableName="users", **strong(dynamo, *regions, witness=witness) | rest)
    assert refused == ("ValidationException", message)
    assert "Replicas" not in table(dynamo)


# The guide's conditions: an empty table, no local index, no time to live; and none of them afterwards.
def test_what_strong_forbids(dynamo: Dynamo) -> None:
    body = strong(dynamo, WEST, OHIO)
    with_local = definition(
        TableName="local",
        KeySchema=key_schema("p", "c"),
        AttributeDefinitions=attributes(p="S", c="S", l="S"),
        LocalSecondaryIndexes=[index("byl", "p", "l")],
    )
    dynamo("CreateTable", **with_local)
    assert "Local secondary" in dynamo.refusal("UpdateTable", TableName="local", **body)[1]
    dynamo("CreateTable", **definition())
    put(dynamo, "a")
    assert "must be empty" in dynamo.refusal("UpdateTable", TableName="users", **body)[1]
    dynamo("DeleteItem", TableName="users", Key={"p": {"S": "a"}})
    update(dynamo, **body)
    expiry = {"Enabled": True, "AttributeName": "at"}
    assert "Time to Live" in dynamo.refusal("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=expiry)[1]
    writing = [{"Put": {"TableName": "users", "Item": {"p": {"S": "x"}}}}]
    assert dynamo.refusal("TransactWriteItems", TransactItems=writing)[0] == "ValidationException"
    reading = [{"Get": {"TableName": "users", "Key": {"p": {"S": "x"}}}}]
    assert dynamo.refusal("TransactGetItems", TransactItems=reading)[0] == "ValidationException"


# A stream of a strong replica is its own: switched on in one region, it is off in the others, and may be switched off again.
def test_streams_are_each_replicas_own(dynamo: Dynamo) -> None:
    west = dynamo.at(WEST)
    dynamo("CreateTable", **definition())
    update(dynamo, **strong(dynamo, WEST, OHIO))
    update(west, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    assert "StreamSpecification" in table(west)
    assert "StreamSpecification" not in table(dynamo)
    update(west, StreamSpecification={"StreamEnabled": False})
    assert "StreamSpecification" not in table(west)


# The consistency of a global table is chosen when it is made.
def test_consistency_is_for_good(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())
    update(dynamo, ReplicaUpdates=[{"Create": {"RegionName": WEST}}])
    refused = dynamo.refusal("UpdateTable", TableName="users", **strong(dynamo, "eu-west-1", OHIO))
    assert refused[1] == "MultiRegionConsistency parameter is unsupported on existing global table"
