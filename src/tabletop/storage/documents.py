"""JSON documents over the store, for services whose records are few and small (IAM, functions, log groups).

A document's key is the service's prefix, a kind, and a path of strings; each part is ended by a zero byte (which no
AWS name contains), so that all documents below a path lie together, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tabletop.storage.store import Batch, View, after_prefix


class Documents:
    """One kind of document of one service: ``Documents(prefixes.IAM, "role")``."""

    def __init__(self, prefix: bytes, kind: str) -> None:
        self._prefix = prefix + kind.encode() + b"\0"

    def key(self, *path: str) -> bytes:
        return self._prefix + b"".join(part.encode() + b"\0" for part in path)

    def get(self, view: View, *path: str) -> dict[str, Any] | None:
        raw = view.get(self.key(*path))
        return None if raw is None else orjson.loads(raw)

    def put(self, batch: Batch, document: dict[str, Any], *path: str) -> None:
        batch.put(self.key(*path), orjson.dumps(document))

    def delete(self, batch: Batch, *path: str) -> None:
        batch.delete(self.key(*path))

    def below(self, view: View, *path: str, after: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """The documents below ``path`` in order of their keys, as (last part of the path, document).

        ``after``: begin behind the entry with this last part (for pagination).
        """
        base = self.key(*path)
        start = base if after is None else after_prefix(base + after.encode() + b"\0")
        for key, raw in view.range(start, after_prefix(base)):
            yield key[len(base) : -1].rsplit(b"\0", 1)[-1].decode(), orjson.loads(raw)

    def count(self, view: View, *path: str) -> int:
        """How many documents lie below ``path``."""
        base = self.key(*path)
        return sum(1 for _ in view.range(base, after_prefix(base)))
