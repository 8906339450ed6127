"""The workloads of the comparison do what their names say: a benchmark of refused or empty requests would measure nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from benchmarks.compare import workloads

from tabletop.base.call import Call, Principal
from tabletop.base.clock import ManualClock
from tabletop.dynamodb.service import DynamoDb
from tabletop.storage.engine import LmdbStore, open_store

ACCOUNT = "000000000000"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


@pytest.fixture(scope="module")
def loaded() -> Iterator[LmdbStore]:
    store = open_store(None, clock=ManualClock())
    _answer(store, "CreateTable", json.dumps(workloads.TABLE_DEFINITION).encode())
    for batch in workloads.batches():
        _answer(store, "BatchWriteItem", json.dumps(batch).encode())
    yield store
    store.close()


def _answer(store: LmdbStore, action: str, body: bytes) -> Any:
    service = DynamoDb(store)
    call = Call("id", ACCOUNT, "us-east-1", ROOT, 1_700_000_000.0)
    operation, decoded = service.decode(action, body, call)
    answers: list[Any] = []
    service.run(operation, call, decoded, answers.append)
    (answer,) = answers
    if isinstance(answer, BaseException):
        raise answer
    return json.loads(answer) if isinstance(answer, bytes) else answer


# Every workload's requests are accepted, several in a row, and its first answer holds what the workload is named for.
@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_a_workload_is_served_and_its_answer_is_the_expected_one(loaded: LmdbStore, name: str) -> None:
    requests = workloads.requests(name)
    assert len(requests) >= 500
    answers = [_answer(loaded, *request) for request in requests[:8]]
    assert workloads.expected_answer(name)(answers[0])


# The data set is what the report says: 10,000 items of about 1 KB, 20 to a partition, and 20 to a partition of the index.
def test_the_data_is_as_described(loaded: LmdbStore) -> None:
    one = workloads.item(4321)
    assert 900 < len(json.dumps(one)) < 1100
    values = {":g": one["g"]}
    found = _answer(
        loaded,
        "Query",
        json.dumps(
            {
                "TableName": workloads.TABLE,
                "IndexName": "by-g",
                "KeyConditionExpression": "g = :g",
                "ExpressionAttributeValues": values,
            }
        ).encode(),
    )
    assert found["Count"] == 20
    assert len({each["s"]["S"] for each in found["Items"]}) == 20


# A put of what is there already is no write in Tabletop: every put of a workload changes its item, in later rounds too.
@pytest.mark.parametrize("name", ["PutItem", "BatchWriteItem of 25", "TransactWriteItems of 4"])
def test_every_put_changes_its_item(name: str) -> None:
    stored: dict[str, Any] = {}
    made = workloads.requests(name)[:400]
    changed = []
    for _, payload in made + made:
        for item in _items_in(json.loads(payload)):
            key = item["p"]["S"] + item["s"]["S"]
            changed.append(stored.get(key) != item)
            stored[key] = item
    # Where the requests begin again, those of the last hundred items may be as they are.
    assert sum(changed) > 0.95 * len(changed)


def _items_in(value: Any) -> Iterator[Any]:
    """Every Item of a request, at any depth."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "Item":
                yield member
            else:
                yield from _items_in(member)
    elif isinstance(value, list):
        for element in value:
            yield from _items_in(element)
