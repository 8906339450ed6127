"""Making, changing and deleting functions.

Whatever needs a clock, a thread or another service (unpacking the zip, trying the role, random ids) happens first; then
one pure plan decides on what the store holds and writes function, version and code together.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import attachments, constraints, destinations, layers, names, registry
from tabletop.functions.code import Code, found_good
from tabletop.functions.constraints import invalid
from tabletop.functions.description import CREATING, UPDATING, configuration
from tabletop.functions.names import LATEST, Reference, function_arn
from tabletop.functions.operations.versioning import last_if_unchanged, publish
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class Change:
    """A request for a plan: the function, what to set in its $LATEST, and ids drawn before."""

    reference: Reference
    settings: dict[str, Any]
    revision: str
    published_revision: str = ""
    code: Code | None = None
    expected_revision: str | None = None
    publish: bool = False
    dry_run: bool = False
    layers: list[str] | None = None
    """ARNs of layer versions; None leaves them as they are."""
    logging: dict[str, Any] = field(default_factory=dict)
    """The members of LoggingConfig that the request names."""
    tags: dict[str, str] = field(default_factory=dict)


async def create_function(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    _check_configuration("CreateFunction", params)
    reference = _unqualified(call, params["FunctionName"])
    package = params["Code"]
    constraints.check_absent(package)
    if not package.get("ZipFile"):
        raise invalid("Please provide a source for function code.")
    if not params.get("Runtime") or not params.get("Handler"):
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    constraints.check_runtime(params["Runtime"])
    constraints.check_tags(params.get("Tags") or {})
    with workings.store.view() as view:
        _refuse_existing(view, reference)
    code = await found_good(workings, package["ZipFile"])
    _check_role(workings, params["Role"], reference)
    _check_dead_letter_role(workings, params, params["Role"], reference)
    await asyncio.to_thread(workings.launcher.find_program, params["Runtime"])
    settings = _defaults(reference) | _settings(params)
    settings["logging"] = _logging(params.get("LoggingConfig") or {}, settings["logging"])
    change = Change(
        reference,
        settings,
        revision=randomness.new_uuid(),
        published_revision=randomness.new_uuid(),
        code=code,
        publish=bool(params.get("Publish")),
        layers=params.get("Layers") or [],
        tags=dict(params.get("Tags") or {}),
    )
    return await workings.store.commit(_create, change)


async def update_function_code(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    constraints.check_absent(params)
    reference = _unqualified(call, params["FunctionName"])
    if not params.get("ZipFile"):
        raise invalid("Please provide a source for function code.")
    with workings.store.view() as view:
        registry.function_of(view, reference)
    code = await found_good(workings, params["ZipFile"])
    settings = {"architectures": params["Architectures"]} if params.get("Architectures") else {}
    change = Change(
        reference,
        settings,
        revision=randomness.new_uuid(),
        published_revision=randomness.new_uuid(),
        code=code,
        expected_revision=params.get("RevisionId"),
        publish=bool(params.get("Publish")),
        dry_run=bool(params.get("DryRun")),
    )
    answer = await workings.store.commit(_update, change)
    if not change.dry_run:
        workings.pool.retire(reference.account, reference.region, reference.name, LATEST)
    return answer


async def update_function_configuration(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    _check_configuration("UpdateFunctionConfiguration", params)
    reference = _unqualified(call, params["FunctionName"])
    if params.get("Runtime"):
        constraints.check_runtime(params["Runtime"])
    with workings.store.view() as view:
        role = registry.version_of(view, reference)["role"]
    if params.get("Role"):
        _check_role(workings, params["Role"], reference)
    _check_dead_letter_role(workings, params, params.get("Role") or role, reference)
    change = Change(
        reference,
        _settings(params),
        revision=randomness.new_uuid(),
        expected_revision=params.get("RevisionId"),
        layers=params.get("Layers"),
        logging=params.get("LoggingConfig") or {},
    )
    answer = await workings.store.commit(_update, change)
    workings.pool.retire(reference.account, reference.region, reference.name, LATEST)
    return answer


async def delete_function(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if reference.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if reference.qualifier and not names.is_version(reference.qualifier):
        raise invalid("Deletion of aliases is not currently supported.")
    await workings.store.commit(_delete, reference)
    workings.pool.retire(reference.account, reference.region, reference.name, reference.qualifier or None)
    workings.provisioner.wake()
    return {"StatusCode": 204}


def _create(view: View, change: Change, now: float) -> tuple[dict[str, Any], Batch]:
    reference = change.reference
    assert change.code is not None
    _refuse_existing(view, reference)
    _check_dead_letter(view, change)
    layered = layers.resolved(view, reference.account, reference.region, change.layers)
    batch = Batch()
    function = {"created": now, "last_version": 0, "tags": change.tags, "policies": {}}
    record = {
        "account": reference.account,
        "region": reference.region,
        "name": reference.name,
        "version": LATEST,
        "modified": now,
        "revision": change.revision,
        **change.settings,
        **change.code.members(),
        "layers": layered,
    }
    layers.check_size(record)
    registry.put_code(batch, change.code.hash, change.code.zip_bytes)
    registry.put_version(batch, record)
    answer = record
    if change.publish:
        answer = publish(batch, function, record, None, change.published_revision)
    registry.functions.put(batch, function, reference.account, reference.region, reference.name)
    # The ARN names no version, also where one is published.
    arn = function_arn(reference.account, reference.region, reference.name)
    return {**configuration(answer, state=CREATING), "FunctionArn": arn}, batch


def _update(view: View, change: Change, now: float) -> tuple[dict[str, Any], Batch | None]:
    reference = change.reference
    function = registry.function_of(view, reference)
    before = registry.version_of(view, reference)
    constraints.check_revision(change.expected_revision, before["revision"])
    record = {**before, **change.settings, "modified": now, "revision": change.revision, "edition": change.revision}
    if change.logging:
        record["logging"] = _logging(change.logging, before["logging"])
    if change.code is not None:
        record.update(change.code.members())
    if change.layers is not None:
        record["layers"] = layers.resolved(view, reference.account, reference.region, change.layers)
    if record.get("snap_start") == "PublishedVersions":
        constraints.check_snap_start(record["runtime"])
    _check_dead_letter(view, change)
    layers.check_size(record)
    constraints.check_bounds(record["timeout"], record["memory"], record["ephemeral"])
    if change.dry_run:
        return configuration({**record, "modified": before["modified"], "revision": before["revision"]}), None
    batch = Batch()
    registry.replace_version(view, batch, before, record)
    if change.code is not None:
        registry.put_code(batch, change.code.hash, change.code.zip_bytes)
    answer = record
    if change.publish:
        unchanged = last_if_unchanged(view, reference, function, record)
        answer = unchanged or publish(batch, function, record, None, change.published_revision)
        registry.functions.put(batch, function, reference.account, reference.region, reference.name)
    return configuration(answer, state=UPDATING), batch


def _delete(view: View, reference: Reference, now: float) -> tuple[None, Batch]:
    function = registry.function_of(view, reference.with_qualifier(""))
    batch = Batch()
    if reference.qualifier:
        records = [registry.version_of(view, reference)]
        _refuse_if_aliased(view, reference)
        attachments.drop(view, batch, function, reference)
    else:
        records = list(registry.all_versions(view, reference))
        attachments.drop_all(view, batch, reference)
        registry.functions.delete(batch, reference.account, reference.region, reference.name)
    registry.delete_versions(view, batch, records)
    return None, batch


def _refuse_if_aliased(view: View, reference: Reference) -> None:
    aliases = registry.aliases.below(view, reference.account, reference.region, reference.name)
    using = [name for name, alias in aliases if reference.qualifier in (alias["version"], *alias["weights"])]
    if using:
        raise ApiError(
            "ResourceConflictException",
            f"Unable to delete version because the following aliases reference it: [{', '.join(using)}]",
            status=409,
        )


def _refuse_existing(view: View, reference: Reference) -> None:
    if registry.functions.get(view, reference.account, reference.region, reference.name) is not None:
        raise ApiError(
            "ResourceConflictException",
            f"Function already exist: {reference.name}",
            status=409,
            fields={"Type": "User"},
        )


def _check_dead_letter_role(workings: Workings, params: dict[str, Any], role: str, reference: Reference) -> None:
    target = (params.get("DeadLetterConfig") or {}).get("TargetArn")
    if target:
        destinations.check_target(target, reference)
        destinations.check_role(workings.roles, role, reference.region, target)


def _check_dead_letter(view: View, change: Change) -> None:
    target = change.settings.get("dead_letter")
    if target:
        destinations.check_target_exists(view, target)


def _check_configuration(action: str, params: dict[str, Any]) -> None:
    constraints.check_absent(params)
    if (params.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions" and params.get("Runtime"):
        constraints.check_snap_start(params["Runtime"])
    constraints.check_environment((params.get("Environment") or {}).get("Variables") or {})
    ephemeral = (params.get("EphemeralStorage") or {}).get("Size", 512)
    constraints.check_bounds(params.get("Timeout") or 3, params.get("MemorySize") or 128, ephemeral)


def _unqualified(call: Call, name: str) -> Reference:
    reference = names.parse(call, name)
    if reference.qualifier not in ("", LATEST):
        raise invalid("The function name must not name a version: only $LATEST can be changed.")
    return Reference(reference.account, reference.region, reference.name, "")


def _defaults(reference: Reference) -> dict[str, Any]:
    return {
        "description": "",
        "timeout": 3,
        "memory": 128,
        "ephemeral": 512,
        "environment": None,
        "tracing": "PassThrough",
        "architectures": ["x86_64"],
        "logging": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{reference.name}"},
    }


def _settings(params: dict[str, Any]) -> dict[str, Any]:
    """What the request sets, under the record's names; ``_logging`` is for LoggingConfig."""
    direct = {
        "runtime": "Runtime",
        "role": "Role",
        "handler": "Handler",
        "description": "Description",
        "timeout": "Timeout",
        "memory": "MemorySize",
        "architectures": "Architectures",
    }
    settings = {own: params[theirs] for own, theirs in direct.items() if params.get(theirs) is not None}
    if params.get("EphemeralStorage") is not None:
        settings["ephemeral"] = params["EphemeralStorage"]["Size"]
    if params.get("Environment") is not None:
        settings["environment"] = params["Environment"].get("Variables") or None
    if params.get("TracingConfig") is not None:
        settings["tracing"] = params["TracingConfig"].get("Mode", "PassThrough")
    if params.get("SnapStart") is not None:
        settings["snap_start"] = params["SnapStart"].get("ApplyOn", "None")
    if params.get("DeadLetterConfig") is not None:
        settings["dead_letter"] = params["DeadLetterConfig"].get("TargetArn") or ""
    return settings


def _logging(given: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A whole LoggingConfig after a part of it was given. What was not stays (inferred); levels end with the JSON format."""
    log_format = given.get("LogFormat") or before["LogFormat"]
    levels = {key: given[key] for key in ("ApplicationLogLevel", "SystemLogLevel") if given.get(key)}
    if log_format == "Text" and levels:
        raise invalid(
            'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the '
            'LogFormat to "JSON" and try again.'
        )
    if log_format == "JSON":
        kept = {key: before.get(key, "INFO") for key in ("ApplicationLogLevel", "SystemLogLevel")}
        levels = kept | levels
    return {"LogFormat": log_format, **levels, "LogGroup": given.get("LogGroup") or before["LogGroup"]}


def _check_role(workings: Workings, role: str, reference: Reference) -> None:
    constraints.check_role(role, reference.account)
    workings.roles.check_lambda_role(role)
