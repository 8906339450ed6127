"""Event source mappings as they are stored, and every plan that changes them.

    mapping      account, region, uuid            the mapping's record
    result       account, region, uuid            {"text"}: LastProcessingResult, once there is one
    checkpoint   account, region, uuid, slice     {"lanes": [...]}: where delivery of the slice stands

A mapping's record: uuid, account, region, function (name), qualifier, source (the stream's ARN), starting_position,
enabled, state, reason, modified (epoch seconds), edition (counts changes by users), batch_size, window_s,
parallelization, bisect, retries, age_s, response_types, tumbling_s, filters (texts of patterns), destination (an ARN
or ""), metrics, tags.

A lane's entry in a checkpoint: position (the sequence number before which all is done), window (null, or start, width_s
and state of the tumbling window that is open there).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import keys
from tabletop.dynamodb.streams import records, shards
from tabletop.functions.constraints import check_tags
from tabletop.storage import prefixes
from tabletop.storage.documents import Documents
from tabletop.storage.store import Batch, View

Record = dict[str, Any]
Path = tuple[str, str, str]
"""(account, region, uuid)"""

_ARN = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):event-source-mapping:(?P<uuid>[0-9a-f-]{36})"
)

mappings = Documents(prefixes.FUNCTIONS, "mapping")
results = Documents(prefixes.FUNCTIONS, "mapping_result")
checkpoints = Documents(prefixes.FUNCTIONS, "mapping_checkpoint")

UNPROCESSED = "No records processed"
_REASON = "User action"
_SETTLED = ("Enabled", "Disabled")


def path_of(mapping: Record) -> Path:
    return mapping["account"], mapping["region"], mapping["uuid"]


def arn_of(mapping: Record) -> str:
    account, region, uuid = path_of(mapping)
    return f"arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}"


def path_in(call: Call, arn: str) -> Path | None:
    """Of the mapping that the ARN names; None for an ARN of something else. One of elsewhere names none that there is."""
    found = _ARN.fullmatch(arn)
    if found is None:
        return None
    here = (found["account"], found["region"]) == (call.account, call.region)
    return call.account, call.region, found["uuid"] if here else ""


def find(view: View, path: Path) -> Record:
    """Raises ResourceNotFoundException."""
    mapping = mappings.get(view, *path)
    if mapping is None:
        raise ApiError("ResourceNotFoundException", "The resource you requested does not exist.", status=404)
    return mapping


def everywhere(view: View) -> Iterator[Record]:
    """The mappings of all accounts and regions."""
    for _, mapping in mappings.below(view):
        yield mapping


def result_of(view: View, path: Path) -> str:
    result = results.get(view, *path)
    return UNPROCESSED if result is None else result["text"]


def stream_at(view: View, arn: str) -> Record | None:
    """The stream's record, or None where there is none (any more). Raises ValidationException for no stream's ARN."""
    raw = view.get(keys.stream_key(*records.parse_arn(arn)))
    return None if raw is None else orjson.loads(raw)


def create(view: View, mapping: Record, now: float) -> tuple[Record, Batch]:
    """Store a new mapping, with its checkpoints: what is written to the table from now on will be delivered."""
    _refuse_twin(view, mapping)
    stream = stream_at(view, mapping["source"])
    if stream is None:
        raise no_stream(mapping["source"])
    position = 0
    if mapping["starting_position"] == "LATEST":
        position = shards.read_state(view, stream["number"]).sequence + 1
    batch = Batch()
    stored = {**mapping, "state": "Creating", "reason": _REASON, "modified": now, "edition": 1}
    mappings.put(batch, stored, *path_of(mapping))
    for slice_ in range(shards.SLICES):
        checkpoints.put(batch, {"lanes": [{"position": position, "window": None}]}, *path_of(mapping), str(slice_))
    return stored, batch


def _refuse_twin(view: View, mapping: Record) -> None:
    for _, other in mappings.below(view, mapping["account"], mapping["region"]):
        if other["uuid"] != mapping["uuid"] and _ties(other) == _ties(mapping):
            raise ApiError(
                "ResourceConflictException",
                f'The event source arn (" {mapping["source"]} ") and function (" {mapping["function"]} ") provided '
                f"mapping already exists. Please update or delete the existing mapping with UUID {other['uuid']}",
                status=409,
            )


def _ties(mapping: Record) -> tuple[str, str, str]:
    return mapping["source"], mapping["function"], mapping["qualifier"]


def no_stream(arn: str) -> ApiError:
    # Recalled from AWS's answers.
    return ApiError("InvalidParameterValueException", f"Stream not found: {arn}")


@dataclass(frozen=True, slots=True)
class Update:
    path: Path
    changes: Record


def update(view: View, request: Update, now: float) -> tuple[Record, Batch]:
    before = find(view, request.path)
    if before["state"] not in _SETTLED:
        raise _in_use("update")
    after = {**before, **request.changes}
    _refuse_twin(view, after)
    state = "Updating"
    if before["enabled"] != after["enabled"]:
        state = "Enabling" if after["enabled"] else "Disabling"
    stored = {**after, "state": state, "reason": _REASON, "modified": now, "edition": before["edition"] + 1}
    batch = Batch()
    mappings.put(batch, stored, *request.path)
    return stored, batch


def delete(view: View, path: Path, now: float) -> tuple[Record, Batch]:
    """Mark the mapping for its end: ``remove`` follows when nothing of it is under way any more."""
    before = find(view, path)
    if before["state"] not in (*_SETTLED, "Creating"):
        raise _in_use("delete")
    stored = {**before, "state": "Deleting", "reason": _REASON, "modified": now, "edition": before["edition"] + 1}
    batch = Batch()
    mappings.put(batch, stored, *path)
    return stored, batch


def _in_use(verb: str) -> ApiError:
    # Recalled from AWS's answers.
    return ApiError("ResourceInUseException", f"Cannot {verb} the event source mapping because it is in use.")


def settle(view: View, request: tuple[Path, int], now: float) -> tuple[None, Batch | None]:
    """The state that a transition ends in, unless the mapping has changed since that edition."""
    path, edition = request
    mapping = mappings.get(view, *path)
    if mapping is None or mapping["edition"] != edition or mapping["state"] in (*_SETTLED, "Deleting"):
        return None, None
    batch = Batch()
    state = "Enabled" if mapping["enabled"] else "Disabled"
    mappings.put(batch, {**mapping, "state": state, "modified": now}, *path)
    return None, batch


def remove(view: View, path: Path, now: float) -> tuple[None, Batch]:
    batch = Batch()
    mappings.delete(batch, *path)
    results.delete(batch, *path)
    for slice_ in range(shards.SLICES):
        checkpoints.delete(batch, *path, str(slice_))
    return None, batch


@dataclass(frozen=True, slots=True)
class Advance:
    """What became known: where slices stand now, and the result, if it is another than before."""

    path: Path
    slices: tuple[tuple[int, list[Record]], ...]
    result: str | None


def advance(view: View, request: Advance, now: float) -> tuple[None, Batch | None]:
    """The checkpoint. A mapping that is gone gets none."""
    if mappings.get(view, *request.path) is None:
        return None, None
    batch = Batch()
    for slice_, lanes in request.slices:
        checkpoints.put(batch, {"lanes": lanes}, *request.path, str(slice_))
    if request.result is not None:
        results.put(batch, {"text": request.result}, *request.path)
    return None, batch


@dataclass(frozen=True, slots=True)
class Retag:
    path: Path
    added: dict[str, str]
    removed: tuple[str, ...]


def retag(view: View, request: Retag, now: float) -> tuple[None, Batch]:
    mapping = find(view, request.path)
    merged = {**mapping["tags"], **request.added}
    tags = {name: value for name, value in merged.items() if name not in request.removed}
    check_tags(tags)
    batch = Batch()
    mappings.put(batch, {**mapping, "tags": tags}, *request.path)
    return None, batch
