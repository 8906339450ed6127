"""PublishVersion: an unchangeable copy of $LATEST under the next number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import names, registry
from tabletop.functions.constraints import check_absent, invalid
from tabletop.functions.description import configuration
from tabletop.functions.names import Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Publication:
    reference: Reference
    revision: str
    description: str | None
    code_sha256: str | None
    expected_revision: str | None


async def publish_version(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    check_absent(params)
    reference = names.parse(call, params["FunctionName"])
    publication = Publication(
        Reference(reference.account, reference.region, reference.name, ""),
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
    if request.expected_revision not in (None, latest["revision"]):
        raise ApiError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id",
            status=412,
            fields={"Type": "User"},
        )
    if request.code_sha256 not in (None, "", latest["code_sha256"]):
        raise invalid(f"CodeSHA256 ({request.code_sha256}) is different from current CodeSHA256 in $LATEST.")
    # As on AWS: nothing changed since the last version, so that version is the answer.
    if function["last_version"] and function.get("last_published") == latest["revision"]:
        last = Reference(reference.account, reference.region, reference.name, str(function["last_version"]))
        try:
            return configuration(registry.version_of(view, last)), None
        except ApiError:
            pass
    batch = Batch()
    record = publish(batch, function, latest, request.description, request.revision)
    registry.functions.put(batch, function, reference.account, reference.region, reference.name)
    return configuration(record), batch


def publish(
    batch: Batch, function: dict[str, Any], latest: dict[str, Any], description: str | None, revision: str
) -> dict[str, Any]:
    """Put the next version, a copy of ``latest``; counts it in ``function``, which the caller stores."""
    function["last_version"] += 1
    function["last_published"] = latest["revision"]
    record = {**latest, "version": str(function["last_version"]), "revision": revision}
    if description is not None:
        record["description"] = description
    registry.put_version(batch, record)
    return record
