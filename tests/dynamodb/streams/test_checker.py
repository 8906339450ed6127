"""The checker sees each kind of damage to the change log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stream_api import Api

from tabletop.dynamodb import checker, keys
from tabletop.storage.engine import open_store
from tabletop.storage.store import Batch, View, after_prefix


def first(view: View, prefix: bytes) -> tuple[bytes, bytes]:
    return next(iter(view.range(prefix, after_prefix(prefix))))


def lose_generation(view: View, batch: Batch) -> None:
    batch.delete(keys.generation_key(1, 1))


def lose_stream(view: View, batch: Batch) -> None:
    batch.delete(first(view, keys.stream_prefix())[0])


def lose_state(view: View, batch: Batch) -> None:
    batch.delete(keys.sequence_key(1))


def lose_tending(view: View, batch: Batch) -> None:
    batch.delete(first(view, keys.tending_prefix())[0])


def move_change(view: View, batch: Batch) -> None:
    key, value = first(view, keys.change_prefix(1))
    batch.delete(key)
    batch.put(keys.change_key(1, (key[-9] + 1) % 4, keys.sequence_of(key)), value)


def repeat_number(view: View, batch: Batch) -> None:
    key, value = first(view, keys.change_prefix(1))
    batch.put(keys.change_key(1, (key[-9] + 1) % 4, keys.sequence_of(key)), value)


def future_change(view: View, batch: Batch) -> None:
    key, value = first(view, keys.change_prefix(1))
    batch.put(keys.change_key(1, key[-9], 1000), value)


def ownerless_change(view: View, batch: Batch) -> None:
    key, value = first(view, keys.change_prefix(1))
    batch.put(keys.change_key(77, key[-9], 1), value)


# Each damage is done to a whole log, and named.
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose_generation, "are open"),
        (lose_stream, "its stream is missing"),
        (lose_state, "nothing tells where it stands"),
        (lose_tending, "will never be tended"),
        (move_change, "is not in the slice of its item"),
        (repeat_number, "two changes have the sequence number"),
        (future_change, "is in no shard"),
        (ownerless_change, "which is nowhere described"),
    ],
)
def test_damage_is_found(damage: Callable[[View, Batch], None], said: str) -> None:
    store = open_store(None)
    api = Api(store, lambda: 1_700_000_000.0)  # type: ignore[arg-type]
    api.create()
    for n in range(8):
        api.put(f"p{n}")
    assert api.problems() == []

    def plan(view: View, request: None, now: float) -> tuple[None, Batch]:
        batch = Batch()
        damage(view, batch)
        return None, batch

    store.submit(plan, None, lambda answer: None)
    with store.view() as view:
        found = "\n".join(checker.problems(view))
    store.close()
    assert said in found
