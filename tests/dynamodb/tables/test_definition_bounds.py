"""Bounds of a table's definition that AWS's service model does not tell."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.errors import ApiError
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import open_store

ACCOUNT = "000000000000"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
KEY = [{"AttributeName": "p", "KeyType": "HASH"}]
INDEX = {"IndexName": "again", "KeySchema": KEY, "Projection": {"ProjectionType": "ALL"}}
TABLE: dict[str, Any] = {
    "TableName": "things",
    "KeySchema": KEY,
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [INDEX],
}


def ask(*requests: tuple[str, dict[str, Any]]) -> Any:
    """The last request's answer, or refusal as (code, message)."""
    store = open_store(None)
    service = DynamoDb(store)
    answers: list[Any] = []
    try:
        for action, body in requests:
            call = Call("id", ACCOUNT, "us-east-1", ROOT, 1_800_000_000.0)
            operation, parameters = service.decode(action, orjson.dumps(body), call)
            service.run(operation, call, parameters, answers.append)
    except ApiError as error:
        answers.append(error)
    finally:
        store.close()
    last = answers[-1]
    return (last.code, last.message) if isinstance(last, ApiError) else last


LONG = "DECIMAL_VALUE cannot be converted to Long"


# A number that no Java integer or long holds is no number of the request's type.
@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("CreateTable", {"WarmThroughput": {"ReadUnitsPerSecond": 1e30}}, LONG),
        ("CreateTable", {"WarmThroughput": {"WriteUnitsPerSecond": -1e30}}, LONG),
        ("CreateTable", {"OnDemandThroughput": {"MaxReadRequestUnits": 2.0**63}}, LONG),
        ("CreateTable", {"OnDemandThroughput": {"MaxReadRequestUnits": 2.0**64}}, LONG),
        ("ListTables", {"Limit": 2.0**31}, "DECIMAL_VALUE cannot be converted to Integer"),
    ],
)
def test_integers_are_bounded(action: str, body: dict[str, Any], message: str) -> None:
    assert ask((action, TABLE | body)) == ("SerializationException", message)


# The greatest numbers that fit are taken, with the fraction cut off as AWS does.
def test_integers_within_bounds() -> None:
    made = ask(
        ("CreateTable", TABLE | {"OnDemandThroughput": {"MaxReadRequestUnits": 2.0**62, "MaxWriteRequestUnits": 1.5}})
    )
    assert made["TableDescription"]["OnDemandThroughput"] == {"MaxReadRequestUnits": 2**62, "MaxWriteRequestUnits": 1}
    assert ask(("CreateTable", TABLE), ("Scan", {"TableName": "things", "Limit": 2.0**31 - 0.5}))


def _on_demand(holder: str, units: dict[str, int]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Requests of which the last sets the greatest throughput of the holder."""
    setting = {"OnDemandThroughput": units}
    if holder == "new table":
        return (("CreateTable", TABLE | setting),)
    if holder == "index of a new table":
        return (("CreateTable", TABLE | {"GlobalSecondaryIndexes": [INDEX | setting]}),)
    if holder == "table":
        return (("CreateTable", TABLE), ("UpdateTable", {"TableName": "things"} | setting))
    kind, name = ("Create", "another") if holder == "index to be added" else ("Update", "again")
    update = INDEX | {"IndexName": name} if kind == "Create" else {"IndexName": name}
    body = {
        "TableName": "things",
        "AttributeDefinitions": TABLE["AttributeDefinitions"],
        "GlobalSecondaryIndexUpdates": [{kind: update | setting}],
    }
    return (("CreateTable", TABLE), ("UpdateTable", body))


HOLDERS = {
    "new table": "table",
    "index of a new table": "index again",
    "table": "table",
    "index to be added": "index another",
    "index": "index again",
}


# The greatest on-demand throughput is one or more, or -1 for none at all, wherever it is set.
@pytest.mark.parametrize("member", ["MaxReadRequestUnits", "MaxWriteRequestUnits"])
@pytest.mark.parametrize("holder", list(HOLDERS))
def test_on_demand_throughput_is_bounded(holder: str, member: str) -> None:
    message = (
        "One or more parameter values were invalid: "
        f"Requested {member} for OnDemandThroughput for {HOLDERS[holder]} is outside of valid range"
    )
    for units in (-7, -2, 0):
        assert ask(*_on_demand(holder, {member: units})) == ("ValidationException", message)
    for units in (-1, 1):
        assert "TableDescription" in ask(*_on_demand(holder, {member: units}))


# A policy given with a new table must be one, as when it is put later; one nested without end is none.
@pytest.mark.parametrize("policy", ["not json", "[]", "{}", "[" * 20_000])
def test_a_policy_at_creation_is_checked(policy: str) -> None:
    refused = ("ValidationException", "Invalid policy document: Syntax errors in policy.")
    assert ask(("CreateTable", TABLE | {"ResourcePolicy": policy})) == refused


# The bound on a policy's length is that of PutResourcePolicy.
def test_length_of_a_policy_at_creation() -> None:
    policy = '{"Version": "2012-10-17", "Statement": []}'
    assert "TableDescription" in ask(("CreateTable", TABLE | {"ResourcePolicy": policy.ljust(20 * 1024)}))
    refused = ("ValidationException", "Resource policy size exceeds the maximum allowed size of 20 KB")
    assert ask(("CreateTable", TABLE | {"ResourcePolicy": policy.ljust(20 * 1024 + 1)})) == refused
