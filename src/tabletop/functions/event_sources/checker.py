"""Proves the mappings whole: each has a checkpoint for every slice of a stream, and nothing is kept of one that is gone."""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.dynamodb.streams import shards
from tabletop.functions.event_sources.mappings import arn_of, checkpoints, everywhere, path_of, results
from tabletop.storage.store import View, after_prefix


def problems(view: View) -> Iterator[str]:
    """One line for each thing that is wrong."""
    wanted: set[bytes] = set()
    allowed: set[bytes] = set()
    for mapping in everywhere(view):
        path = path_of(mapping)
        allowed.add(results.key(*path))
        for slice_ in range(shards.SLICES):
            key = checkpoints.key(*path, str(slice_))
            wanted.add(key)
            if view.get(key) is None:
                yield f"{arn_of(mapping)} has no checkpoint for slice {slice_}"
    for kind in (results, checkpoints):
        base = kind.key()
        for key, _ in view.range(base, after_prefix(base)):
            if key not in wanted | allowed:
                yield f"something is kept of an event source mapping that is not there: {key[len(base) :]!r}"
