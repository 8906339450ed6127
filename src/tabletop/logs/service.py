"""The operation table, and ``Logs``: what the gateway and the layers above use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.logs import background, groups, read, search, streams, tags, write
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
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
    "TagLogGroup": tags.tag,
    "UntagLogGroup": tags.untag,
}

READS: dict[str, Callable[[View, Call, Params], Answer]] = {
    "DescribeLogGroups": groups.describe_groups,
    "DescribeLogStreams": streams.describe_streams,
    "GetLogEvents": read.get_events,
    "ListTagsForResource": tags.list_tags,
    "ListTagsLogGroup": tags.list_tags,
}

OPERATIONS = frozenset(WRITES) | frozenset(READS) | {"FilterLogEvents"}
"""Everything that is built; any other answers UnknownOperationException."""

APPENDED_EVENTS_MAX = 1_000
"""Per commit of ``append``, so that a flood of log lines does not hold up the commits of others."""

_MAINTENANCE_STEPS_MAX = 100


class Logs:
    """CloudWatch Logs over a store. It keeps nothing of its own, but for the cursor of the background work."""

    service_names = ("logs",)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor: background.Cursor | None = None

    async def handle(self, service: str, call: Call, action: str, params: Params) -> Answer:
        """Answer an operation in the form of its model. What it wrote is durable. Raises ApiError."""
        plan = WRITES.get(action)
        if plan is not None:
            return await self._store.commit(plan, (call, params))
        if action == "FilterLogEvents":
            return await search.filter_events(self._store, call, params)
        operation = READS.get(action)
        if operation is None:
            raise ApiError("UnknownOperationException")
        with self._store.view() as view:
            return operation(view, call, params)

    def targets(self, service: str, action: str, call: Call, params: Params) -> list[tuple[str, str]]:
        """(IAM action, ARN) pairs, each of which the caller must be allowed."""
        return targets(action, call, params)

    async def append(
        self, account: str, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Write (milliseconds, message) events of any age and number, creating group and stream where missing.

        They are put in order of time; those of one time keep their order. Durable, all of them, when it returns.
        """
        ordered = sorted(events, key=lambda event: event[0])
        for at in range(0, max(len(ordered), 1), APPENDED_EVENTS_MAX):
            chunk = ordered[at : at + APPENDED_EVENTS_MAX]
            await self._store.commit(write.append_events, write.Appended(account, region, group, stream, chunk))

    async def maintain(self) -> bool:
        """Some steps of background work. True while more is known to be left: then call it again soon."""
        for _ in range(_MAINTENANCE_STEPS_MAX):
            if not await self._store.commit(background.clear_step, None):
                break
        else:
            return True
        for _ in range(_MAINTENANCE_STEPS_MAX):
            self._cursor = await self._store.commit(background.expire_step, self._cursor)
            if self._cursor is None:
                return False
        return True
