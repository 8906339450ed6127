"""PublishVersion: an unchangeable copy of $LATEST under the next number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.functions import names, registry
from tabletop.functions.constraints import check_absent, check_revision, invalid
from tabletop.functions.description import configuration
from tabletop.functions.names import Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Publication:
    reference: Reference
    revision: str
    latest_revision: str
    """$LATEST gets another one as well."""
    description: str | None
    code_sha256: str | None
    expected_revision: str | None


async def publish_version(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    check_absent(params)
    reference = names.parse(call, params["FunctionName"])
    publication = Publication(
        Reference(reference.account, reference.region, reference.name, ""),
        randomness.new_uuid(),
        randomness.new_uuid(),
        params.get("Description"),
        params.get("CodeSha256"),
        params.get("RevisionId"),
    )
    return await workings.store.commit(_publish, publication)


def _publish(view: View, request: Publication, now: float) -> tuple[dict[str, Any], Batch | None]:
    reference = request.reference
    function = registry.function_of(view, reference)
    latest = registry.version_of(view, reference)
    check_revision(request.expected_revision, latest["revision"])
    if request.code_sha256 not in (None, "", latest["code_sha256"]):
        raise invalid(
            f"CodeSHA256 ({request.code_sha256}) is different from current CodeSHA256 in $LATEST "
            f"({latest['code_sha256']}). Please try again with the CodeSHA256 in $LATEST."
        )
    unchanged = last_if_unchanged(view, reference, function, latest)
    if unchanged is not None:
        return configuration(unchanged), None
    batch = Batch()
    record = publish(batch, function, latest, request.description, request.revision)
    registry.revise(batch, latest, request.latest_revision)
    registry.functions.put(batch, function, reference.account, reference.region, reference.name)
    return configuration(record), batch


def last_if_unchanged(
    view: View, reference: Reference, function: dict[str, Any], latest: dict[str, Any]
) -> dict[str, Any] | None:
    """The last version, where ``latest`` is as it was when that was published: then AWS publishes no other."""
    if not function["last_version"] or function.get("last_published") != _fingerprint(latest):
        return None
    path = (reference.account, reference.region, reference.name, registry.version_part(str(function["last_version"])))
    return registry.versions.get(view, *path)


def publish(
    batch: Batch, function: dict[str, Any], latest: dict[str, Any], description: str | None, revision: str
) -> dict[str, Any]:
    """Put the next version, a copy of ``latest``; counts it in ``function``, which the caller stores."""
    function["last_version"] += 1
    function["last_published"] = _fingerprint(latest)
    record = {**latest, "version": str(function["last_version"]), "revision": revision}
    if description is not None:
        record["description"] = description
    registry.put_version(batch, record)
    return record


def _fingerprint(record: dict[str, Any]) -> str:
    """Stands for code and configuration; the moment and the name of a change do not count."""
    content = {
        name: value for name, value in record.items() if name not in ("version", "revision", "edition", "modified")
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
