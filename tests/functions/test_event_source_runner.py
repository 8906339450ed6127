"""A mapping at work over a real store, with a function, roles and destinations that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb.service import DynamoDb
from tabletop.functions import registry
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.delivery import Means
from tabletop.functions.event_sources.mappings import path_of
from tabletop.functions.event_sources.runner import Runner
from tabletop.functions.outcomes import Outcome
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, View

ACCOUNT, REGION = "000000000000", "us-east-1"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:given-up"
LOOKS_MAX = 5000
FAILED = Outcome(b"{}", "Unhandled")
DONE = Outcome(b"null")


class Scene:
    """A table, a function and its mapping. ``outcomes`` are what the calls end with, DONE when there are no more."""

    def __init__(self, store: LmdbStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.events: list[dict[str, Any]] = []
        self.outcomes: list[Outcome | Exception] = []
        self.forbidden: set[str] = set()
        self.reports: list[dict[str, Any]] = []
        self.tries = 0
        self._service = DynamoDb(store)
        made = self.ask(
            "CreateTable",
            TableName="table",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.source = made["TableDescription"]["LatestStreamArn"]
        self.commit(_put_function, None)

    def ask(self, action: str, **body: Any) -> Any:
        principal = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
        call = Call("0", ACCOUNT, REGION, principal, self.clock())
        operation, decoded = self._service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        self._service.run(operation, call, decoded, answers.append)
        return orjson.loads(answers[0]) if isinstance(answers[0], bytes) else answers[0]

    def put(self, number: int) -> None:
        self.ask("PutItem", TableName="table", Item={"p": {"S": "k"}, "n": {"N": str(number)}})

    def commit(self, plan: Any, request: Any) -> Any:
        answers: list[Any] = []
        self.store.submit(plan, request, answers.append)
        if isinstance(answers[0], BaseException):
            raise answers[0]
        return answers[0]

    def map(self, **settings: Any) -> dict[str, Any]:
        mapping = {
            "uuid": "u",
            "account": ACCOUNT,
            "region": REGION,
            "function": "f",
            "qualifier": "",
            "source": self.source,
            "starting_position": "TRIM_HORIZON",
            "enabled": True,
            "batch_size": 1,
            "window_s": 0,
            "parallelization": 1,
            "bisect": False,
            "retries": -1,
            "age_s": -1,
            "response_types": [],
            "tumbling_s": 0,
            "filters": [],
            "destination": "",
            "tags": {},
        } | settings
        stored: dict[str, Any] = self.commit(mappings.create, mapping)
        return stored

    def deliver(self, mapping: dict[str, Any], until: Callable[[], object]) -> None:
        """Run the mapping until that is true, then stop it as a user does."""

        async def whole() -> None:
            means: Any = Means(self.store, self, self, self, self, self.clock)  # type: ignore[arg-type]
            runner, changed = Runner(means, mapping), asyncio.Event()
            running = asyncio.ensure_future(runner.run(changed))
            for _ in range(LOOKS_MAX):
                await asyncio.sleep(0.001)
                self.clock.advance(0.05)
                if until():
                    break
            else:
                raise AssertionError("it did not come about")
            changed.set()
            runner.wake.set()
            await running

        asyncio.run(whole())

    async def run(self, record: dict[str, Any], invocation: Any) -> Outcome:
        """The function."""
        self.events.append(orjson.loads(invocation.payload))
        outcome = self.outcomes.pop(0) if self.outcomes else DONE
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def authorize_role(self, role_arn: str, region: str, targets: list[tuple[str, str]], facts: Any = None) -> None:
        for action, _ in targets:
            if action in self.forbidden:
                self.tries += 1
                self.clock.advance(100)
                raise ApiError("AccessDeniedException", f"not authorized to perform: {action}")

    async def append(self, account: str, region: str, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        self.reports += [orjson.loads(message) for _, message in events]

    @property
    def delivered(self) -> list[int]:
        records = [record for event in self.events for record in event["Records"]]
        return [int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in records]

    def result(self, mapping: dict[str, Any]) -> str:
        with self.store.view() as view:
            return mappings.result_of(view, path_of(mapping))


def _put_function(view: View, request: None, now: float) -> tuple[None, Batch]:
    batch = Batch()
    path = (ACCOUNT, REGION, "f")
    registry.functions.put(batch, {"policies": {}, "tags": {}}, *path)
    registry.versions.put(batch, {"version": "$LATEST", "role": "role"}, *path, registry.version_part("$LATEST"))
    return None, batch


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = ManualClock()
    store = open_store(None, clock=clock)
    yield Scene(store, clock)
    store.close()


THROTTLED = ApiError("TooManyRequestsException", "Rate Exceeded.")


# What was processed is not delivered again by the next runner; what failed, or met a fault of ours, is.
@pytest.mark.parametrize("outcome", [FAILED, THROTTLED, ValueError("a fault of ours")])
def test_nothing_is_skipped(scene: Scene, outcome: Outcome | Exception) -> None:
    mapping = scene.map()
    for number in (1, 2, 3):
        scene.put(number)
    scene.outcomes = [DONE, *[outcome] * 1000]
    scene.deliver(mapping, lambda: len(scene.events) >= 3)
    first = scene.delivered
    assert first == [1, *[2] * (len(first) - 1)]
    scene.outcomes = []
    scene.deliver(mapping, lambda: scene.delivered[-1] == 3)
    assert scene.delivered[len(first) :] == [2, 3]


# The state of a tumbling window is part of the checkpoint.
def test_window_state_survives(scene: Scene) -> None:
    mapping = scene.map(tumbling_s=900)
    # So that the window stays open for the time of the test.
    scene.clock.advance(200)
    scene.put(1)
    scene.outcomes = [Outcome(b'{"state": {"sum": 1}}')]
    scene.deliver(mapping, lambda: scene.events)
    scene.put(2)
    scene.deliver(mapping, lambda: len(scene.events) >= 2)
    assert [event["state"] for event in scene.events] == [{}, {"sum": 1}]
    assert scene.events[0]["window"] == scene.events[1]["window"]


# A report that the destination takes comes before the next batch; one that it never takes is tried a few times, and then the
# stream goes on: the log has the report.
@pytest.mark.parametrize("refused", [False, True])
def test_reports(scene: Scene, refused: bool, capsys: pytest.CaptureFixture[str]) -> None:
    mapping = scene.map(retries=0, destination=GROUP)
    scene.put(1)
    scene.put(2)
    scene.outcomes = [FAILED]
    if refused:
        scene.forbidden = {"logs:PutLogEvents"}
    scene.deliver(mapping, lambda: scene.delivered == [1, 2])
    assert scene.tries == (5 if refused else 0)
    conditions = [report["requestContext"]["condition"] for report in scene.reports]
    assert conditions == ([] if refused else ["RetryAttemptsExhausted"])
    lost = "a report of records that were given up could not be delivered" in capsys.readouterr().err
    assert lost is refused


# What keeps a mapping from delivering is told, once in the log, and delivery begins when it is gone.
def test_hindrance(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    mapping = scene.map()
    scene.put(1)
    scene.forbidden = {"dynamodb:GetRecords"}
    scene.deliver(mapping, lambda: scene.tries)
    assert scene.result(mapping).startswith(f"PROBLEM: Cannot access stream {scene.source}. ")
    assert scene.events == []
    assert capsys.readouterr().err.count("a mapping cannot deliver") == 1
    scene.forbidden = set()
    scene.deliver(mapping, lambda: scene.result(mapping) == "OK")
    assert scene.delivered == [1]


# Filtered changes are passed over for good, although no call ever tells of them.
def test_filtered_changes_move_the_checkpoint(scene: Scene) -> None:
    mapping = scene.map(filters=['{"eventName": ["REMOVE"]}'])
    for number in range(3):
        scene.put(number)
    looks = iter(range(20))
    scene.deliver(mapping, lambda: next(looks) == 10)
    with scene.store.view() as view:
        places = [mappings.checkpoints.get(view, *path_of(mapping), str(slice_)) for slice_ in range(4)]
    assert scene.events == []
    assert all(place is not None and place["lanes"][0]["position"] > 3 for place in places)
