"""DynamoDB in this process, and its clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stream_api import Api

from tabletop.base.clock import ManualClock
from tabletop.storage.engine import open_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def api(clock: ManualClock) -> Iterator[Api]:
    """Its store is proved whole at the end."""
    store = open_store(None, clock=clock)
    opened = Api(store, clock)
    yield opened
    found = opened.problems()
    store.close()
    assert found == []
