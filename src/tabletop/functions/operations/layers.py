"""Layers and their versions: published, read, listed, shared and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import registry
from tabletop.functions.code import Code, found_good
from tabletop.functions.constraints import check_absent, invalid
from tabletop.functions.description import last_modified
from tabletop.functions.layers import LayerReference, layer_versions, layers, parse, parse_arn, usable
from tabletop.functions.operations import statements
from tabletop.functions.operations.statements import Edit
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View

_GONE = "The resource you requested does not exist."
_NO_POLICY = "No policy is associated with the given resource."


@dataclass(frozen=True, slots=True)
class _Publication:
    reference: LayerReference
    code: Code
    description: str
    runtimes: list[str] | None
    architectures: list[str] | None
    license: str | None


async def publish_layer_version(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    check_absent(params["Content"])
    reference = parse(call, params["LayerName"])
    _refuse_foreign(call, reference)
    if not params["Content"].get("ZipFile"):
        raise invalid("Uploaded file must be a non-empty zip")
    publication = _Publication(
        reference,
        await found_good(workings, params["Content"]["ZipFile"]),
        params.get("Description") or "",
        params.get("CompatibleRuntimes"),
        params.get("CompatibleArchitectures"),
        params.get("LicenseInfo"),
    )
    published, record = await workings.store.commit(_publish, publication)
    return _described_whole(workings, call, published, record)


async def get_layer_version(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    return _get(workings, call, _version(call, params))


async def get_layer_version_by_arn(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = parse_arn(params["Arn"])
    if reference is None or reference.region != call.region:
        raise invalid(f"The ARN {params['Arn']} is not of a layer version in this region.")
    return _get(workings, call, reference)


async def delete_layer_version(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Deleting what is not there succeeds, as on AWS."""
    reference = _version(call, params)
    _refuse_foreign(call, reference)
    await workings.store.commit(_delete, reference)
    return {}


