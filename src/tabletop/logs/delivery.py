"""The delivery of new events to subscribers: at least once, in order of arrival for each filter.

The plan that writes events puts one *parcel* for each filter of the group beside them: which events they are, not the
events themselves. A parcel goes when its subscriber has taken the events over, durably; so a killed server delivers
after its next start, some events perhaps a second time. Matching and packing happen here, not on the writer's path.

A subscriber that has no room is asked again with growing waits, for a day, as on AWS; one that is gone or does not
permit it loses the parcel, with a line in the log.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from tabletop.base.clock import Stopwatch, system_stopwatch
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.logs import keys
from tabletop.logs.keys import Position
from tabletop.logs.parcels import Parcel
from tabletop.logs.pattern import compile_pattern
from tabletop.logs.ports import Subscribers
from tabletop.logs.read import event_form, position_digits
from tabletop.logs.records import GROUPS, Record, group_arn
from tabletop.logs.subscriptions import filters_of, loop
from tabletop.storage.store import Batch, Store, View, after_prefix

MESSAGE_BYTES_MAX = 700_000
"""Of events in one message: incompressible and in base64 it still fits an asynchronous invocation."""
PARCELS_PER_STEP = 1_000
GIVEN_UP_AFTER_S = 24 * 3600
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 300.0
_IDLE_S = 60.0
_log = Log("logs")


class _Due(NamedTuple):
    key: bytes
    parcel: Parcel
    filter: Record | None
    """None: the filter or its group is gone."""
    events: list[dict[str, Any]]


class Delivery:
    """``run`` delivers until it is cancelled; ``wake`` tells it that something was written."""

    def __init__(self, store: Store, stopwatch: Stopwatch = system_stopwatch) -> None:
        self._store = store
        self._stopwatch = stopwatch
        self._woken = asyncio.Event()
        self._held: dict[bytes, tuple[float, float]] = {}
        """Prefix of a filter's parcels -> (when to try again, the wait after that)."""
        self._served = keys.parcels_prefix()
        """The prefix of the filter that was served last: the ones behind it come first, so that none starves."""

    def wake(self) -> None:
        self._woken.set()

    async def run(self, subscribers: Subscribers) -> None:
        while True:
            self._woken.clear()
            try:
                while await self.step(subscribers):
                    pass
            except Exception as error:
                _log.error("subscription filters could not be served", fault=repr(error))
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
            timer = asyncio.get_running_loop().call_later(self._wait_s(), self._woken.set)
            await self._woken.wait()
            timer.cancel()

    async def step(self, subscribers: Subscribers) -> bool:
        """Deliver the oldest parcel that may go now. False when there is none."""
        now = self._stopwatch()
        with self._store.view() as view:
            due = next(self._due(view, now), None)
        if due is None:
            return False
        prefix = self._served = due.key[:-8]
        if due.filter is None:
            self._held.pop(prefix, None)
            await self._store.commit(_drop_all, prefix)
        elif await self._delivered(subscribers, due, due.filter):
            self._held.pop(prefix, None)
            await self._store.commit(_drop, due.key)
        else:
            wait_s = self._held[prefix][1] if prefix in self._held else RETRY_FIRST_S
            self._held[prefix] = (now + wait_s, min(2 * wait_s, RETRY_MAX_S))
        return True

    def _due(self, view: View, now: float) -> Iterator[_Due]:
        """The oldest parcel of each filter that is not held."""
        first, middle = keys.parcels_prefix(), after_prefix(self._served)
        for begin, stop in ((middle, after_prefix(first)), (first, middle)):
            start = begin
            while (found := next(iter(view.range(start, stop)), None)) is not None:
                key, raw = found
                prefix = key[:-8]
                if prefix not in self._held or self._held[prefix][0] <= now:
                    yield _opened(view, key, Parcel(*orjson.loads(raw)))
                start = after_prefix(prefix)

    async def _delivered(self, subscribers: Subscribers, due: _Due, wanted: Record) -> bool:
        """True when the parcel is done with, one way or the other; False when it is to be tried again."""
        parcel = due.parcel
        source = f"{group_arn(parcel.account, parcel.region, parcel.group)}:*"
        place = (parcel.account, parcel.region, wanted["destination"])
        try:
            for message in _messages(parcel, wanted, due.events):
                if not await subscribers.reachable(*place, source):
                    raise ApiError("AccessDeniedException", "The function is gone or does not permit it.")
                if await subscribers.own_log_group(*place) == parcel.group:
                    # The function's log group was set anew after the filter was put.
                    raise loop()
                if not await subscribers.deliver(*place, message):
                    if await self._store.commit(_age, parcel.written) < GIVEN_UP_AFTER_S:
                        return False
                    raise ApiError("ServiceUnavailableException", "The function had no room for a day.")
        except ApiError as error:
            _log.warning(
                "log events did not reach a subscriber",
                group=parcel.group,
                filter=wanted["name"],
                destination=wanted["destination"],
                reason=error.message or error.code,
            )
        except Exception as error:
            # The world's fault or ours: this filter waits, the others do not.
            _log.error("a subscriber could not be served", group=parcel.group, filter=wanted["name"], fault=repr(error))
            return False
        return True

    def _wait_s(self) -> float:
        if not self._held:
            return _IDLE_S
        return max(0.01, min(held[0] for held in self._held.values()) - self._stopwatch())


