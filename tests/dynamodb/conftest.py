"""What tests of the database share: a DynamoDB of their own, whose store is proved whole at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dynamo import Dynamo

from tabletop.base.clock import ManualClock
from tabletop.storage.engine import open_store


@pytest.fixture
def dynamo() -> Iterator[Dynamo]:
    clock = ManualClock()
    store = open_store(None, clock=clock)
    opened = Dynamo(store, clock)
    yield opened
    found = opened.problems()
    store.close()
    assert found == []
