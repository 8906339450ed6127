"""The operation table, and ``Logs``: what the gateway and the layers above use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tabletop.base.access import Facts
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.base.log import Log
from tabletop.base.randomness import new_uuid
from tabletop.logs import (
    background,
    groups,
    metric_filters,
    read,
    resource_policies,
    search,
    streams,
    subscriptions,
    tags,
    write,
)
from tabletop.logs.delivery import Delivery
from tabletop.logs.facts import LogsFacts
from tabletop.logs.insights import definitions, results, runs
from tabletop.logs.insights.runner import Runner
from tabletop.logs.live_tail import LiveTail
from tabletop.logs.ports import Subscribers
from tabletop.logs.records import get_group, group_arn
from tabletop.logs.targets import targets
from tabletop.storage.store import Batch, Store, View

Params = dict[str, Any]
Answer = dict[str, Any]

WRITES: dict[str, Callable[[View, tuple[Call, Params], float], tuple[Answer, Batch | None]]] = {
    "CreateLogGroup": groups.create_group,
    "DeleteLogGroup": groups.delete_group,
    "PutRetentionPolicy": groups.put_retention,
    "DeleteRetentionPolicy": groups.delete_retention,
    "PutLogGroupDeletionProtection": groups.put_protection,
    "CreateLogStream": streams.create_stream,
    "DeleteLogStream": streams.delete_stream,
    "PutLogEvents": write.put_events,
    "PutSubscriptionFilter": subscriptions.put_filter,
    "DeleteSubscriptionFilter": subscriptions.delete_filter,
    "PutMetricFilter": metric_filters.put_filter,
    "DeleteMetricFilter": metric_filters.delete_filter,
    "PutResourcePolicy": resource_policies.put_policy,
    "StartQuery": runs.start,
    "StopQuery": runs.stop,
    "PutQueryDefinition": definitions.put,
    "DeleteQueryDefinition": definitions.delete,
    "DeleteResourcePolicy": resource_policies.delete_policy,
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
    "TagLogGroup": tags.tag,
    "UntagLogGroup": tags.untag,
}

READS: dict[str, Callable[[View, Call, Params], Answer]] = {
    "DescribeLogGroups": groups.describe_groups,
    "DescribeMetricFilters": metric_filters.describe_filters,
    "TestMetricFilter": metric_filters.try_pattern,
    "DescribeResourcePolicies": resource_policies.describe_policies,
    "GetQueryResults": results.get_results,
    "DescribeQueries": results.describe_queries,
    "ListLogGroupsForQuery": results.list_groups_of_query,
    "GetLogRecord": results.get_record,
    "GetLogGroupFields": results.get_group_fields,
    "DescribeQueryDefinitions": definitions.describe,
    "ListLogGroups": groups.list_groups,
    "DescribeSubscriptionFilters": subscriptions.describe_filters,
    "DescribeLogStreams": streams.describe_streams,
    "GetLogEvents": read.get_events,
    "ListTagsForResource": tags.list_tags,
    "ListTagsLogGroup": tags.list_tags,
}

OPERATIONS = frozenset(WRITES) | frozenset(READS) | {"FilterLogEvents", "StartLiveTail"}
"""Everything that is built; any other answers UnknownOperationException."""

_NUMBERED = {"StartQuery": "queryId", "PutQueryDefinition": "newId"}
"""The parameter in which the plan of an operation finds a new id."""

_WAKING = frozenset({"PutLogEvents", "DeleteSubscriptionFilter", "DeleteLogGroup"})
"""After these ``delivery`` may have something to do."""

APPENDED_EVENTS_MAX = 1_000
"""Per commit of ``append``, so that a flood of log lines does not hold up the commits of others."""

_MAINTENANCE_STEPS_MAX = 100
_log = Log("logs")


class Logs:
    """CloudWatch Logs over a store. It keeps nothing of its own, but for the cursors of the background work."""

    service_names = ("logs",)

    def __init__(self, store: Store, live_tail: LiveTail | None = None) -> None:
        self._store = store
        self._cursor: background.Cursor | None = None
        self._delivery = Delivery(store)
        self._queries = Runner(store)
        self._live_tail = live_tail or LiveTail()
        self._subscribers: Subscribers | None = None

    async def handle(self, service: str, call: Call, action: str, params: Params) -> Answer:
        """Answer an operation in the form of its model. What it wrote is durable. Raises ApiError."""
        plan = WRITES.get(action)
        if action == "PutSubscriptionFilter":
            await self._check_subscriber(call, params)
        if plan is not None:
            if action in _NUMBERED:
                params = params | {_NUMBERED[action]: new_uuid()}
            answer = await self._store.commit(plan, (call, params))
            if action == "PutLogEvents" and self._live_tail.wanted:
                self._show_live(call, params, answer)
            if action == "StartQuery":
                self._queries.wake()
            if action in _WAKING:
                self._delivery.wake()
            if action == "PutMetricFilter":
                _log.warning("a metric filter is kept, but no metrics are made of it", group=params["logGroupName"])
            return answer
        if action == "FilterLogEvents":
            return await search.filter_events(self._store, call, params)
        if action == "StartLiveTail":
            with self._store.view() as view:
                return self._live_tail.start(view, call, params)
        operation = READS.get(action)
        if operation is None:
            raise ApiError("UnknownOperationException")
        with self._store.view() as view:
            return operation(view, call, params)

    def targets(self, service: str, action: str, call: Call, params: Params) -> list[tuple[str, str]]:
        """(IAM action, ARN) pairs, each of which the caller must be allowed."""
        return targets(action, call, params)

    def facts(self, view: View, service: str, action: str, call: Call, params: Params) -> Facts:
        """Of tags: the request's, and those of the groups that it is about."""
        return LogsFacts(view, action, call, params)

    async def append(
        self, account: str, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Write (milliseconds, message) events of any age and number, creating group and stream where missing.

        They are put in order of time; those of one time keep their order. Durable, all of them, when it returns.
        """
        ordered = sorted(events, key=lambda event: event[0])
        for at in range(0, max(len(ordered), 1), APPENDED_EVENTS_MAX):
            chunk = ordered[at : at + APPENDED_EVENTS_MAX]
            appended = write.Appended(account, region, group, stream, chunk)
            ingested_ms = await self._store.commit(write.append_events, appended)
            self._live_tail.offer((account, region, group), stream, chunk, ingested_ms)
            self._delivery.wake()

    def connect(self, subscribers: Subscribers) -> None:
        """Before anything is served: who subscription filters may name. Until then they name nobody."""
        self._subscribers = subscribers

    async def deliver(self) -> None:
        """Give subscribers the events that their filters match, and run queries, until cancelled."""
        assert self._subscribers is not None
        await asyncio.gather(self._delivery.run(self._subscribers), self._queries.run())

    async def _check_subscriber(self, call: Call, params: Params) -> None:
        """PutSubscriptionFilter, before its plan: the function must be there and permit it."""
        subscriptions.check_filter(call, params)
        with self._store.view() as view:
            get_group(view, call.account, call.region, params["logGroupName"])
        source = f"{group_arn(call.account, call.region, params['logGroupName'])}:*"
        place = (call.account, call.region, params["destinationArn"])
        if self._subscribers is None or not await self._subscribers.reachable(*place, source):
            raise subscriptions.unreachable()
        if await self._subscribers.own_log_group(*place) == params["logGroupName"]:
            raise subscriptions.loop()

    def _show_live(self, call: Call, params: Params, answer: Answer) -> None:
        """The events of a PutLogEvents that were accepted, to who follows them."""
        events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
        rejected = answer.get("rejectedLogEventsInfo", {})
        first = max(rejected.get("tooOldLogEventEndIndex", 0), rejected.get("expiredLogEventEndIndex", 0))
        accepted = events[first : rejected.get("tooNewLogEventStartIndex", len(events))]
        place = (call.account, call.region, params["logGroupName"])
        self._live_tail.offer(place, params["logStreamName"], accepted, int(call.now * 1000))

    async def maintain(self) -> bool:
        """Some steps of background work. True while more is known to be left: then call it again soon."""
        for _ in range(_MAINTENANCE_STEPS_MAX):
            if not await self._store.commit(background.clear_step, None):
                break
        else:
            return True
        if await self._store.commit(runs.expire_step, None):
            return True
        for _ in range(_MAINTENANCE_STEPS_MAX):
            self._cursor = await self._store.commit(background.expire_step, self._cursor)
            if self._cursor is None:
                return False
        return True
