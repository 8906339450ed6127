"""On-demand maxima and warm throughput, of tables and of their global indexes."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index

INVALID = "One or more parameter values were invalid: "


def shown(dynamo: Dynamo) -> dict[str, Any]:
    return dict(dynamo("DescribeTable", TableName="users")["Table"])


def warm(read: int, write: int) -> dict[str, int]:
    return {"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write}


# One maximum alone may be given; -1 takes it away; the other stays what it was.
def test_on_demand_maxima(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition(OnDemandThroughput={"MaxReadRequestUnits": 5}))
    assert shown(dynamo)["OnDemandThroughput"] == {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": -1}
    dynamo("UpdateTable", TableName="users", OnDemandThroughput={"MaxWriteRequestUnits": 7})
    assert shown(dynamo)["OnDemandThroughput"] == {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 7}
    dynamo("UpdateTable", TableName="users", OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert shown(dynamo)["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 7}
    assert dynamo.refusal("UpdateTable", TableName="users", OnDemandThroughput={})[0] == "ValidationException"


# A table starts with the warm throughput of its mode, may be given more, and never less than it has.
@pytest.mark.parametrize(("read", "write", "member"), [(11_999, 4_000, "Read"), (12_000, 3_999, "Write")])
def test_warm_throughput_only_grows(dynamo: Dynamo, read: int, write: int, member: str) -> None:
    less = (
        "ValidationException",
        f"{INVALID}Requested {member}UnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, "
        "decreasing WarmThroughput is not supported",
    )
    assert dynamo.refusal("CreateTable", **definition(WarmThroughput=warm(read, write))) == less
    dynamo("CreateTable", **definition(WarmThroughput=warm(12_000, 4_000)))
    assert dynamo.refusal("UpdateTable", TableName="users", WarmThroughput=warm(read, write)) == less
    # Unknown members are passed over, and alone they specify nothing.
    dynamo("UpdateTable", TableName="users", WarmThroughput={**warm(12_000, 4_000), "p": {}})
    unknown = dynamo.refusal("UpdateTable", TableName="users", WarmThroughput={"p": {}})
    assert unknown[1].endswith("must be specified for table")
    dynamo("UpdateTable", TableName="users", WarmThroughput={"ReadUnitsPerSecond": 20_000})
    assert shown(dynamo)["WarmThroughput"] == warm(20_000, 4_000) | {"Status": "ACTIVE"}
    code, _ = dynamo.refusal("UpdateTable", TableName="users", WarmThroughput={"ReadUnitsPerSecond": 19_999})
    assert code == "ValidationException"


# Provisioned units raise the warm throughput, which stays when they are lowered or when the mode changes.
def test_warm_throughput_stays(dynamo: Dynamo) -> None:
    def provision(read: int, write: int) -> dict[str, Any]:
        return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}

    dynamo("CreateTable", **definition(BillingMode="PROVISIONED", **provision(5, 5)))
    assert shown(dynamo)["WarmThroughput"] == warm(5, 5) | {"Status": "ACTIVE"}
    dynamo("UpdateTable", TableName="users", **provision(50, 9))
    dynamo("UpdateTable", TableName="users", **provision(1, 10))
    assert shown(dynamo)["WarmThroughput"] == warm(50, 10) | {"Status": "ACTIVE"}
    dynamo("UpdateTable", TableName="users", BillingMode="PAY_PER_REQUEST")
    dynamo("UpdateTable", TableName="users", BillingMode="PROVISIONED", **provision(1, 1))
    assert shown(dynamo)["WarmThroughput"] == warm(12_000, 4_000) | {"Status": "ACTIVE"}


# A global index has maxima and warm throughput of its own, under the same rules.
def test_indexes(dynamo: Dynamo) -> None:
    dynamo(
        "CreateTable",
        **definition(
            AttributeDefinitions=attributes(p="S", g="S"),
            GlobalSecondaryIndexes=[index("byg", "g") | {"OnDemandThroughput": {"MaxWriteRequestUnits": 3}}],
        ),
    )

    def update(**change: Any) -> dict[str, Any]:
        return {
            "TableName": "users",
            "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "byg"} | change}],
        }

    (one,) = shown(dynamo)["GlobalSecondaryIndexes"]
    assert one["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 3}
    assert one["WarmThroughput"] == warm(12_000, 4_000) | {"Status": "ACTIVE"}
    code, message = dynamo.refusal("UpdateTable", **update(WarmThroughput=warm(1, 5_000)))
    assert (code, "for index byg is lower" in message) == ("ValidationException", True)
    dynamo("UpdateTable", **update(WarmThroughput=warm(12_000, 5_000)))
    (one,) = shown(dynamo)["GlobalSecondaryIndexes"]
    assert one["WarmThroughput"] == warm(12_000, 5_000) | {"Status": "ACTIVE"}
