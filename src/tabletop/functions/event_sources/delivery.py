"""One batch of one lane: the call of the function, or the report of what is given up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.clock import Clock
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.functions import destinations, registry
from tabletop.functions.event_queue import EventQueue
from tabletop.functions.event_sources import failures
from tabletop.functions.event_sources.events import WindowCall, plain_event, windowed_event
from tabletop.functions.event_sources.lanes import Batch, Lane
from tabletop.functions.event_sources.mappings import Record, arn_of
from tabletop.functions.event_sources.responses import judge
from tabletop.functions.event_sources.rules import Rules
from tabletop.functions.invocations import Invocation, Invoker
from tabletop.functions.names import Reference
from tabletop.functions.ports import Logs, Roles
from tabletop.storage.store import Store

_log = Log("functions")

OK = "OK"
CALL_FAILED = "PROBLEM: Function call failed"
_REPORT_TRIES_MAX = 5
"""A destination that cannot be reached must not hold up the stream for ever; then the log has the report."""


@dataclass(frozen=True, slots=True)
class Means:
    """What deliveries are made with: the neighbours within and around the functions service."""

    store: Store
    invoker: Invoker
    events: EventQueue
    roles: Roles
    logs: Logs
    clock: Clock


class Delivery:
    """Of one mapping as it was configured in one edition."""

    def __init__(self, means: Means, mapping: Record, rules: Rules) -> None:
        self._means = means
        self._mapping = mapping
        self._rules = rules
        self._function = reference_of(mapping)

    async def call(self, lane: Lane, batch: Batch, shard_id: str) -> str:
        """Invoke the function with the batch and tell the lane how it went; the result in LastProcessingResult's words."""
        request_id = randomness.new_uuid()
        invocation = Invocation(request_id, self._event(batch, shard_id), self._function.arn)
        try:
            with self._means.store.view() as view:
                record = registry.version_to_run(view, self._function, randomness.fraction())
            # As with asynchronous events: when the server stops, the sandbox is ended by its pool, and the batch stays.
            outcome = await asyncio.shield(asyncio.ensure_future(self._means.invoker.run(record, invocation)))
        except ApiError as error:
            lane.refused(self._means.clock())
            return problem_of(error)
        now = self._means.clock()
        batch.calls += 1
        batch.refusals = 0
        batch.last_error = outcome.error
        if outcome.error:
            lane.failed(now)
            return CALL_FAILED
        numbers = [change.number for change in batch.changes]
        windowed = batch.window is not None
        verdict = judge(outcome.payload, numbers, report_failures=self._rules.report_failures, windowed=windowed)
        if verdict.fault:
            _log.warning("a batch counts as failed by its answer", mapping=arn_of(self._mapping), reason=verdict.fault)
        lane.answered(verdict, now)
        # Reported failures are the function's own business: the call itself went well.
        return CALL_FAILED if verdict.fault else OK

    async def give_up(self, lane: Lane, batch: Batch, shard_id: str) -> str:
        """Report the batch where that is wanted, and drop it."""
        mapping, now = self._mapping, self._means.clock()
        if batch.changes:
            document = failures.report(
                batch,
                function_arn=self._function.arn,
                version=self._version(),
                stream_arn=mapping["source"],
                shard_id=shard_id,
                request_id=randomness.new_uuid(),
                now=now,
            )
            try:
                if mapping["destination"]:
                    await self._send(document)
            except ApiError as error:
                if batch.refusals + 1 < _REPORT_TRIES_MAX:
                    lane.refused(now)
                    return problem_of(error)
                _log.error(
                    "a report of records that were given up could not be delivered",
                    mapping=arn_of(mapping),
                    reason=error.message,
                    report=orjson.dumps(document).decode(),
                )
            _log.warning(
                "records of a stream were given up",
                mapping=arn_of(mapping),
                condition=batch.condition,
                shard=shard_id,
                first=batch.changes[0].number,
                last=batch.changes[-1].number,
                count=len(batch.changes),
            )
        lane.given_up()
        return CALL_FAILED

    async def _send(self, document: dict[str, Any]) -> None:
        arn = self._mapping["destination"]
        with self._means.store.view() as view:
            role = registry.version_of(view, self._function)["role"]
        self._means.roles.authorize_role(role, self._mapping["region"], destinations.destination_targets(arn))
        payload = orjson.dumps(document)
        target = destinations.target_of(arn)
        assert target is not None, "a destination is checked before it is stored"
        if isinstance(target, destinations.LogTarget):
            event = (int(self._means.clock() * 1000), payload.decode())
            stream = f"{self._function.name}/{self._mapping['uuid']}"
            await self._means.logs.append(target.account, target.region, target.group, stream, [event])
            return
        with self._means.store.view() as view:
            registry.version_of(view, target)
        await self._means.events.put(target, Invocation(randomness.new_uuid(), payload, target.arn))

    def _event(self, batch: Batch, shard_id: str) -> bytes:
        bodies = [change.body for change in batch.changes]
        window = batch.window
        if window is None:
            return plain_event(bodies)
        width_s = self._rules.tumbling_window_s
        source = self._mapping["source"]
        return windowed_event(
            bodies, WindowCall(window.start, width_s, window.state, shard_id, source, batch.final, batch.early)
        )

    def _version(self) -> str:
        try:
            with self._means.store.view() as view:
                version: str = registry.version_of(view, self._function)["version"]
        except ApiError:
            return self._function.version
        return version


def reference_of(mapping: Record) -> Reference:
    return Reference(mapping["account"], mapping["region"], mapping["function"], mapping["qualifier"])


def problem_of(error: ApiError) -> str:
    """The refusal as LastProcessingResult tells it. Our words, but for the beginning."""
    return f"PROBLEM: {error.message or error.code}"
