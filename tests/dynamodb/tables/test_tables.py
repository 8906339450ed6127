"""Table operations over a store in memory: definitions, descriptions, life cycle, background work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb import background_steps, catalog, indexes, keys, sizes
from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.constraints import check
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, after_prefix, read_counter

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/users"


class Database:
    """Requests to the operations, as the service runs them, with a clock of ours."""

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.background = Background(store, clock)

    async def __call__(self, action: str, *, region: str = REGION, **body: Any) -> Any:
        check(action, body)
        operation = OPERATIONS[action]
        request = operation.prepare(body, Call("id", ACCOUNT, region, ROOT, self.clock()))
        if operation.read is not None:
            with self.store.view() as view:
                return operation.read(view, request, self.clock())
        assert operation.plan is not None
        return await self.store.commit(operation.plan, request)

    async def refusal(self, action: str, **body: Any) -> tuple[str, str | None]:
        with pytest.raises(ApiError) as raised:
            await self(action, **body)
        return raised.value.code, raised.value.message

    async def put(self, table_name: str, *items: dict[str, Any]) -> None:
        """Store items as they are, without touching indexes: as if they were there before the index."""

        def plan(view: Any, request: Any, now: float) -> tuple[None, Batch]:
            table = catalog.find(view, ACCOUNT, REGION, table_name)
            assert table is not None
            batch = Batch()
            for item in items:
                size_bytes = sizes.item_size(item)
                batch.put(keys.item_key(table, item), size_bytes.to_bytes(4, "big") + orjson.dumps(item))
                batch.add(table.counter, 1, size_bytes)
            return None, batch

        await self.store.commit(plan, None)

    async def settle(self) -> None:
        for _ in range(100):
            if not await self.background.step_all():
                return
        raise AssertionError("background work does not end")

    def count(self, prefix: bytes) -> int:
        with self.store.view() as view:
            return sum(1 for _ in view.range(prefix, after_prefix(prefix)))


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[Database], Awaitable[None]]], None]]:
    clock = ManualClock()
    store = open_store(None, clock=clock)

    def runner(scenario: Callable[[Database], Awaitable[None]]) -> None:
        async def main() -> None:
            await scenario(Database(store, clock))

        asyncio.run(main())

    yield runner
    store.close()


def definition(**changes: Any) -> dict[str, Any]:
    body = {
        "TableName": "users",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def key_schema(*names: str, kinds: str = "HR") -> list[dict[str, str]]:
    kind_names = {"H": "HASH", "R": "RANGE"}
    return [{"AttributeName": n, "KeyType": kind_names[k]} for n, k in zip(names, kinds, strict=False)]


def index(name: str, *names: str, kinds: str = "HR", **projection: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": key_schema(*names, kinds=kinds),
        "Projection": projection or {"ProjectionType": "ALL"},
    }


INVALID = "One or more parameter values were invalid: "


# A table goes through AWS's life: CREATING in the answer, ACTIVE when described, listed, DELETING, gone.
def test_life_of_a_table(run: Any) -> None:
    async def scenario(db: Database) -> None:
        made = (await db("CreateTable", **definition()))["TableDescription"]
        assert made["TableStatus"] == "CREATING"
        assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
        shown = (await db("DescribeTable", TableName="users"))["Table"]
        assert shown["TableStatus"] == "ACTIVE"
        assert shown["TableArn"] == ARN
        assert shown["CreationDateTime"] == shown["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"]
        assert shown["ProvisionedThroughput"] == {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": 0,
            "WriteCapacityUnits": 0,
        }
        assert shown["WarmThroughput"] == {
            "ReadUnitsPerSecond": 12000,
            "WriteUnitsPerSecond": 4000,
            "Status": "ACTIVE",
        }
        assert (await db("DescribeTable", TableName=ARN))["Table"] == shown
        assert await db.refusal("CreateTable", **definition()) == (
            "ResourceInUseException",
            "Table already exists: users",
        )
        assert await db("ListTables") == {"TableNames": ["users"]}
        assert (await db("DeleteTable", TableName="users"))["TableDescription"]["TableStatus"] == "DELETING"
        missing = ("ResourceNotFoundException", "Requested resource not found: Table: users not found")
        assert await db.refusal("DescribeTable", TableName="users") == missing
        assert await db.refusal("DeleteTable", TableName="users") == missing

    run(scenario)


# A table belongs to a region: another region neither sees it nor minds one of the same name.
def test_regions_are_apart(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        assert await db("ListTables", region="eu-west-1") == {"TableNames": []}
        await db("CreateTable", region="eu-west-1", **definition())

    run(scenario)


# ListTables pages in order of names; the last page has no LastEvaluatedTableName.
def test_list_pages(run: Any) -> None:
    async def scenario(db: Database) -> None:
        for name in ("ccc", "aaa", "bbb"):
            await db("CreateTable", **definition(TableName=name))
        assert await db("ListTables", Limit=2) == {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}
        assert await db("ListTables", Limit=2, ExclusiveStartTableName="bbb") == {"TableNames": ["ccc"]}
        assert await db("ListTables", Limit=3) == {"TableNames": ["aaa", "bbb", "ccc"]}

    run(scenario)


# Each definition that AWS refuses is refused in its words.
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"BillingMode": None},
            INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            INVALID
            + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            {"KeySchema": key_schema("x")},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. "
            "Keys: [x], AttributeDefinitions: [p]",
        ),
        (
            {"AttributeDefinitions": attributes("p", "x")},
            INVALID + "Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions",
        ),
        (
            {"KeySchema": key_schema("p", kinds="R")},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"AttributeDefinitions": attributes("p", "c"), "KeySchema": key_schema("p", "p")},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"AttributeDefinitions": attributes("p", "c"), "KeySchema": key_schema("p", "c", kinds="HH")},
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"LocalSecondaryIndexes": [index("lll", "p", "p")]},
            INVALID
            + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ),
        ({"GlobalSecondaryIndexes": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
        (
            {"GlobalSecondaryIndexes": [index("ggg", "p"), index("ggg", "p")]},
            INVALID + "Duplicate index name: ggg",
        ),
        (
            {"GlobalSecondaryIndexes": [index("ggg", "p", ProjectionType="INCLUDE")]},
            INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("ggg", "p", ProjectionType="ALL", NonKeyAttributes=["a"])]},
            INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("ggg", "p", NonKeyAttributes=["a"])]},
            INVALID + "Unknown ProjectionType: null",
        ),
        (
            {"AttributeDefinitions": attributes("p", "x"), "GlobalSecondaryIndexes": [index("ggg", "p")]},
            INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [p, x], keys used: [p]",
        ),
    ],
)
def test_refused_definitions(run: Any, changes: dict[str, Any], message: str) -> None:
    async def scenario(db: Database) -> None:
        assert await db.refusal("CreateTable", **definition(**changes)) == ("ValidationException", message)

    run(scenario)


# Four partition and four sort key attributes make a global index; five do not, nor mixed ones.
def test_multi_attribute_keys(run: Any) -> None:
    names = [f"a{n}" for n in range(8)]

    async def scenario(db: Database) -> None:
        fits = definition(
            AttributeDefinitions=attributes("p", *names),
            GlobalSecondaryIndexes=[index("ggg", *names, kinds="HHHHRRRR")],
        )
        await db("CreateTable", **fits)
        for kinds, word in (("HHHHH", "HASH"), ("HRRRRR", "RANGE"), ("HRH", "precede")):
            used = names[: len(kinds)]
            body = definition(
                AttributeDefinitions=attributes("p", *used), GlobalSecondaryIndexes=[index("ggg", *used, kinds=kinds)]
            )
            code, message = await db.refusal("CreateTable", **body)
            assert code == "ValidationException"
            assert message is not None
            assert word in message

    run(scenario)


# The limits of indexes: five local, twenty global, at the limit and above.
def test_index_counts(run: Any) -> None:
    async def scenario(db: Database) -> None:
        base = {"AttributeDefinitions": attributes("p", "c"), "KeySchema": key_schema("p", "c")}
        for member, limit, keys_ in (("LocalSecondaryIndexes", 5, ("p", "c")), ("GlobalSecondaryIndexes", 20, ("p",))):
            many = [index(f"index{n}", *keys_) for n in range(limit + 1)]
            await db("CreateTable", **definition(**base, TableName=member, **{member: many[:-1]}))
            code, message = await db.refusal("CreateTable", **definition(**base, **{member: many}))
            assert code == "ValidationException"
            assert message is not None
            assert message.endswith(f"limit of {limit}")

    run(scenario)


# A new index is CREATING and Backfilling, then ACTIVE with exactly the items that have its key in its type.
def test_add_and_remove_index(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        with_key = [{"p": {"S": f"k{n}"}, "x": {"S": str(n)}} for n in range(background_steps.FILLED_MAX + 5)]
        await db.put("users", *with_key, {"p": {"S": "none"}}, {"p": {"S": "other"}, "x": {"BOOL": True}})
        create = {"Create": index("byx", "x")}
        answer = await db(
            "UpdateTable", TableName="users", AttributeDefinitions=attributes("x"), GlobalSecondaryIndexUpdates=[create]
        )
        shown = answer["TableDescription"]
        assert shown["TableStatus"] == "UPDATING"
        (one,) = shown["GlobalSecondaryIndexes"]
        assert (one["IndexStatus"], one["Backfilling"]) == ("CREATING", False)
        assert await db.refusal("DeleteTable", TableName="users") == (
            "ResourceInUseException",
            "Attempt to change a resource which is still in use: "
            "Cannot delete table while indexes are being created, updated, or deleted.",
        )
        await db.settle()
        table = (await db("DescribeTable", TableName="users"))["Table"]
        (one,) = table["GlobalSecondaryIndexes"]
        assert table["TableStatus"] == "ACTIVE"
        assert one["IndexStatus"] == "ACTIVE"
        assert "Backfilling" not in one
        assert one["ItemCount"] == len(with_key)
        assert table["ItemCount"] == len(with_key) + 2
        again = await db.refusal(
            "UpdateTable", TableName="users", AttributeDefinitions=attributes("x"), GlobalSecondaryIndexUpdates=[create]
        )
        assert again[0] == "ValidationException"
        assert "already exists" in str(again[1])
        remove = [{"Delete": {"IndexName": "byx"}}]
        gone = (await db("UpdateTable", TableName="users", GlobalSecondaryIndexUpdates=remove))["TableDescription"]
        assert gone["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING"
        await db.settle()
        table = (await db("DescribeTable", TableName="users"))["Table"]
        assert "GlobalSecondaryIndexes" not in table
        assert table["AttributeDefinitions"] == attributes("p")
        assert db.count(keys.index_prefix(1, 1)) == 0
        missing = await db.refusal("UpdateTable", TableName="users", GlobalSecondaryIndexUpdates=remove)
        assert missing[0] == "ResourceNotFoundException"

    run(scenario)


# An entry that a write made during the backfill is not counted twice.
def test_backfill_leaves_what_is_there(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        item = {"p": {"S": "a"}, "x": {"S": "b"}}
        await db.put("users", item)
        update = [{"Create": index("byx", "x")}]
        await db(
            "UpdateTable", TableName="users", AttributeDefinitions=attributes("x"), GlobalSecondaryIndexUpdates=update
        )

        def plan(view: Any, request: Any, now: float) -> tuple[None, Batch]:
            table = catalog.find(view, ACCOUNT, REGION, "users")
            assert table is not None
            item_key = keys.item_key(table, item)
            value = view.get(item_key)
            entry = indexes.entry(table, table.indexes[0], indexes.Stored(item, value), item_key)
            assert entry is not None
            batch = Batch()
            batch.put(entry.key, entry.value)
            batch.add(table.indexes[0].counter, 1, entry.size_bytes)
            return None, batch

        await db.store.commit(plan, None)
        await db.settle()
        with db.store.view() as view:
            assert read_counter(view, keys.counter_key(1, 1), 2)[0] == 1

    run(scenario)


# Everything of a dropped table is cleared, in steps, and its name can be used again at once.
def test_dropped_table_is_cleared(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        await db.put("users", *({"p": {"S": str(n)}} for n in range(background_steps.CLEARED_MAX + 1)))
        await db("DeleteTable", TableName="users")
        await db("CreateTable", **definition())
        await db.put("users", {"p": {"S": "kept"}})
        assert await db.background.step_all()
        assert db.count(keys.item_prefix(1)) == 1
        await db.settle()
        assert sum(db.count(prefix) for prefix in keys.table_data_prefixes(1)) == 0
        assert db.count(keys.dropped_prefix()) == 0
        assert (await db("DescribeTable", TableName="users"))["Table"]["ItemCount"] == 1

    run(scenario)


# Items expire within five years of their time, those that were there before included; others stay.
def test_time_to_live(run: Any) -> None:
    async def scenario(db: Database) -> None:
        now = int(db.clock())
        await db("CreateTable", **definition())
        times = {"past": now - 1, "now": now, "soon": now + 10, "ancient": now - 6 * 365 * 86400}
        await db.put("users", *({"p": {"S": name}, "t": {"N": str(second)}} for name, second in times.items()))
        await db.put("users", {"p": {"S": "text"}, "t": {"S": "1"}})
        on = {"Enabled": True, "AttributeName": "t"}
        assert await db("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=on) == {
            "TimeToLiveSpecification": on
        }
        assert await db("DescribeTimeToLive", TableName="users") == {
            "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"}
        }
        await db.settle()
        assert (await db("DescribeTable", TableName="users"))["Table"]["ItemCount"] == 3
        db.clock.advance(10)
        await db.settle()
        assert (await db("DescribeTable", TableName="users"))["Table"]["ItemCount"] == 2
        for change, message in (
            (on, "TimeToLive is already enabled"),
            (
                on | {"AttributeName": "u"},
                "TimeToLive is active on a different AttributeName: current AttributeName is t",
            ),
        ):
            refused = await db.refusal("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=change)
            assert refused == ("ValidationException", message)
        off = on | {"Enabled": False}
        await db("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=off)
        await db.settle()
        assert db.count(keys.expiry_prefix(1)) == 0
        refused = await db.refusal("UpdateTimeToLive", TableName="users", TimeToLiveSpecification=off)
        assert refused == ("ValidationException", "TimeToLive is already disabled")

    run(scenario)


# Client tokens are forgotten ten minutes after their use, and not before.
def test_tokens_are_forgotten(run: Any) -> None:
    token = keys.token_key(ACCOUNT, REGION, "t")

    async def scenario(db: Database) -> None:
        def plan(view: Any, request: Any, now: float) -> tuple[None, Batch]:
            batch = Batch()
            batch.put(token, orjson.dumps({"at": now}))
            batch.put(keys.token_age_key(now, token), b"")
            return None, batch

        await db.store.commit(plan, None)
        db.clock.advance(600)
        await db.settle()
        assert db.count(keys.token_age_prefix()) == 1
        db.clock.advance(0.01)
        await db.settle()
        assert db.count(keys.token_age_prefix()) == 0 == db.count(token)

    run(scenario)


# Tags: given at creation, changed, removed; fifty fit; names of other things are refused in AWS's words.
def test_tags(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition(Tags=[{"Key": "a", "Value": "1"}]))
        assert await db("TagResource", ResourceArn=ARN, Tags=[{"Key": "b", "Value": ""}]) == b""
        assert await db("UntagResource", ResourceArn=ARN, TagKeys=["a", "never"]) == b""
        assert await db("ListTagsOfResource", ResourceArn=ARN) == {"Tags": [{"Key": "b", "Value": ""}]}
        many = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
        await db("TagResource", ResourceArn=ARN, Tags=many[:49])
        assert (await db.refusal("TagResource", ResourceArn=ARN, Tags=many))[0] == "ValidationException"
        assert (await db.refusal("TagResource", ResourceArn=ARN, Tags=[{"Key": "aws:x", "Value": "v"}]))[0] == (
            "ValidationException"
        )
        assert await db.refusal("TagResource", ResourceArn=ARN, Tags=[]) == (
            "ValidationException",
            "Atleast one Tag needs to be provided as Input.",
        )
        index_arn = ARN + "/index/x"
        assert await db.refusal("ListTagsOfResource", ResourceArn=index_arn) == (
            "ValidationException",
            f"Invalid TableArn: Invalid ResourceArn provided as input {index_arn}",
        )
        assert await db.refusal("ListTagsOfResource", ResourceArn=ARN + "x") == (
            "ResourceNotFoundException",
            f"Requested resource not found: ResourcArn: {ARN}x not found",
        )

    run(scenario)


# A protected table cannot be deleted until the protection is taken off.
def test_deletion_protection(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition(DeletionProtectionEnabled=True))
        code, message = await db.refusal("DeleteTable", TableName="users")
        assert code == "ValidationException"
        assert "protected against deletion" in str(message)
        await db("UpdateTable", TableName="users", DeletionProtectionEnabled=False)
        await db("DeleteTable", TableName="users")

    run(scenario)


# Throughput: what does not change is refused; decreases are counted for the day; billing switches both ways.
def test_throughput(run: Any) -> None:
    async def scenario(db: Database) -> None:
        units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
        await db("CreateTable", **definition(BillingMode=None, ProvisionedThroughput=units))
        shown = (await db("DescribeTable", TableName="users"))["Table"]
        assert "BillingModeSummary" not in shown
        assert shown["WarmThroughput"]["ReadUnitsPerSecond"] == 5
        code, message = await db.refusal("UpdateTable", TableName="users", ProvisionedThroughput=units)
        assert code == "ValidationException"
        assert str(message).startswith("The provisioned throughput for the table will not")
        fewer = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 9}
        await db("UpdateTable", TableName="users", ProvisionedThroughput=fewer)
        shown = (await db("DescribeTable", TableName="users"))["Table"]["ProvisionedThroughput"]
        assert shown["NumberOfDecreasesToday"] == 1
        assert {"LastIncreaseDateTime", "LastDecreaseDateTime"} <= shown.keys()
        await db("UpdateTable", TableName="users", BillingMode="PAY_PER_REQUEST")
        shown = (await db("DescribeTable", TableName="users"))["Table"]
        assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert shown["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
        await db("UpdateTable", TableName="users", BillingMode="PROVISIONED", ProvisionedThroughput=units)
        assert (await db("DescribeTable", TableName="users"))["Table"]["ProvisionedThroughput"][
            "ReadCapacityUnits"
        ] == 5

    run(scenario)


# What UpdateTable cannot do is refused: nothing to do, several indexes at once, a type defined anew, what is not built.
def test_refused_updates(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        two = [{"Delete": {"IndexName": "aaa"}}, {"Delete": {"IndexName": "bbb"}}]
        redefined = {
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "N"}],
            "GlobalSecondaryIndexUpdates": [{"Create": index("byp", "p")}],
        }
        for code, word, body in (
            ("ValidationException", "UpdateTable", {}),
            ("LimitExceededException", "Only 1 online index", {"GlobalSecondaryIndexUpdates": two}),
            ("ValidationException", "must not be null", {"GlobalSecondaryIndexUpdates": [{}]}),
            ("ValidationException", "redefined", redefined),
            (
                "ValidationException",
                "AttributeDefinitions",
                {"GlobalSecondaryIndexUpdates": [{"Create": index("byx", "x")}]},
            ),
            ("ValidationException", "local region", {"ReplicaUpdates": [{"Create": {"RegionName": "us-east-1"}}]}),
        ):
            refused = await db.refusal("UpdateTable", TableName="users", **body)
            assert refused[0] == code
            assert word in str(refused[1])

    run(scenario)


# A stream, encryption and table class are described; a disabled stream keeps its name.
def test_settings(run: Any) -> None:
    async def scenario(db: Database) -> None:
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        encryption = {"Enabled": True}
        settings = {"StreamSpecification": stream, "SSESpecification": encryption, "TableClass": "STANDARD"}
        made = (await db("CreateTable", **definition(**settings)))["TableDescription"]
        assert made["StreamSpecification"] == stream
        assert made["LatestStreamArn"] == f"{ARN}/stream/{made['LatestStreamLabel']}"
        assert made["SSEDescription"]["SSEType"] == "KMS"
        assert ":kms:" in made["SSEDescription"]["KMSMasterKeyArn"]
        assert made["TableClassSummary"] == {"TableClass": "STANDARD"}
        await db("UpdateTable", TableName="users", StreamSpecification={"StreamEnabled": False})
        shown = (await db("DescribeTable", TableName="users"))["Table"]
        assert "StreamSpecification" not in shown
        assert shown["LatestStreamArn"] == made["LatestStreamArn"]

    run(scenario)


# The account's limits, and the endpoint that the client used.
def test_limits_and_endpoints(run: Any) -> None:
    async def scenario(db: Database) -> None:
        assert (await db("DescribeLimits"))["TableMaxReadCapacityUnits"] == 40000
        assert await db("DescribeEndpoints") == {
            "Endpoints": [{"Address": "localhost:4566", "CachePeriodInMinutes": 1440}]
        }

    run(scenario)


# The loop does what stands in the store when it starts, which a killed process may have left, and rests until woken.
def test_loop_resumes(run: Any) -> None:
    async def scenario(db: Database) -> None:
        await db("CreateTable", **definition())
        await db.put("users", {"p": {"S": "a"}})
        await db("DeleteTable", TableName="users")
        background = Background(db.store, db.clock, tick_s=60)
        loop = asyncio.create_task(background.run())
        try:
            for rounds in range(2):
                for _ in range(200):
                    await asyncio.sleep(0)
                assert db.count(keys.dropped_prefix()) == 0
                if rounds == 0:
                    await db("CreateTable", **definition())
                    await db("DeleteTable", TableName="users")
                    background.wake()
        finally:
            loop.cancel()

    run(scenario)
