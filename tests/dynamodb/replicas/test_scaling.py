"""Auto scaling settings of replicas: stored, described, and refused as AWS refuses them; nothing scales by them."""

from __future__ import annotations

from typing import Any

from dynamo import Dynamo, attributes, definition, index
from replica_steps import FAR, HERE, THERE, add, remove

UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
OFF = {"AutoScalingDisabled": True, "ScalingPolicies": []}
POLICY = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}}
SCALING = {"MinimumUnits": 1, "MaximumUnits": 10, "ScalingPolicyUpdate": POLICY}


def described(dynamo: Dynamo) -> dict[str, Any]:
    shown = dynamo("DescribeTableReplicaAutoScaling", TableName="users")["TableAutoScalingDescription"]
    return {replica["RegionName"]: replica for replica in shown["Replicas"]}


def make(dynamo: Dynamo) -> None:
    dynamo(
        "CreateTable",
        **definition(
            BillingMode="PROVISIONED",
            ProvisionedThroughput=UNITS,
            AttributeDefinitions=attributes(p="S", g="S"),
            GlobalSecondaryIndexes=[index("byg", "g") | {"ProvisionedThroughput": UNITS}],
        ),
    )


# Write settings are of all replicas, read settings of the one that is named; both regions describe the same.
def test_settings_are_stored_and_described(dynamo: Dynamo) -> None:
    there = dynamo.at(THERE)
    make(dynamo)
    missing = ("ResourceNotFoundException", "Global table with name: 'users' does not exist.")
    assert dynamo.refusal("DescribeTableReplicaAutoScaling", TableName="users") == missing
    add(dynamo)
    assert list(described(dynamo)) == [THERE, HERE]
    for replica in described(there).values():
        assert replica["ReplicaProvisionedReadCapacityAutoScalingSettings"] == OFF
        assert replica["GlobalSecondaryIndexes"][0]["ProvisionedWriteCapacityAutoScalingSettings"] == OFF
    there(
        "UpdateTableReplicaAutoScaling",
        TableName="users",
        ProvisionedWriteCapacityAutoScalingUpdate=SCALING,
        GlobalSecondaryIndexUpdates=[{"IndexName": "byg", "ProvisionedWriteCapacityAutoScalingUpdate": SCALING}],
        ReplicaUpdates=[{"RegionName": HERE, "ReplicaProvisionedReadCapacityAutoScalingUpdate": SCALING}],
    )
    found = described(dynamo)
    assert found == described(there)
    for replica in found.values():
        settings = replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"]
        assert (settings["MinimumUnits"], settings["MaximumUnits"]) == (1, 10)
        (policy,) = settings["ScalingPolicies"]
        assert policy["PolicyName"] == "DynamoDBWriteCapacityUtilization:table/users"
        assert policy["TargetTrackingScalingPolicyConfiguration"] == {"TargetValue": 70.0}
        of_index = replica["GlobalSecondaryIndexes"][0]["ProvisionedWriteCapacityAutoScalingSettings"]
        assert of_index["ScalingPolicies"][0]["PolicyName"].endswith(":table/users/index/byg")
    reads = [found[region]["ReplicaProvisionedReadCapacityAutoScalingSettings"] for region in (HERE, THERE)]
    assert reads[0]["MaximumUnits"] == 10
    assert reads[1] == OFF
    add(dynamo, FAR)
    assert described(dynamo)[FAR]["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == settings
    assert described(dynamo)[FAR]["ReplicaProvisionedReadCapacityAutoScalingSettings"] == OFF
    remove(dynamo, FAR)
    off = {"AutoScalingDisabled": True}
    dynamo("UpdateTableReplicaAutoScaling", TableName="users", ProvisionedWriteCapacityAutoScalingUpdate=off)
    assert described(there)[THERE]["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == OFF
    remove(dynamo)
    assert dynamo.refusal("DescribeTableReplicaAutoScaling", TableName="users") == missing


# Incomplete and impossible settings are refused, and so is anything but "off" for a table that is paid by request.
def test_refusals(dynamo: Dynamo) -> None:
    make(dynamo)
    add(dynamo)

    def refused(**body: Any) -> str:
        code, message = dynamo.refusal("UpdateTableReplicaAutoScaling", TableName="users", **body)
        assert code == "ValidationException"
        return message

    member = "ProvisionedWriteCapacityAutoScalingUpdate"
    assert refused().endswith("because at least one update parameter must be specified.")
    wanted = (
        "Parameters 'MaximumUnits', 'ScalingPolicyUpdate', 'MinimumUnits' are required unless auto scaling is being"
    )
    assert wanted in refused(**{member: {}})
    assert "Parameters 'MaximumUnits' are required" in refused(
        **{member: {"MinimumUnits": 1, "ScalingPolicyUpdate": POLICY}}
    )
    assert refused(**{member: SCALING | {"MinimumUnits": 11}}).startswith("Maximum capacity cannot be less than")
    low = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 9.9}}
    assert "must be between '10.0' and '90.0'" in refused(**{member: SCALING | {"ScalingPolicyUpdate": low}})
    reading = {"RegionName": THERE, "ReplicaProvisionedReadCapacityAutoScalingUpdate": SCALING}
    assert "were specified more than once" in refused(ReplicaUpdates=[reading, reading])
    assert "must be specified for region" in refused(ReplicaUpdates=[{"RegionName": THERE}])
    dynamo("UpdateTable", TableName="users", BillingMode="PAY_PER_REQUEST")
    assert "BillingMode is PayPerRequest" in refused(**{member: SCALING})
    assert "BillingMode is PayPerRequest" in refused(ReplicaUpdates=[reading])
    off = {member: {"AutoScalingDisabled": True}}
    dynamo("UpdateTableReplicaAutoScaling", TableName="users", **off)
