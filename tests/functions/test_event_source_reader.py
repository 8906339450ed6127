"""A slice of a stream read through its shards: order, places, what was trimmed, and the end of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.dynamodb.background import Background
from tabletop.dynamodb.service import DynamoDb
from tabletop.dynamodb.streams import shards
from tabletop.functions.event_sources.events import shaped
from tabletop.functions.event_sources.lanes import Call as Invoke
from tabletop.functions.event_sources.lanes import Lane
from tabletop.functions.event_sources.mappings import stream_at
from tabletop.functions.event_sources.reader import READ_ITEMS_MAX, Reader
from tabletop.functions.event_sources.responses import Verdict
from tabletop.functions.event_sources.rules import Rules
from tabletop.storage.engine import LmdbStore, open_store

ACCOUNT, REGION = "000000000000", "us-east-1"
HOUR_S = 3600
DONE = Verdict(None)


class Scene:
    """A table with a stream, all of whose items lie in one slice, and a clock."""

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self._service = DynamoDb(store)
        self._background = Background(store, clock)
        made = self.ask(
            "CreateTable",
            TableName="table",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.arn = made["TableDescription"]["LatestStreamArn"]
        self._count = 0
        self.put("probe")
        (self.slice,) = [slice_ for slice_ in range(shards.SLICES) if self.taken(self.reader(slice_=slice_))]

    def ask(self, action: str, **body: Any) -> Any:
        principal = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
        call = Call("0", ACCOUNT, REGION, principal, self.clock())
        operation, decoded = self._service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        self._service.run(operation, call, decoded, answers.append)
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return orjson.loads(answer) if isinstance(answer, bytes) else answer

    def put(self, key: str = "k") -> int:
        """Change the item; the number that its record will show."""
        self._count += 1
        self.ask("PutItem", TableName="table", Item={"p": {"S": key}, "n": {"N": str(self._count)}})
        return self._count

    def tend(self) -> None:
        async def work() -> None:
            for _ in range(1000):
                if not await self._background.step_all():
                    return
            raise AssertionError("background work without end")

        asyncio.run(work())

    def reader(
        self,
        *,
        slice_: int | None = None,
        position: int = 0,
        lanes: int = 1,
        positions: tuple[int, ...] = (),
        **rules: Any,
    ) -> Reader:
        places = positions or (position,) * lanes
        settings = Rules(parallelization=lanes, **rules)
        made = [Lane(settings, position=place) for place in places]
        return Reader(self.slice if slice_ is None else slice_, made, settings.batch_items_max, None)

    def fill(self, reader: Reader) -> None:
        with self.store.view() as view:
            stream = stream_at(view, self.arn)
            assert stream is not None
            for _ in range(1000):
                reader.fill(view, stream, self.clock())
                if not reader.behind:
                    return
        raise AssertionError("a reader without end")

    def taken(self, reader: Reader) -> list[int]:
        """The numbers of all that the reader delivers now, the function succeeding."""
        found: list[int] = []
        for _ in range(1000):
            self.fill(reader)
            steps = [(lane, lane.next(self.clock())) for lane in reader.lanes]
            calls = [(lane, step) for lane, step in steps if isinstance(step, Invoke)]
            if not calls:
                return found
            for lane, step in calls:
                found += numbers(step)
                lane.answered(DONE, self.clock())
        raise AssertionError("a reader without end")


def numbers(step: Any) -> list[int]:
    assert isinstance(step, Invoke)
    records = [orjson.loads(change.body) for change in step.batch.changes]
    return [int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in records]


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = ManualClock()
    store = open_store(None, clock=clock)
    yield Scene(store, clock)
    store.close()


KEY = "probe"
"""The item whose slice the scene reads."""


# Everything of a slice comes in order, through any number of shards.
def test_parents_before_children(scene: Scene) -> None:
    expected = [1]
    for _ in range(4):
        expected.append(scene.put(KEY))
        scene.clock.advance(5 * HOUR_S)
        expected.append(scene.put(KEY))
    assert scene.taken(scene.reader()) == expected


# A child is not begun while a batch of its parent is under way: a batch never spans two shards.
def test_a_child_waits_for_its_parent(scene: Scene) -> None:
    scene.clock.advance(5 * HOUR_S)
    second = scene.put(KEY)
    reader = scene.reader()
    scene.fill(reader)
    parent = reader.shard
    step = reader.lanes[0].next(scene.clock())
    assert numbers(step) == [1]
    scene.fill(reader)
    assert reader.shard == parent
    assert reader.lanes[0].queued == 0
    reader.lanes[0].answered(DONE, scene.clock())
    scene.fill(reader)
    assert parent is not None
    assert reader.shard is not None
    assert reader.shard.parent_id == parent.id
    assert numbers(reader.lanes[0].next(scene.clock())) == [second]


# A reader that begins where another stood goes on there, whichever shard that place is in.
def test_resumed_reading(scene: Scene) -> None:
    reader = scene.reader()
    scene.taken(reader)
    expected = [scene.put(KEY)]
    scene.clock.advance(5 * HOUR_S)
    expected.append(scene.put(KEY))
    assert scene.taken(scene.reader(position=reader.lanes[0].position)) == expected
    assert scene.taken(reader) == expected


# A lane that was ahead gets nothing a second time, while the one behind does.
def test_lanes_resume_each_where_it_stood(scene: Scene) -> None:
    for _ in range(3):
        scene.put(KEY)
    reader = scene.reader(lanes=2)
    assert scene.taken(reader) == [1, 2, 3, 4]
    ahead = tuple(lane.position for lane in reader.lanes)
    assert len(set(ahead)) == 1
    busy = [lane for lane, position in enumerate(ahead) if scene.taken(scene.reader(positions=_set(ahead, lane, 1)))]
    assert len(busy) == 1, "all changes of an item are in one lane"


def _set(positions: tuple[int, ...], lane: int, position: int) -> tuple[int, ...]:
    return tuple(position if number == lane else place for number, place in enumerate(positions))


# Records that were trimmed before they were read are told of, and reading goes on with the oldest that is left.
@pytest.mark.parametrize("wait_h", [25, 49])
def test_trimmed_records_are_told_of(scene: Scene, wait_h: int) -> None:
    position = scene.reader()
    scene.fill(position)
    for _ in range(3):
        scene.put(KEY)
    first = position.lanes[0].position
    scene.clock.advance(wait_h * HOUR_S)
    scene.tend()
    kept = scene.put(KEY)
    reader = scene.reader(position=first)
    assert scene.taken(reader) == [kept]
    assert reader.lost


# A reader that was kept from reading for days, and whose shard is gone meanwhile, goes on in the one that is there.
def test_a_shard_may_go_under_a_reader(scene: Scene) -> None:
    reader = scene.reader()
    scene.taken(reader)
    scene.put(KEY)
    for _ in range(6):
        scene.clock.advance(9 * HOUR_S)
        scene.tend()
    kept = scene.put(KEY)
    before = reader.shard
    assert scene.taken(reader) == [kept]
    assert reader.lost
    assert before is not None
    assert reader.shard is not None
    assert reader.shard.generation > before.generation


# To begin at the trim horizon is no loss.
def test_trim_horizon_is_no_loss(scene: Scene) -> None:
    scene.clock.advance(25 * HOUR_S)
    scene.tend()
    kept = scene.put(KEY)
    reader = scene.reader()
    assert scene.taken(reader) == [kept]
    assert not reader.lost


# A reader that stood at the end of a quiet stream for days has lost nothing.
def test_a_quiet_stream_is_no_loss(scene: Scene) -> None:
    reader = scene.reader()
    scene.taken(reader)
    for _ in range(4):
        scene.clock.advance(13 * HOUR_S)
        scene.tend()
    kept = scene.put(KEY)
    resumed = scene.reader(position=reader.lanes[0].position)
    assert scene.taken(resumed) == [kept]
    assert scene.taken(reader) == [kept]
    assert not resumed.lost
    assert not reader.lost


# A stream that was disabled is read to its end, and then there is nothing more to come.
def test_disabled_stream(scene: Scene) -> None:
    scene.put(KEY)
    scene.ask("UpdateTable", TableName="table", StreamSpecification={"StreamEnabled": False})
    reader = scene.reader()
    scene.fill(reader)
    assert not reader.exhausted
    assert scene.taken(reader) == [1, 2]
    assert reader.exhausted


# A reader holds only so many changes ready, however many there are.
def test_reading_is_bounded(scene: Scene) -> None:
    for _ in range(2300):
        scene.put(KEY)
    reader = scene.reader(batch_items_max=100)
    scene.fill(reader)
    assert reader.lanes[0].queued == 1000
    assert len(scene.taken(reader)) == 2301


# One call reads so much only, and tells that there is more: the event loop has others to serve.
def test_reading_goes_in_steps(scene: Scene) -> None:
    for _ in range(5000):
        scene.put(KEY)
    reader = scene.reader(batch_items_max=10_000)
    with scene.store.view() as view:
        stream = stream_at(view, scene.arn)
        assert stream is not None
        reader.fill(view, stream, scene.clock())
    assert reader.behind
    assert reader.lanes[0].queued == READ_ITEMS_MAX
    scene.fill(reader)
    assert len(numbers(reader.lanes[0].next(scene.clock()))) == 5001


# Lambda's form of the identity of a deletion by time to live has small initials.
def test_identity_of_expiry() -> None:
    record = {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}
    assert shaped(record, "arn") == {
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "eventSourceARN": "arn",
    }
