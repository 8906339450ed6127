"""Background work in the orders that requests and processes may bring about, and beside records that are damaged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb import background_steps, catalog, checker, keys
from tabletop.dynamodb.background import RETRY_S, Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.committer import commit_one
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, after_prefix

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
EXPIRY_WORK = keys.backfill_key(1, keys.EXPIRY_NUMBER)


class AtOnce:
    """The store with each plan run where it is submitted: a turn of the event loop has many requests here."""

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.view = store.view
        self._store, self._clock = store, clock

    def submit(self, plan: Any, request: Any, done: Callable[[Any], None]) -> None:
        answer: Any
        try:
            answer = commit_one(self._store, self._clock, plan, request)
        except Exception as error:
            answer = error
        done(answer)


class Database:
    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.service = DynamoDb(AtOnce(store, clock))  # type: ignore[arg-type]
        self.background = Background(store, clock)

    def ask(self, action: str, **body: Any) -> Any:
        call = Call("id", ACCOUNT, REGION, ROOT, self.clock())
        operation, parameters = self.service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        self.service.run(operation, call, parameters, answers.append)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def make(self, name: str = "things", **changes: Any) -> None:
        body = {
            "TableName": name,
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        self.ask("CreateTable", **body | changes)

    def put(self, name: str = "things", **seconds: float) -> None:
        item = {"p": {"S": "x"}} | {attribute: {"N": str(int(at))} for attribute, at in seconds.items()}
        self.ask("PutItem", TableName=name, Item=item)

    def expire_by(self, attribute: str, *, enabled: bool = True, name: str = "things") -> None:
        specification = {"Enabled": enabled, "AttributeName": attribute}
        self.ask("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)

    def scanned(self, name: str = "things") -> int:
        found = self.ask("Scan", TableName=name)
        return int((orjson.loads(found) if isinstance(found, bytes) else found)["Count"])

    async def write(self, writes: dict[bytes, bytes]) -> None:
        def plan(view: Any, request: Any, now: float) -> tuple[None, Batch]:
            batch = Batch()
            for key, value in writes.items():
                batch.put(key, value)
            return None, batch

        await self.store.commit(plan, None)

    async def settle(self) -> None:
        for _ in range(50):
            if not await self.background.step_all():
                return
        raise AssertionError("background work does not end")

    def problems(self) -> list[str]:
        with self.store.view() as view:
            return list(checker.problems(view))

    def keys_under(self, prefix: bytes) -> list[bytes]:
        with self.store.view() as view:
            return [key for key, _ in view.range(prefix, after_prefix(prefix))]


Run = Callable[[Callable[[Database], Awaitable[None]]], None]


@pytest.fixture
def run() -> Iterator[Run]:
    clock = ManualClock()
    store = open_store(None, clock=clock)

    def runner(scenario: Callable[[Database], Awaitable[None]]) -> None:
        async def main() -> None:
            await scenario(Database(store, clock))

        asyncio.run(main())

    yield runner
    store.close()


# A fill that was found before time to live was switched off and on again waits until the old entries are cleared:
# had it run, clearing would have taken the new entries along, and no item would ever have expired.
def test_filling_waits_for_clearing(run: Run) -> None:
    async def scenario(db: Database) -> None:
        db.make()
        db.put(a=db.clock() + 9e8, b=db.clock() + 5)
        db.expire_by("a")
        db.expire_by("a", enabled=False)
        db.expire_by("b")
        assert not await db.store.commit(background_steps.fill, EXPIRY_WORK)
        assert db.keys_under(EXPIRY_WORK)
        await db.settle()
        db.clock.advance(10)
        await db.settle()
        assert db.scanned() == 0
        assert db.problems() == []

    run(scenario)


# While entries of the attribute before wait to be cleared nothing expires, and the checker does not count them.
def test_nothing_expires_before_clearing(run: Run) -> None:
    async def scenario(db: Database) -> None:
        db.make()
        db.put(a=db.clock() + 10)
        db.expire_by("a")
        await db.settle()
        db.expire_by("a", enabled=False)
        db.expire_by("b")
        db.put(a=db.clock() + 10, b=db.clock() + 5)
        assert len(db.keys_under(keys.expiry_prefix(1))) == 2
        assert db.problems() == []
        db.clock.advance(20)
        assert not await db.store.commit(background_steps.expire, keys.catalog_key(ACCOUNT, REGION, "things"))
        await db.settle()
        assert db.scanned() == 0
        assert db.problems() == []

    run(scenario)


# Two entries of one item that come due in one step delete it once: the counters do not go below nothing.
def test_an_item_expires_once(run: Run) -> None:
    async def scenario(db: Database) -> None:
        db.make()
        db.expire_by("a")
        await db.settle()
        db.put(a=db.clock() + 10)
        (entry,) = db.keys_under(keys.expiry_prefix(1))
        second = int(db.clock()) + 7
        prefix = keys.expiry_prefix(1)
        await db.write({prefix + second.to_bytes(8, "big") + entry[len(prefix) + 8 :]: b""})
        db.clock.advance(20)
        await db.settle()
        assert db.scanned() == 0
        assert db.problems() == []

    run(scenario)


# A table record that cannot be read costs only its own table: others expire and are counted, and the checker names it.
def test_a_damaged_table_record(run: Run) -> None:
    async def scenario(db: Database) -> None:
        db.make("broken")
        db.make()
        db.put("things", a=db.clock() + 5)
        db.expire_by("a")
        damaged = keys.catalog_key(ACCOUNT, REGION, "broken")
        await db.write({damaged: b"{"})
        db.clock.advance(10)
        await db.settle()
        assert db.scanned() == 0
        with db.store.view() as view:
            assert catalog.totals(view) == (1, 0)
        (problem,) = db.problems()
        assert problem.startswith(f"the table record {damaged.hex()} cannot be read")

    run(scenario)


# An item that cannot be read holds up its own table's expiry only; that is put off, and tried again after a while.
def test_a_damaged_item(run: Run) -> None:
    async def scenario(db: Database) -> None:
        for name in ("broken", "things"):
            db.make(name)
            db.expire_by("a", name=name)
        await db.settle()
        for name in ("broken", "things"):
            db.put(name, a=db.clock() + 5)
        (damaged,) = db.keys_under(keys.item_prefix(1))
        with db.store.view() as view:
            whole = view.get(damaged)
        assert whole is not None
        await db.write({damaged: b"\0\0\0\x01{"})
        db.clock.advance(10)
        await db.settle()
        assert db.scanned("things") == 0
        (problem,) = db.problems()
        assert problem.startswith(f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/broken: cannot be checked to the end")
        await db.write({damaged: whole})
        await db.settle()
        assert db.scanned("broken") == 1
        db.clock.advance(RETRY_S)
        await db.settle()
        assert db.scanned("broken") == 0
        assert db.problems() == []

    run(scenario)


# The streams' part of the checker goes on past a damaged table record too, and names the stream that hangs on it.
def test_a_damaged_table_record_with_a_stream(run: Run) -> None:
    async def scenario(db: Database) -> None:
        db.make(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        await db.write({keys.catalog_key(ACCOUNT, REGION, "things"): b"{"})
        record, stream = db.problems()
        assert "cannot be read" in record
        assert ":table/things/stream/" in stream
        assert "cannot be checked to the end" in stream

    run(scenario)


# A collection's counter is checked even if the collection has no items any more.
def test_counter_of_an_empty_collection(run: Run) -> None:
    async def scenario(db: Database) -> None:
        def schema(sort: str) -> list[dict[str, str]]:
            return [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

        db.make(
            KeySchema=schema("r"),
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("p", "r", "q")],
            LocalSecondaryIndexes=[
                {"IndexName": "by_q", "KeySchema": schema("q"), "Projection": {"ProjectionType": "ALL"}}
            ],
        )
        key = {"p": {"S": "x"}, "r": {"S": "y"}}
        db.ask("PutItem", TableName="things", Item=key | {"q": {"S": "z"}})
        db.ask("DeleteItem", TableName="things", Key=key)
        assert db.problems() == []
        await db.write({keys.collection_key(1, b"h" * 16): (77).to_bytes(8, "big")})
        (problem,) = db.problems()
        assert problem.endswith("is 0 bytes, its counter says 77")

    run(scenario)


# Sizes of collections are compared in one pass: each that is wrong, missing or nobody's is told, wherever it lies.
def test_counters_of_many_collections(run: Run) -> None:
    async def scenario(db: Database) -> None:
        def schema(sort: str) -> list[dict[str, str]]:
            return [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

        db.make(
            KeySchema=schema("r"),
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("p", "r", "q")],
            LocalSecondaryIndexes=[
                {"IndexName": "by_q", "KeySchema": schema("q"), "Projection": {"ProjectionType": "ALL"}}
            ],
        )
        for number in range(12):
            item = {"p": {"S": f"x{number % 6}"}, "r": {"S": str(number)}, "q": {"S": "z"}}
            db.ask("PutItem", TableName="things", Item=item)
        assert db.problems() == []
        prefix = keys.collection_key(1, b"")
        with db.store.view() as view:
            counters = [key for key, _ in view.range(prefix, after_prefix(prefix))]
        assert len(counters) == 6
        number = (5).to_bytes(8, "big")
        strays = [prefix + edge * 16 for edge in (b"\0", b"\xff")]
        await db.write(dict.fromkeys([*strays, counters[0], counters[3]], number))
        await db.write({counters[5]: bytes(8)})
        found = {problem.split("collection ")[1].split()[0] for problem in db.problems()}
        assert found == {key[len(prefix) :].hex() for key in (*strays, counters[0], counters[3], counters[5])}
        assert len(db.problems()) == 5

    run(scenario)


# While an index is being filled no other may be removed, but it may be removed itself, and no second one after it.
def test_one_index_changes_at_a_time(run: Run) -> None:
    async def scenario(db: Database) -> None:
        def definition(name: str) -> dict[str, Any]:
            key = [{"AttributeName": "p", "KeyType": "HASH"}]
            return {"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}

        def update(kind: str, body: dict[str, Any]) -> None:
            given = [{"AttributeName": "p", "AttributeType": "S"}]
            changes = [{kind: body}]
            db.ask("UpdateTable", TableName="things", AttributeDefinitions=given, GlobalSecondaryIndexUpdates=changes)

        def remove(name: str) -> None:
            db.ask("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])

        db.make(GlobalSecondaryIndexes=[definition("ready")])
        update("Create", definition("new"))
        with pytest.raises(ApiError) as refused:
            remove("ready")
        one_only = (
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
        assert (refused.value.code, refused.value.message) == one_only
        remove("new")
        with pytest.raises(ApiError) as refused:
            remove("ready")
        assert (refused.value.code, refused.value.message) == one_only
        await db.settle()
        remove("ready")
        await db.settle()
        assert db.problems() == []

    run(scenario)
