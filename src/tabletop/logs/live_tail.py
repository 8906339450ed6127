"""StartLiveTail: events as they arrive, as messages of an event stream, one update a second.

All events come in through the process that serves Logs, so a session is told of each write, after it is durable. A session
holds ``UPDATE_EVENTS_MAX`` events for its next update; beyond them it takes none and says so (``sampled``), as AWS does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.clock import Stopwatch, system_stopwatch
from tabletop.base.errors import ApiError
from tabletop.base.randomness import new_uuid
from tabletop.logs.pattern import compile_pattern
from tabletop.logs.records import get_group, group_arn, invalid, name_in_arn
from tabletop.storage.store import View
from tabletop.wire.eventstream import encode_event, encode_exception

Place = tuple[str, str, str]
"""(account, region, group's name)"""

SESSIONS_MAX = 15
UPDATE_EVENTS_MAX = 500
UPDATE_S = 1.0
SESSION_S = 3 * 3600.0
_CHOSEN = ("logStreamNames", "logStreamNamePrefixes")


class LiveTail:
    """All sessions that are open."""

    def __init__(
        self,
        stopwatch: Stopwatch = system_stopwatch,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._stopwatch = stopwatch
        self._sleep = sleep
        self._sessions: set[_Session] = set()

    @property
    def wanted(self) -> bool:
        """False: nobody listens, so nothing need be offered."""
        return bool(self._sessions)

    def offer(self, place: Place, stream: str, events: Sequence[tuple[int, str]], ingested_ms: int) -> None:
        """Events that have just become durable."""
        for session in self._sessions:
            session.offer(place, stream, events, ingested_ms)

    def start(self, view: View, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """``responseStream`` is an iterator of encoded messages; the session takes events once its first is asked for."""
        session = _Session(view, call, params)
        if sum(each.owner == session.owner for each in self._sessions) >= SESSIONS_MAX:
            raise ApiError("LimitExceededException", "Resource limit exceeded.")
        return {"responseStream": self._messages(session)}

    async def _messages(self, session: _Session) -> AsyncIterator[bytes]:
        self._sessions.add(session)
        try:
            end = self._stopwatch() + SESSION_S
            yield encode_event("initial-response", b"{}", "application/x-amz-json-1.1")
            yield encode_event("sessionStart", orjson.dumps(session.description))
            while self._stopwatch() < end:
                await self._sleep(UPDATE_S)
                yield encode_event("sessionUpdate", orjson.dumps(session.update()))
            message = {"message": "The session has reached its time limit of three hours."}  # inferred words
            yield encode_exception("SessionTimeoutException", orjson.dumps(message))
        finally:
            self._sessions.discard(session)


class _Session:
    def __init__(self, view: View, call: Call, params: dict[str, Any]) -> None:
        groups = [_group_name(view, call, each) for each in params["logGroupIdentifiers"]]
        if params.get("logStreamNames") and params.get("logStreamNamePrefixes"):
            raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
        if len(groups) > 1 and any(params.get(member) for member in _CHOSEN):
            # Documented; the words are inferred.
            raise invalid("Log streams can be chosen only where a single log group is specified.")
        self.owner = (call.account, call.region)
        self._groups = frozenset(groups)
        self._names = frozenset(params.get("logStreamNames") or ())
        self._prefixes = tuple(params.get("logStreamNamePrefixes") or ())
        self._matches = compile_pattern(params.get("logEventFilterPattern") or "")
        self._held: list[dict[str, Any]] = []
        self._sampled = False
        self.description = {
            "requestId": call.request_id,
            "sessionId": new_uuid(),
            "logGroupIdentifiers": params["logGroupIdentifiers"],
            "logStreamNames": params.get("logStreamNames") or [],
            "logStreamNamePrefixes": params.get("logStreamNamePrefixes") or [],
            "logEventFilterPattern": params.get("logEventFilterPattern") or "",
        }

    def offer(self, place: Place, stream: str, events: Sequence[tuple[int, str]], ingested_ms: int) -> None:
        account, region, group = place
        if (account, region) != self.owner or group not in self._groups:
            return
        if self._names and stream not in self._names:
            return
        if self._prefixes and not stream.startswith(self._prefixes):
            return
        for timestamp, message in events:
            if not self._matches(message):
                continue
            if len(self._held) == UPDATE_EVENTS_MAX:
                self._sampled = True
                return
            self._held.append(
                {
                    "logStreamName": stream,
                    "logGroupIdentifier": group_arn(account, region, group),
                    "message": message,
                    "timestamp": timestamp,
                    "ingestionTime": ingested_ms,
                }
            )

    def update(self) -> dict[str, Any]:
        """What arrived since the last update."""
        answer = {"sessionMetadata": {"sampled": self._sampled}, "sessionResults": self._held}
        self._held, self._sampled = [], False
        return answer


def _group_name(view: View, call: Call, identifier: str) -> str:
    if identifier.endswith("*"):
        raise invalid("The ARN of a log group can't end with an asterisk.")  # documented; the words are inferred
    name: str = get_group(view, call.account, call.region, name_in_arn(identifier, call.account, call.region))["name"]
    return name
