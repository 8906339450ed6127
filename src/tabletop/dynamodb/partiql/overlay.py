"""A view as it will be when a batch is stored: for statements of one request that see those before them."""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.storage.store import Batch, View


class Overlay:
    """A View for the write path, which looks keys up. Ranges are those of the view below, without the batch."""

    version = None

    def __init__(self, view: View) -> None:
        self._view = view
        self.batch = Batch()

    def get(self, key: bytes) -> bytes | None:
        writes = self.batch.writes
        return writes[key] if key in writes else self._view.get(key)

    def range(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self._view.range(start, stop, reverse=reverse)

    def add(self, batch: Batch) -> None:
        """Store the batch in this one, over what it holds."""
        self.batch.writes.update(batch.writes)
        for counter, amounts in batch.amounts.items():
            self.batch.add(counter, *amounts)
