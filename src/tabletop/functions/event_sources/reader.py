"""One slice of a stream, read through its shards in order, and dealt out to lanes.

A slice holds all changes of its items, and its sequence numbers go on from one shard to the next: so one number says
where reading stands. A shard is left when its last batch is done; its child comes after it, as on AWS.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.dynamodb import keys
from tabletop.dynamodb.streams import reading, shards
from tabletop.dynamodb.streams.shards import Shard
from tabletop.functions.event_sources.events import Change, shaped
from tabletop.functions.event_sources.lanes import Lane
from tabletop.functions.event_sources.patterns import Match
from tabletop.storage.store import View

QUEUED_BYTES_MAX = 16 * 1024 * 1024
"""Changes that a reader holds ready for its lanes; beyond it, it waits."""
READS_MAX = 4
READ_ITEMS_MAX = 250
"""So many reads, of so many changes altogether, in one call of ``fill``: a few milliseconds of the event loop's time."""
QUEUED_BATCHES_MAX = 2
"""And for each lane so many whole batches, at least ``reading.RECORDS_MAX`` changes in all."""


class Reader:
    """``lanes`` begin where their checkpoint stands; ``position`` is where the first of them does."""

    def __init__(self, slice_: int, lanes: list[Lane], batch_items_max: int, match: Match | None) -> None:
        self.slice = slice_
        self.lanes = lanes
        self.shard: Shard | None = None
        self.exhausted = False
        """The stream is disabled, and all of the slice is done."""
        self.lost = False
        """Changes were trimmed before they were read. For the owner to note and take back."""
        self.behind = False
        """There may be more to read at once."""
        self._match = match
        self._queued_max = max(QUEUED_BATCHES_MAX * batch_items_max * len(lanes), reading.RECORDS_MAX)
        self._position = min(lane.position for lane in lanes)
        self._ended = False

    def fill(self, view: View, stream: dict[str, Any], now: float) -> None:
        """Read what there is, as long as there is room for it, in one go so much that nobody else waits long."""
        number = stream["number"]
        self.behind = False
        left = READ_ITEMS_MAX
        for _ in range(READS_MAX):
            room = min(self._room(), left)
            if room <= 0:
                self.behind = left <= 0 < self._room()
                return
            if self._ended and not self._leave_shard():
                return
            shard = self._current(view, number)
            if shard is None:
                self.exhausted = True
                return
            self.shard = shard
            try:
                records, following = reading.read(view, stream, shard, self._position, room)
            except ApiError:
                self.lost = True
                self._position = reading.trim_horizon(view, number, shard)
                continue
            left -= len(records)
            for raw in records:
                self._deal(raw, stream["arn"], now)
            if following is None:
                assert shard.last is not None
                self._ended, following = True, shard.last + 1
            self._position = following
            for lane in self.lanes:
                lane.read_to(following - 1)
                lane.ended = self._ended
            if not records and not self._ended:
                return
        self.behind = self._room() > 0

    def _room(self) -> int:
        """How many more changes may be read."""
        if sum(lane.queued_bytes for lane in self.lanes) >= QUEUED_BYTES_MAX:
            return 0
        return self._queued_max - sum(lane.queued for lane in self.lanes)

    def _leave_shard(self) -> bool:
        """Go on to the child if every lane is done with the shard."""
        if not all(lane.spent for lane in self.lanes):
            return False
        self._ended = False
        for lane in self.lanes:
            lane.ended = False
        self.shard = None
        return True

    def _current(self, view: View, number: int) -> Shard | None:
        """The shard in which the position lies, as it is now; None when there is none and will be none."""
        if self.shard is not None:
            found = shards.shard_at(view, number, self.shard.generation, self.slice)
            if found is not None:
                return found
        mine = [shard for shard in shards.shards(view, number) if shard.slice == self.slice]
        for shard in mine:
            if shard.last is None or shard.last >= self._position:
                if self._position == 0:
                    self._position = reading.trim_horizon(view, number, shard)
                elif self._position < shard.first:
                    trimmed = view.get(keys.trimmed_key(number, self.slice))
                    self.lost = self.lost or (trimmed is not None and int.from_bytes(trimmed, "big") >= self._position)
                    self._position = shard.first
                return shard
        return None

    def _deal(self, raw: bytes, stream_arn: str, now: float) -> None:
        record = orjson.loads(raw)
        body = record["dynamodb"]
        sequence = shards.parse_sequence(body["SequenceNumber"])
        assert sequence is not None
        lane = self.lanes[0] if len(self.lanes) == 1 else self.lanes[_lane_of(body["Keys"], len(self.lanes))]
        shaped(record, stream_arn)
        if self._match is None or self._match(record):
            made_s = float(body["ApproximateCreationDateTime"])
            lane.offer(Change(sequence, body["SequenceNumber"], made_s, orjson.dumps(record)), now)


def _lane_of(key: dict[str, Any], lanes: int) -> int:
    digest = hashlib.blake2b(orjson.dumps(key, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()
    return int.from_bytes(digest, "big") % lanes
