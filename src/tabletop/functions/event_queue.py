"""Asynchronous invocations: accepted when durable, run soon, tried again after errors, and gone when done.

An event is a document in the store from its acceptance until it has succeeded or has been given up; a killed server
therefore delivers it after the next start (perhaps a second time: at least once, as on AWS). In memory there is only
a heap of (when, id). A function error is tried again after one minute and after two more; a refusal for want of room,
with growing waits, for up to six hours; a function's event invoke configuration may bound both. What destinations and
dead-letter targets get is put in the queue by the commit that takes the event out of it.
"""

from __future__ import annotations

import asyncio
import base64
import heapq
import math
from typing import Any

from tabletop.base import randomness
from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions import attachments, limits, registry
from tabletop.functions.destinations import Condition, End, followers
from tabletop.functions.invocations import Invocation, Invoker
from tabletop.functions.limits import Settings
from tabletop.functions.names import Reference
from tabletop.functions.outcomes import Outcome
from tabletop.functions.ports import Logs, Roles
from tabletop.storage.store import Batch, Store, View

_log = Log("functions")


CLOCK_SLACK_S = 60.0


class EventQueue:
    def __init__(
        self, store: Store, logs: Logs, roles: Roles, invoker: Invoker, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._roles = roles
        self._logs = logs
        self._invoker = invoker
        self._settings = settings
        self._clock = clock
        self._delay_s_max = max((*settings.event_retry_delays_s, settings.event_throttle_delay_s_max)) + CLOCK_SLACK_S
        self._waiting: list[tuple[float, str]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._open = False

    def start(self) -> None:
        """Take up what an earlier server left."""
        self._open = True
        with self._store.view() as view:
            self._waiting = [(event["due"], event_id) for event_id, event in registry.events.below(view)]
        heapq.heapify(self._waiting)
        self._run_due()

    async def stop(self) -> None:
        """Stop delivering; what is not done stays in the store."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))

    async def put(self, reference: Reference, invocation: Invocation) -> None:
        """Durable on return. Raises TooManyRequestsException when too many wait already."""
        if len(self._waiting) >= self._settings.events_max:
            raise ApiError("TooManyRequestsException", "Rate Exceeded.", status=429, fields={"Type": "User"})
        now = self._clock()
        event_id = f"{int(now * 1000):015d}-{invocation.request_id}"
        event = {
            "id": event_id,
            "account": reference.account,
            "region": reference.region,
            "name": reference.name,
            "qualifier": reference.qualifier,
            "request_id": invocation.request_id,
            "payload": base64.b64encode(invocation.payload).decode(),
            "client_context": invocation.client_context,
            "accepted": now,
            "due": now,
            "errors": 0,
            "refusals": 0,
        }
        await self._store.commit(_put_event, event)
        heapq.heappush(self._waiting, (now, event_id))
        self._run_due()

    async def settle(self) -> None:
        """Return when nothing is running and nothing is due."""
        while self._running:
            await asyncio.wait(set(self._running))

    def _run_due(self) -> None:
        if not self._open:
            return
        now = self._clock()
        while self._waiting and len(self._running) < self._settings.events_at_once:
            # What is due later than any delay explains was put off before the clock was put back.
            if now < self._waiting[0][0] <= now + self._delay_s_max:
                break
            _, event_id = heapq.heappop(self._waiting)
            task = asyncio.get_running_loop().create_task(self._deliver(event_id))
            self._running.add(task)
            task.add_done_callback(self._delivered)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and len(self._running) < self._settings.events_at_once:
            wait_s = max(0.001, self._waiting[0][0] - now)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._run_due)

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an asynchronous invocation failed within Tabletop", error=task.exception())
        self._run_due()

    async def _deliver(self, event_id: str) -> None:
        with self._store.view() as view:
            event = registry.events.get(view, event_id)
        if event is None:
            return
        if "group" in event:
            await self._append(event)
            return
        reference = Reference(event["account"], event["region"], event["name"], event["qualifier"])
        try:
            with self._store.view() as view:
                record = registry.version_to_run(view, reference, randomness.fraction())
                function = registry.function_of(view, reference)
                config = attachments.of(attachments.event_configs, view, reference) or {}
        except ApiError:
            await self._finish(event, [])
            return
        if event.get("hops", 0) > limits.RECURSION_HOPS_MAX and function.get("recursion", "Terminate") == "Terminate":
            _log.warning("a recursive chain of invocations was stopped", function=reference.arn)
            await self._finish(event, [])
            return
        age_s_max = min(config.get("age_s", math.inf), self._settings.event_age_s_max)
        if self._clock() - event["accepted"] > age_s_max:
            await self._give_up(event, config, "EventAgeExceeded", record, None)
            return
        if function.get("reserved") == 0:
            # As on AWS: nothing of a function that may not run is kept waiting. The name of the condition is inferred.
            await self._give_up(event, config, "RetriesExhausted", record, None)
            return
        outcome: Outcome | None = None
        try:
            payload = base64.b64decode(event["payload"])
            invocation = Invocation(event["request_id"], payload, reference.arn, event["client_context"])
            # When the server stops, this task ends at once and the event stays; the sandbox is ended by its pool.
            outcome = await asyncio.shield(asyncio.ensure_future(self._invoker.run(record, invocation)))
            if not outcome.error:
                end = End("Success", record, outcome, event["errors"] + 1, self._clock())
                await self._finish(event, followers(self._roles, event, config, end))
                return
            later = self._after_error(event, config.get("retries"))
        except ApiError as error:
            later = self._after_refusal(event, error)
        if later is None:
            await self._give_up(event, config, "RetriesExhausted", record, outcome)
        elif self._clock() + later - event["accepted"] > age_s_max:
            await self._give_up(event, config, "EventAgeExceeded", record, outcome)
        else:
            event["due"] = self._clock() + later
            await self._store.commit(_put_event, event)
            heapq.heappush(self._waiting, (event["due"], event_id))

    async def _append(self, event: dict[str, Any]) -> None:
        message = base64.b64decode(event["payload"]).decode("utf-8", "replace")
        moment = int(event["accepted"] * 1000)
        await self._logs.append(event["account"], event["region"], event["group"], event["stream"], [(moment, message)])
        await self._finish(event, [])

    async def _give_up(
        self,
        event: dict[str, Any],
        config: dict[str, Any],
        condition: Condition,
        record: dict[str, Any],
        outcome: Outcome | None,
    ) -> None:
        _log.warning(
            "an asynchronous invocation was given up",
            function=event["name"],
            request_id=event["request_id"],
            condition=condition,
        )
        end = End(condition, record, outcome, event["errors"], self._clock())
        await self._finish(event, followers(self._roles, event, config, end))

    async def _finish(self, event: dict[str, Any], following: list[dict[str, Any]]) -> None:
        """The event is done; what follows from it is in the store with the same commit."""
        await self._store.commit(_finish_event, (event["id"], following))
        for follower in following:
            heapq.heappush(self._waiting, (follower["due"], follower["id"]))

    def _after_error(self, event: dict[str, Any], retries_max: int | None) -> float | None:
        """Seconds until the next try, or None when it was the last."""
        errors = event["errors"] = int(event["errors"]) + 1
        delays = self._settings.event_retry_delays_s[:retries_max]
        return delays[errors - 1] if errors <= len(delays) else None

    def _after_refusal(self, event: dict[str, Any], error: ApiError) -> float | None:
        if error.code == "ResourceNotFoundException":
            # The function went while the event waited.
            return None
        refusals = event["refusals"] = int(event["refusals"]) + 1
        settings = self._settings
        growth = float(2 ** min(refusals - 1, 20))
        return min(settings.event_throttle_delay_s * growth, settings.event_throttle_delay_s_max)


def _put_event(view: View, event: dict[str, Any], now: float) -> tuple[None, Batch]:
    batch = Batch()
    registry.events.put(batch, event, event["id"])
    return None, batch


def _finish_event(view: View, request: tuple[str, list[dict[str, Any]]], now: float) -> tuple[None, Batch]:
    event_id, following = request
    batch = Batch()
    registry.events.delete(batch, event_id)
    for follower in following:
        registry.events.put(batch, follower, follower["id"])
    return None, batch
