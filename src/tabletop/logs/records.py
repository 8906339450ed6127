"""Groups and streams as they are kept: JSON documents, and the errors for those that are not there.

A group: number, name, created (milliseconds), class (LogGroupClass), retention (days or null), tags, protected.
A stream: number, name, created, first, last (timestamps of its oldest and newest event, or null), ingested (the last
ingestion time, or null), token (the upload sequence token that the last PutLogEvents answered).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from tabletop.base.errors import ApiError
from tabletop.logs import keys
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View, after_prefix

Record = dict[str, Any]

GROUPS = Documents(prefixes.LOGS, "group")
STREAMS = Documents(prefixes.LOGS, "stream")

FIRST_TOKEN = "49" + "0" * 54
"""The upload sequence token of a stream that nothing was put to yet."""

_KEY_NAME_BYTES_MAX = 1500
_KEY_NAME_CHARACTERS = 300


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def no_group() -> ApiError:
    return ApiError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> ApiError:
    return ApiError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_arn(account: str, region: str, name: str) -> str:
    """The group's own ARN; policies and DescribeLogGroups's ``arn`` have ":*" behind it."""
    return f"arn:aws:logs:{region}:{account}:log-group:{name}"


def stream_arn(account: str, region: str, group: str, stream: str) -> str:
    return f"{group_arn(account, region, group)}:log-stream:{stream}"


def get_group(view: View, account: str, region: str, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    group = GROUPS.get(view, account, region, name)
    if group is None:
        raise no_group()
    return group


def check_unprotected(group: Record) -> None:
    """Raises ValidationException: neither the group nor its streams can be deleted while it is protected."""
    if group["protected"]:
        raise ApiError("ValidationException", "The log group cannot be deleted because deletion protection is enabled.")


def get_stream(view: View, group: Record, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    stream = find_stream(view, group, name)
    if stream is None:
        raise no_stream()
    return stream


def find_stream(view: View, group: Record, name: str) -> Record | None:
    raw = view.get(stream_key(group, name))
    return None if raw is None else orjson.loads(raw)


def new_group(view: View, batch: Batch, account: str, region: str, name: str, now: float) -> Record:
    """A group in its first form, not yet stored: the caller fills it in and stores it."""
    return {
        "number": keys.new_group_number(view, batch),
        "name": name,
        "created": int(now * 1000),
        "class": "STANDARD",
        "retention": None,
        "tags": {},
        "protected": False,
    }


def new_stream(name: str, number: int, now: float) -> Record:
    """A stream in its first form, not yet stored."""
    return {
        "number": number,
        "name": name,
        "created": int(now * 1000),
        "first": None,
        "last": None,
        "ingested": None,
        "token": FIRST_TOKEN,
    }


def store_stream(batch: Batch, group: Record, stream: Record, *, last_before: int | None = None) -> None:
    """Put the stream's record and its place in the order of last events; ``last_before``: where it stood there."""
    key = stream_key(group, stream["name"])
    batch.put(key, orjson.dumps(stream))
    if last_before != stream["last"]:
        batch.delete(keys.recent_key(group["number"], last_before, stream["number"]))
    batch.put(keys.recent_key(group["number"], stream["last"], stream["number"]), key)


def streams_prefix(group_number: int) -> bytes:
    return STREAMS.key(f"{group_number:08x}")


def stream_key(group: Record, name: str) -> bytes:
    # 512 characters may be 2,048 bytes, more than a key can hold: a long name is cut, and its digest tells it apart.
    if len(name.encode()) > _KEY_NAME_BYTES_MAX:
        name = name[:_KEY_NAME_CHARACTERS] + hashlib.sha256(name.encode()).hexdigest()
    return STREAMS.key(f"{group['number']:08x}", name)


def groups_named(view: View, account: str, region: str, prefix: str = "", after: str | None = None) -> Iterator[Record]:
    """The groups whose names begin with ``prefix``, in order of their names; ``after``: those behind this name."""
    base = GROUPS.key(account, region) + prefix.encode()
    start = base if after is None else max(base, GROUPS.key(account, region, after) + b"\0")
    for _, raw in view.range(start, after_prefix(base)):
        yield orjson.loads(raw)


def streams_named(
    view: View, group: Record, prefix: str = "", *, after: str | None = None, reverse: bool = False
) -> Iterator[Record]:
    """The streams whose names begin with ``prefix``, in order of their names; ``after``: behind it in that order."""
    start = streams_prefix(group["number"]) + prefix[:_KEY_NAME_CHARACTERS].encode()
    stop = after_prefix(start)
    if after is not None and reverse:
        stop = min(stop, stream_key(group, after))
    elif after is not None:
        start = max(start, stream_key(group, after) + b"\0")
    if start >= stop:
        return
    for _, raw in view.range(start, stop, reverse=reverse):
        stream = orjson.loads(raw)
        if stream["name"].startswith(prefix):
            yield stream


def group_name_of(params: dict[str, Any], account: str, region: str) -> str:
    """The name in logGroupName, or in logGroupIdentifier (a name or an ARN), exactly one of which must be given."""
    name, identifier = params.get("logGroupName"), params.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        raise invalid("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    return name if name is not None else name_in_arn(identifier or "", account, region)


def name_in_arn(identifier: str, account: str, region: str) -> str:
    """The group's name in its ARN, with or without ":*"; what is no ARN is a name already."""
    if not identifier.startswith("arn:"):
        return identifier
    name = identifier.removeprefix(group_arn(account, region, ""))
    if name == identifier:
        raise no_group()
    return name.removesuffix(":*")


def page_token(*parts: Any) -> str:
    """An opaque token that holds these JSON values."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode()


def token_parts(token: str, *types: type) -> list[Any]:
    """The values in a page token, which must be of these types. Raises InvalidParameterException for any other text."""
    try:
        parts = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise invalid("The specified nextToken is invalid.")
    return parts