async def list_layers(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    def entries(view: View) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, _ in layers.below(view, call.account, call.region, after=params.get("Marker") or None):
            reference = LayerReference(call.account, call.region, name)
            matching = [record for record in _versions(view, reference) if _fits(record, params)]
            if matching:
                latest = max(matching, key=lambda record: int(record["version"]))
                described = _described(_numbered(reference, latest), latest)
                yield name, {"LayerName": name, "LayerArn": reference.arn, "LatestMatchingVersion": described}

    with workings.store.view() as view:
        listed, more = page(entries(view), params)
    return {"Layers": listed, **more}


async def list_layer_versions(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The newest first, as on AWS."""
    reference = parse(call, params["LayerName"])
    before = params.get("Marker")
    if before and not before.isdigit():
        raise invalid("The marker is not one that an earlier answer gave.")
    with workings.store.view() as view:
        records = sorted(_versions(view, reference), key=lambda record: -int(record["version"]))
    wanted = (record for record in records if _fits(record, params) and (not before or record["version"] < int(before)))
    listed, more = page(((str(record["version"]), record) for record in wanted), params)
    return {"LayerVersions": [_described(_numbered(reference, record), record) for record in listed], **more}


async def add_layer_version_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _version(call, params)
    _refuse_foreign(call, reference)
    principal = params["Principal"]
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": principal},
        "Action": params["Action"],
        "Resource": reference.arn,
    }
    if params.get("OrganizationId"):
        if principal != "*":
            raise invalid("OrganizationId is only for the principal *.")
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    edit = Edit(params["StatementId"], statement, params.get("RevisionId"))
    revision = await workings.store.commit(_share, (reference, edit))
    return {"Statement": statements.text(statement), "RevisionId": revision}


async def remove_layer_version_permission(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _version(call, params)
    _refuse_foreign(call, reference)
    edit = Edit(params["StatementId"], None, params.get("RevisionId"))
    await workings.store.commit(_share, (reference, edit))
    return {}


async def get_layer_version_policy(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _version(call, params)
    with workings.store.view() as view:
        policy = _existing(view, call, reference)["policy"]
    if not policy:
        raise ApiError("ResourceNotFoundException", _NO_POLICY, status=404)
    return {"Policy": statements.text(statements.document(policy)), "RevisionId": statements.revision(policy)}


def _publish(view: View, publication: _Publication, now: float) -> tuple[tuple[LayerReference, dict[str, Any]], Batch]:
    reference, code = publication.reference, publication.code
    layer = layers.get(view, reference.account, reference.region, reference.name) or {"last_version": 0}
    number = layer["last_version"] + 1
    record = {
        "version": number,
        "description": publication.description,
        "created": now,
        "runtimes": publication.runtimes,
        "architectures": publication.architectures,
        "license": publication.license,
        "policy": [],
        **code.members(),
    }
    published = _numbered(reference, record)
    batch = Batch()
    layers.put(batch, {"last_version": number}, reference.account, reference.region, reference.name)
    layer_versions.put(batch, record, *published.path)
    registry.put_code(batch, code.hash, code.zip_bytes)
    registry.use_code(batch, code.hash, published.code_path)
    return (published, record), batch


def _delete(view: View, reference: LayerReference, now: float) -> tuple[None, Batch | None]:
    record = layer_versions.get(view, *reference.path)
    if record is None:
        return None, None
    batch = Batch()
    layer_versions.delete(batch, *reference.path)
    registry.release_code(view, batch, [(record["code_hash"], reference.code_path)])
    return None, batch


def _share(view: View, request: tuple[LayerReference, Edit], now: float) -> tuple[str, Batch]:
    reference, edit = request
    record = layer_versions.get(view, *reference.path)
    if record is None:
        raise ApiError("ResourceNotFoundException", f"Layer version {reference.arn} does not exist.", status=404)
    statements.check_revision(edit.expected_revision, statements.revision(record["policy"]), "GetLayerPolicy")
    policy = statements.edited(record["policy"], edit, _NO_POLICY)
    batch = Batch()
    layer_versions.put(batch, {**record, "policy": policy}, *reference.path)
    return statements.revision(policy), batch


def _get(workings: Workings, call: Call, reference: LayerReference) -> dict[str, Any]:
    with workings.store.view() as view:
        record = _existing(view, call, reference)
    return _described_whole(workings, call, reference, record)


def _existing(view: View, call: Call, reference: LayerReference) -> dict[str, Any]:
    record = usable(view, reference, call.account)
    if record is None:
        raise ApiError("ResourceNotFoundException", _GONE, status=404)
    return record


def _version(call: Call, params: dict[str, Any]) -> LayerReference:
    if params["VersionNumber"] < 1:
        raise invalid("Layer Version Cannot be less than 1.")
    return parse(call, params["LayerName"], params["VersionNumber"])


def _refuse_foreign(call: Call, reference: LayerReference) -> None:
    if reference.account != call.account:
        raise ApiError(
            "AccessDeniedException", f"The layer {reference.layer_arn} belongs to another account.", status=403
        )


def _versions(view: View, reference: LayerReference) -> list[dict[str, Any]]:
    return [record for _, record in layer_versions.below(view, reference.account, reference.region, reference.name)]


def _numbered(reference: LayerReference, record: dict[str, Any]) -> LayerReference:
    return LayerReference(reference.account, reference.region, reference.name, record["version"])


def _fits(record: dict[str, Any], params: dict[str, Any]) -> bool:
    runtime, architecture = params.get("CompatibleRuntime"), params.get("CompatibleArchitecture")
    return (runtime is None or runtime in (record["runtimes"] or ())) and (
        architecture is None or architecture in (record["architectures"] or ())
    )


def _described(reference: LayerReference, record: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "LayerVersionArn": reference.arn,
        "Version": record["version"],
        "Description": record["description"],
        "CreatedDate": last_modified(record["created"]),
        "CompatibleArchitectures": record["architectures"],
        "CompatibleRuntimes": record["runtimes"],
        "LicenseInfo": record["license"],
    }
    return {name: value for name, value in answer.items() if value is not None}


def _described_whole(
    workings: Workings, call: Call, reference: LayerReference, record: dict[str, Any]
) -> dict[str, Any]:
    content = {
        "Location": workings.downloads.location(call, record),
        "CodeSha256": record["code_sha256"],
        "CodeSize": record["code_size"],
    }
    return {"Content": content, "LayerArn": reference.layer_arn, **_described(reference, record)}
