"""The plans that change mappings, over a real store: states, places to begin at, and what must not be overtaken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.base.errors import ApiError
from tabletop.dynamodb.service import DynamoDb
from tabletop.dynamodb.streams import shards
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.checker import problems
from tabletop.functions.event_sources.mappings import Advance, Retag, Update
from tabletop.storage import prefixes
from tabletop.storage.engine import LmdbStore, open_store
from tabletop.storage.store import Batch, after_prefix

PATH = ("000000000000", "us-east-1", "u")


@pytest.fixture
def store() -> Iterator[LmdbStore]:
    opened = open_store(None, clock=ManualClock())
    yield opened
    opened.close()


@pytest.fixture
def source(store: LmdbStore) -> str:
    """The ARN of a stream with one change."""
    service = DynamoDb(store)

    def ask(action: str, **body: Any) -> Any:
        call = Call("0", PATH[0], PATH[1], Principal("root", PATH[0], f"arn:aws:iam::{PATH[0]}:root", PATH[0]), 0.0)
        operation, decoded = service.decode(action, orjson.dumps(body), call)
        answers: list[Any] = []
        service.run(operation, call, decoded, answers.append)
        return orjson.loads(answers[0]) if isinstance(answers[0], bytes) else answers[0]

    made = ask(
        "CreateTable",
        TableName="table",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    ask("PutItem", TableName="table", Item={"p": {"S": "k"}})
    return str(made["TableDescription"]["LatestStreamArn"])


def mapping_of(source: str, **members: Any) -> dict[str, Any]:
    account, region, uuid = PATH
    named = {"uuid": uuid, "account": account, "region": region, "function": "f", "qualifier": "", "source": source}
    return {**named, "starting_position": "LATEST", "enabled": True, "tags": {}} | members


def commit(store: LmdbStore, plan: Any, request: Any) -> Any:
    answers: list[Any] = []
    store.submit(plan, request, answers.append)
    (answer,) = answers
    if isinstance(answer, BaseException):
        raise answer
    return answer


def settled(store: LmdbStore, source: str, **members: Any) -> dict[str, Any]:
    """A mapping whose creation is over."""
    commit(store, mappings.create, mapping_of(source, **members))
    commit(store, mappings.settle, (PATH, 1))
    return found(store)


def found(store: LmdbStore) -> dict[str, Any]:
    with store.view() as view:
        return mappings.find(view, PATH)


def refused(store: LmdbStore, plan: Any, request: Any) -> str:
    with pytest.raises(ApiError) as caught:
        commit(store, plan, request)
    return f"{caught.value.code}: {caught.value.message}"


# The place to begin at is fixed by the commit that makes the mapping: what is written after it is delivered.
@pytest.mark.parametrize("kind", ["LATEST", "TRIM_HORIZON"])
def test_checkpoints_are_made_with_the_mapping(store: LmdbStore, source: str, kind: str) -> None:
    commit(store, mappings.create, mapping_of(source, starting_position=kind))
    with store.view() as view:
        stream = mappings.stream_at(view, source)
        assert stream is not None
        expected = shards.read_state(view, stream["number"]).sequence + 1 if kind == "LATEST" else 0
        places = [mappings.checkpoints.get(view, *PATH, str(slice_)) for slice_ in range(shards.SLICES)]
    assert places == [{"lanes": [{"position": expected, "window": None}]}] * shards.SLICES


# Each transition ends in the state that is wanted, and only if nobody changed the mapping meanwhile.
def test_states(store: LmdbStore, source: str) -> None:
    commit(store, mappings.create, mapping_of(source, enabled=False))
    assert found(store)["state"] == "Creating"
    commit(store, mappings.settle, (PATH, 0))
    assert found(store)["state"] == "Creating"
    commit(store, mappings.settle, (PATH, 1))
    assert found(store)["state"] == "Disabled"
    for changes, state, end in (
        ({"enabled": True}, "Enabling", "Enabled"),
        ({"batch_size": 5}, "Updating", "Enabled"),
        ({"enabled": False}, "Disabling", "Disabled"),
    ):
        assert commit(store, mappings.update, Update(PATH, changes))["state"] == state
        commit(store, mappings.settle, (PATH, found(store)["edition"]))
        assert found(store)["state"] == end
    assert commit(store, mappings.delete, PATH)["state"] == "Deleting"
    commit(store, mappings.settle, (PATH, found(store)["edition"]))
    assert found(store)["state"] == "Deleting"


# A mapping in transition takes no update, and one that is updating no deletion; a new one may be deleted.
def test_in_use(store: LmdbStore, source: str) -> None:
    commit(store, mappings.create, mapping_of(source))
    in_use = "ResourceInUseException: Cannot {} the event source mapping because it is in use."
    assert refused(store, mappings.update, Update(PATH, {})) == in_use.format("update")
    commit(store, mappings.settle, (PATH, 1))
    commit(store, mappings.update, Update(PATH, {"batch_size": 1}))
    assert refused(store, mappings.delete, PATH) == in_use.format("delete")
    commit(store, mappings.settle, (PATH, 2))
    commit(store, mappings.delete, PATH)
    assert refused(store, mappings.delete, PATH) == in_use.format("delete")


# One function has one mapping to a stream; an alias of it may have another. An update cannot make twins either.
def test_twins(store: LmdbStore, source: str) -> None:
    settled(store, source)
    assert refused(store, mappings.create, mapping_of(source, uuid="v")).startswith("ResourceConflictException: ")
    commit(store, mappings.create, mapping_of(source, uuid="v", qualifier="live"))
    twin = Update(PATH, {"qualifier": "live"})
    assert refused(store, mappings.update, twin).endswith("existing mapping with UUID v")


# There is no mapping to a stream that is not there.
def test_missing_stream(store: LmdbStore, source: str) -> None:
    missing = source.rpartition("/")[0] + "/2020-01-01T00:00:00.000"
    wanted = f"InvalidParameterValueException: Stream not found: {missing}"
    assert refused(store, mappings.create, mapping_of(missing)) == wanted


# The checker finds a mapping whole, and each kind of damage to it.
def test_checker(store: LmdbStore, source: str) -> None:
    settled(store, source)
    commit(store, mappings.advance, Advance(PATH, (), "OK"))
    assert problems_of(store) == []

    def damage(view: object, request: None, now: float) -> tuple[None, Batch]:
        batch = Batch()
        mappings.checkpoints.delete(batch, *PATH, "2")
        mappings.results.put(batch, {"text": "OK"}, *PATH[:2], "nobody")
        return None, batch

    commit(store, damage, None)
    found = problems_of(store)
    assert len(found) == 2
    assert found[0].endswith("event-source-mapping:u has no checkpoint for slice 2")
    assert "nobody" in found[1]


def problems_of(store: LmdbStore) -> list[str]:
    with store.view() as view:
        return list(problems(view))


# A mapping that is gone leaves nothing behind, and a late checkpoint does not bring any of it back.
def test_removal(store: LmdbStore, source: str) -> None:
    settled(store, source)
    late = Advance(PATH, ((0, [{"position": 9, "window": None}]),), "OK")
    commit(store, mappings.advance, late)
    with store.view() as view:
        assert mappings.result_of(view, PATH) == "OK"
    commit(store, mappings.remove, PATH)
    commit(store, mappings.advance, late)
    with store.view() as view:
        assert list(view.range(prefixes.FUNCTIONS, after_prefix(prefixes.FUNCTIONS))) == []
    assert refused(store, mappings.retag, Retag(PATH, {"a": "b"}, ())).startswith("ResourceNotFoundException")