def _opened(view: View, key: bytes, parcel: Parcel) -> _Due:
    group_number, filter_number = keys.parcel_numbers(key)
    group = GROUPS.get(view, parcel.account, parcel.region, parcel.group)
    if group is None or group["number"] != group_number:
        return _Due(key, parcel, None, [])
    wanted = next((one for one in filters_of(group) if one["number"] == filter_number), None)
    if wanted is None:
        return _Due(key, parcel, None, [])
    events: list[dict[str, Any]] = []
    try:
        matches = compile_pattern(wanted["pattern"])
    except ApiError:
        # Taken by an earlier version that knew fewer bounds: it matches nothing.
        return _Due(key, parcel, wanted, events)
    for sequence, timestamp in enumerate(parcel.timestamps, parcel.first):
        position = Position(timestamp, sequence)
        event_key = keys.event_key(group_number, parcel.stream_number, position)
        raw = view.get(event_key)
        # What retention or the stream's deletion has taken away meanwhile is not delivered.
        if raw is not None:
            event = event_form(event_key, raw)
            if matches(event["message"]):
                events.append({"id": position_digits(position), "timestamp": timestamp, "message": event["message"]})
    return _Due(key, parcel, wanted, events)


def _messages(parcel: Parcel, wanted: Record, events: list[dict[str, Any]]) -> Iterator[bytes]:
    """What the subscriber gets: ``{"awslogs": {"data": gzipped JSON in base64}}``, in parts of a bounded size."""
    part: list[dict[str, Any]] = []
    size = 0
    for event in events:
        event_bytes = len(orjson.dumps(event))
        if part and size + event_bytes > MESSAGE_BYTES_MAX:
            yield _message(parcel, wanted, part)
            part, size = [], 0
        part.append(event)
        size += event_bytes
    if part:
        yield _message(parcel, wanted, part)


def _message(parcel: Parcel, wanted: Record, events: list[dict[str, Any]]) -> bytes:
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": parcel.account,
        "logGroup": parcel.group,
        "logStream": parcel.stream,
        "subscriptionFilters": [wanted["name"]],
        "logEvents": events,
    }
    packed = gzip.compress(orjson.dumps(content), compresslevel=1, mtime=0)
    return orjson.dumps({"awslogs": {"data": base64.b64encode(packed).decode()}})


def _drop(view: View, key: bytes, now: float) -> tuple[None, Batch]:
    batch = Batch()
    batch.delete(key)
    return None, batch


def _drop_all(view: View, prefix: bytes, now: float) -> tuple[None, Batch]:
    """A bounded part of the parcels of a filter that is gone."""
    batch = Batch()
    for key, _ in islice(view.range(prefix, after_prefix(prefix)), PARCELS_PER_STEP):
        batch.delete(key)
    return None, batch


def _age(view: View, written: float, now: float) -> tuple[float, None]:
    return now - written, None
