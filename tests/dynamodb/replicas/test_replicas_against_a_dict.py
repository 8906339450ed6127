"""Random writes in random regions while replicas come, go and are filled, against one dict that all regions must equal."""

from __future__ import annotations

import random
from typing import Any

import pytest
from dynamo import Dynamo, attributes, definition, index
from replica_steps import FAR, HERE, THERE

from tabletop.base.errors import ApiError
from tabletop.dynamodb.lifecycle import Delays
from tabletop.dynamodb.replicas import copying

REGIONS = (HERE, THERE, FAR, "sa-east-1")
STEPS = 400


def refusal(dynamo: Dynamo, action: str, **body: Any) -> str | None:
    """The code with which the request is refused; None for one that was done."""
    try:
        dynamo(action, **body)
    except ApiError as error:
        return error.code
    return None


class Rehearsal:
    """``model``: key -> item, as every region must have it."""

    def __init__(self, dynamo: Dynamo, seed: int) -> None:
        self.random = random.Random(seed)
        self.regions = {region: dynamo.at(region) for region in REGIONS}
        self.clock = dynamo.clock
        self.model: dict[str, dict[str, Any]] = {}
        self.has_index = False
        self.expires = True

    def tables(self) -> dict[str, Any]:
        """Region -> description, of those that have the table."""
        found = {}
        for region, dynamo in self.regions.items():
            if refusal(dynamo, "DescribeTable", TableName="users") is None:
                found[region] = dynamo("DescribeTable", TableName="users")["Table"]
        return found

    def open_region(self) -> Dynamo:
        """A region whose replica takes requests."""
        return self.regions[self.random.choice(self.open_regions())]

    def open_regions(self) -> list[str]:
        return [region for region, table in self.tables().items() if table["TableStatus"] in ("ACTIVE", "UPDATING")]

    def step(self) -> None:
        kinds = (self.put, self.update, self.delete, self.batch, self.transact, self.work, self.member, self.setting)
        self.random.choices(kinds, weights=(8, 6, 5, 3, 3, 4, 1, 1))[0]()

    def key(self) -> str:
        return f"k{self.random.randrange(60):02}"

    def item(self, key: str) -> dict[str, Any]:
        item: dict[str, Any] = {"p": {"S": key}, "v": {"N": str(self.random.randrange(100))}}
        if self.random.random() < 0.5:
            item["g"] = {"S": self.random.choice("abc")}
        if self.random.random() < 0.2:
            item["at"] = {"N": str(int(self.clock()) + self.random.randrange(1, 60))}
        return item

    def put(self) -> None:
        key = self.key()
        self.model[key] = self.item(key)
        self.open_region()("PutItem", TableName="users", Item=self.model[key])

    def update(self) -> None:
        key = self.key()
        value = {"N": str(self.random.randrange(100))}
        self.model[key] = self.model.get(key, {"p": {"S": key}}) | {"v": value}
        body = {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": value}}
        self.open_region()("UpdateItem", TableName="users", Key={"p": {"S": key}}, **body)

    def delete(self) -> None:
        key = self.key()
        self.model.pop(key, None)
        self.open_region()("DeleteItem", TableName="users", Key={"p": {"S": key}})

    def batch(self) -> None:
        requests: list[dict[str, Any]] = []
        for key in {self.key() for _ in range(8)}:
            if self.random.random() < 0.5:
                self.model.pop(key, None)
                requests.append({"DeleteRequest": {"Key": {"p": {"S": key}}}})
            else:
                self.model[key] = self.item(key)
                requests.append({"PutRequest": {"Item": self.model[key]}})
        self.open_region()("BatchWriteItem", RequestItems={"users": requests})

    def transact(self) -> None:
        """Three puts, of which one time in two a condition refuses all."""
        keys = list({self.key() for _ in range(3)})
        items = {key: self.item(key) for key in keys}
        members = [{"Put": {"TableName": "users", "Item": item}} for item in items.values()]
        refused = self.random.random() < 0.5
        members[-1]["Put"]["ConditionExpression"] = (
            "attribute_exists(nothing)" if refused else "attribute_not_exists(x)"
        )
        answered = refusal(self.open_region(), "TransactWriteItems", TransactItems=members)
        assert answered == ("TransactionCanceledException" if refused else None)
        if not refused:
            self.model |= items

    def work(self) -> None:
        """Some background steps; sometimes time passes, and then everything that is due is done."""
        if self.random.random() < 0.3:
            self.clock.advance(self.random.randrange(30))
            self.settle()
        else:
            self.regions[HERE].work(self.random.randrange(1, 3))

    def settle(self) -> None:
        self.regions[HERE].settle()
        if not self.expires:
            return
        now = self.clock()
        self.model = {key: item for key, item in self.model.items() if "at" not in item or int(item["at"]["N"]) > now}

    def member(self) -> None:
        """A replica comes or goes, if that is allowed just now."""
        tables = self.tables()
        free = [region for region in REGIONS if region not in tables]
        asking = self.random.choice(list(tables))
        if free and (len(tables) == 1 or self.random.random() < 0.7):
            action = {"Create": {"RegionName": self.random.choice(free)}}
        else:
            others = [region for region in tables if region != asking]
            if not others:
                return
            leaving = self.random.choice(others)
            action = {"Delete": {"RegionName": leaving}}
            self.clock.advance(24 * 3600 + 1)
            self.settle()
            if self.random.random() < 0.4:
                if len(self.open_regions()) < 2:
                    # It would delete the last one: a table alone.
                    return
                self.allowed(self.regions[leaving], "DeleteTable")
                return
        self.allowed(self.regions[asking], "UpdateTable", ReplicaUpdates=[action])

    def setting(self) -> None:
        """An index is added or removed, or time to live is switched."""
        region = self.regions[self.random.choice(list(self.tables()))]
        if self.random.random() < 0.5:
            specification = {"Enabled": not self.expires, "AttributeName": "at"}
            self.settle()
            if self.allowed(region, "UpdateTimeToLive", TimeToLiveSpecification=specification):
                self.expires = not self.expires
            self.settle()
            return
        change: dict[str, Any] = {"Delete": {"IndexName": "byg"}} if self.has_index else {"Create": index("byg", "g")}
        if self.allowed(
            region,
            "UpdateTable",
            AttributeDefinitions=attributes(g="S"),
            GlobalSecondaryIndexUpdates=[change],
        ):
            self.has_index = not self.has_index

    def allowed(self, region: Dynamo, action: str, **body: Any) -> bool:
        answered = refusal(region, action, TableName="users", **body)
        waits = ("ResourceInUseException", "LimitExceededException", "ResourceNotFoundException")
        assert answered in (None, "ValidationException", *waits)
        return answered is None

    def check(self) -> None:
        self.clock.advance(60)
        self.settle()
        assert self.open_regions() == list(self.tables())
        for region in self.tables():
            found = self.regions[region]("Scan", TableName="users")["Items"]
            assert {item["p"]["S"]: item for item in found} == self.model, region


# Half of the seeds with delays, in which replicas show CREATING and DELETING for a while.
@pytest.mark.parametrize("seed", range(6))
def test_all_regions_equal_one_dict(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(copying, "COPIED_MAX", 7)
    monkeypatch.setattr(Delays, "table_delay_s", 2.0 * (seed % 2))
    rehearsal = Rehearsal(dynamo, seed)
    dynamo("CreateTable", **definition())
    dynamo.clock.advance(3)
    dynamo("UpdateTimeToLive", TableName="users", TimeToLiveSpecification={"Enabled": True, "AttributeName": "at"})
    for step in range(STEPS):
        rehearsal.step()
        if step % 20 == 0:
            assert dynamo.problems() == [], f"seed {seed}, step {step}"
    rehearsal.check()
