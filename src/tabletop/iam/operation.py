"""What every IAM and STS operation is made of: the request that a plan is given, AWS's errors, pages, tags, dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.credentials import DrawnCredentials
from tabletop.storage.store import Batch, View

Params = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A request that changes something, with everything random drawn beforehand: a plan may run more than once."""

    call: Call
    params: Params
    unique_id: str
    """Sixteen base-32 characters: a new record's id behind its prefix."""
    credentials: DrawnCredentials | None = None

    @property
    def account(self) -> str:
        return self.call.principal.account


Write = Callable[[View, Change, float], tuple[Answer, Batch | None]]
Read = Callable[[View, Call, Params], Answer]

PAGE_DEFAULT = 100
PAGE_MAX = 1000
TAGS_MAX = 50


def delete_conflict(message: str) -> ApiError:
    return ApiError("DeleteConflict", message, status=409)


def validation_error(message: str) -> ApiError:
    return ApiError("ValidationError", message, status=400)


def limit_exceeded(message: str) -> ApiError:
    return ApiError("LimitExceeded", message, status=409)


def seconds(now: float) -> float:
    """IAM's dates are whole seconds."""
    return float(int(now))


def encoded(document: str) -> str:
    """A policy document as IAM's answers carry it: percent-encoded."""
    return quote(document, safe="-_.~")


def page(entries: Iterable[tuple[str, Any]], params: Params, member: str) -> Answer:
    """One page of ``entries`` (key, shape), which come in order of their keys and begin behind the marker."""
    size = min(int(params.get("MaxItems", PAGE_DEFAULT)), PAGE_MAX)
    shapes: list[Any] = []
    last = ""
    for key, shape in entries:
        if len(shapes) == size:
            return {member: shapes, "IsTruncated": True, "Marker": last}
        shapes.append(shape)
        last = key
    return {member: shapes, "IsTruncated": False}


def page_of_names(names: Iterable[str], params: Params, member: str, shape: Callable[[str], Any] = str) -> Answer:
    """One page of a short list that lies in one record, in order of the names."""
    marker = params.get("Marker")
    kept = ((name, shape(name)) for name in sorted(names) if marker is None or name > marker)
    return page(kept, params, member)


def read_tags(params: Params) -> dict[str, str]:
    """Tags of a new record. Keys are told apart without regard to case, so two that differ only so are refused."""
    return merge_tags({}, params.get("Tags", ()))


def merge_tags(present: Mapping[str, str], added: Iterable[Mapping[str, str]]) -> dict[str, str]:
    names = {name.lower(): name for name in present}
    merged = dict(present)
    fresh: set[str] = set()
    for tag in added:
        name = tag["Key"]
        if name.lower() in fresh:
            raise ApiError(
                "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", status=400
            )
        if name.lower().startswith("aws:"):
            raise ApiError("InvalidInput", "Tag keys beginning with aws: are reserved for system use.", status=400)
        fresh.add(name.lower())
        merged.pop(names.get(name.lower(), name), None)
        merged[name] = tag["Value"]
    if len(merged) > TAGS_MAX:
        raise limit_exceeded(f"The number of tags has reached the maximum limit of {TAGS_MAX}.")
    return merged


def without_tags(present: Mapping[str, str], removed: Iterable[str]) -> dict[str, str]:
    gone = {name.lower() for name in removed}
    return {name: value for name, value in present.items() if name.lower() not in gone}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
