"""GetLogEvents: one stream, forwards and backwards, page by page.

A token is a direction and a position: ``f/NNN/s`` goes on behind it, ``b/NNN/s`` goes back from it. NNN is 56 digits:
the timestamp shifted by 144 bits, as in AWS's tokens, and the sequence. Where nothing lies in a token's direction the
same token is answered, which is how clients see the end; events that come later are found with it.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from tabletop.base.call import Call
from tabletop.logs import keys
from tabletop.logs.keys import Position
from tabletop.logs.records import get_group, get_stream, group_name_of, invalid
from tabletop.logs.write import stored_bytes
from tabletop.storage.store import View

Answer = dict[str, Any]
Direction = Literal["f", "b"]

PAGE_EVENTS_MAX = 10_000
PAGE_BYTES_MAX = 1_048_576

_TIMESTAMP_SHIFT = 144
_TOKEN = re.compile(r"([fb])/([0-9]{56,64})/s")


def get_events(view: View, call: Call, params: dict[str, Any]) -> Answer:
    group = get_group(view, call.account, call.region, group_name_of(params, call.account, call.region))
    stream = get_stream(view, group, params["logStreamName"])
    token = params.get("nextToken")
    start = event_time(params.get("startTime"), 0)
    first = Position(start, 0)
    stop = Position(event_time(params.get("endTime"), keys.TIMESTAMP_MAX), 0)
    direction: Direction = "f" if params.get("startFromHead") else "b"
    place = None
    if token:
        direction, place = _parse_token(token)
        if direction == "f":
            first = max(first, Position(place.timestamp, place.sequence + 1))
        else:
            stop = min(stop, place)

    events: list[Answer] = []
    positions: list[Position] = []
    size = 0
    if first < stop:
        number = group["number"], stream["number"]
        found = view.range(keys.event_key(*number, first), keys.event_key(*number, stop), reverse=direction == "b")
        for key, raw in found:
            size += stored_bytes(raw[8:])
            if len(events) == (params.get("limit") or PAGE_EVENTS_MAX) or (events and size > PAGE_BYTES_MAX):
                break
            positions.append(keys.position_of(key))
            events.append(event_form(key, raw))
    if direction == "b":
        events.reverse()
        positions.reverse()
    if positions:
        back, forth = positions[0], positions[-1]
    elif place is None:
        # Before the first event yet to come.
        back = forth = Position(start, 0)
    else:
        # Nothing was passed: the token's own direction stays where it was, and the other turns round before its event.
        back = place if direction == "b" else Position(place.timestamp, place.sequence + 1)
        forth = place if direction == "f" else Position(place.timestamp, max(place.sequence - 1, 0))
    return {"events": events, "nextForwardToken": _token("f", forth), "nextBackwardToken": _token("b", back)}


def event_form(key: bytes, raw: bytes) -> Answer:
    """An event as GetLogEvents gives it."""
    return {
        "timestamp": int.from_bytes(key[-16:-8], "big"),
        "message": raw[8:].decode(),
        "ingestionTime": int.from_bytes(raw[:8], "big"),
    }


def event_time(given: int | None, default: int) -> int:
    """A time in a request, cut to what a key can hold."""
    return default if given is None else min(max(given, 0), keys.TIMESTAMP_MAX)


def position_digits(position: Position) -> str:
    """The 56 digits that stand for a position in tokens and event ids."""
    return f"{(position.timestamp << _TIMESTAMP_SHIFT) | position.sequence:056d}"


def _token(direction: Direction, position: Position) -> str:
    return f"{direction}/{position_digits(position)}/s"


def _parse_token(token: str) -> tuple[Direction, Position]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise invalid("The specified nextToken is invalid.")
    timestamp, sequence = divmod(int(match[2]), 1 << _TIMESTAMP_SHIFT)
    if timestamp > keys.TIMESTAMP_MAX or sequence >= 2**63:
        raise invalid("The specified nextToken is invalid.")
    return ("f" if match[1] == "f" else "b"), Position(timestamp, sequence)
