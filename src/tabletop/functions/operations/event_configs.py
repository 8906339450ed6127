"""How asynchronous invocations of a function, version or alias are retried, and where records of them go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import attachments, destinations, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import Reference, function_arn
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class _Change:
    reference: Reference
    settings: dict[str, Any]
    """The document's members that the request sets: retries, age_s, on_success, on_failure."""
    replaces: bool
    """False: what the request does not set stays, and the configuration must be there already."""


async def put_function_event_invoke_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    return await workings.store.commit(_put, _change(workings, call, params, replaces=True))


async def update_function_event_invoke_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    return await workings.store.commit(_put, _change(workings, call, params, replaces=False))


async def delete_function_event_invoke_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await workings.store.commit(_delete, names.parse(call, params["FunctionName"], params.get("Qualifier")))
    return {}


async def get_function_event_invoke_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        return _described(reference, reference.version, _existing(view, reference))


async def list_function_event_invoke_configs(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])

    def entries(view: View) -> Iterator[tuple[str, dict[str, Any]]]:
        path = (reference.account, reference.region, reference.name)
        for qualifier, config in attachments.event_configs.below(view, *path, after=params.get("Marker") or None):
            yield qualifier, _described(reference, qualifier, config)

    with workings.store.view() as view:
        _version(view, reference)
        listed, more = page(entries(view), params)
    return {"FunctionEventInvokeConfigs": listed, **more}


def _change(workings: Workings, call: Call, params: dict[str, Any], *, replaces: bool) -> _Change:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    destination = params.get("DestinationConfig") or {}
    with workings.store.view() as view:
        role = _version(view, reference)["role"]
    settings = {"retries": params.get("MaximumRetryAttempts"), "age_s": params.get("MaximumEventAgeInSeconds")}
    for name, member in (("on_success", "OnSuccess"), ("on_failure", "OnFailure")):
        if destination.get(member) is not None:
            arn = destination[member].get("Destination") or ""
            if arn:
                destinations.check_target(arn, reference)
                destinations.check_role(workings.roles, role, reference.region, arn)
            settings[name] = arn
    settings = {name: value for name, value in settings.items() if value is not None}
    if not settings:
        raise invalid("You must specify at least one of error handling or destination setting.")
    return _Change(reference, settings, replaces)


def _put(view: View, change: _Change, now: float) -> tuple[dict[str, Any], Batch]:
    reference = change.reference
    _version(view, reference)
    for name in ("on_success", "on_failure"):
        if change.settings.get(name):
            destinations.check_target_exists(view, change.settings[name])
    before = {} if change.replaces else _existing(view, reference)
    config = {**before, **change.settings, "modified": now}
    batch = Batch()
    attachments.event_configs.put(batch, config, *attachments.path_of(reference))
    return _described(reference, reference.version, config), batch


def _delete(view: View, reference: Reference, now: float) -> tuple[None, Batch]:
    _existing(view, reference)
    batch = Batch()
    attachments.event_configs.delete(batch, *attachments.path_of(reference))
    return None, batch


def _version(view: View, reference: Reference) -> dict[str, Any]:
    try:
        return registry.version_of(view, reference)
    except ApiError:
        raise names.gone("The function doesn't exist.") from None


def _existing(view: View, reference: Reference) -> dict[str, Any]:
    found = attachments.of(attachments.event_configs, view, reference)
    if found is None:
        arn = reference.with_qualifier(reference.version).arn
        # Recalled.
        raise ApiError("ResourceNotFoundException", f"The function {arn} doesn't have an EventInvokeConfig", status=404)
    return found


def _described(reference: Reference, qualifier: str, config: dict[str, Any]) -> dict[str, Any]:
    destination: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
    for name, member in (("on_success", "OnSuccess"), ("on_failure", "OnFailure")):
        if config.get(name):
            destination[member] = {"Destination": config[name]}
    answer = {
        "LastModified": config["modified"],
        "FunctionArn": function_arn(reference.account, reference.region, reference.name, qualifier),
        "MaximumRetryAttempts": config.get("retries"),
        "MaximumEventAgeInSeconds": config.get("age_s"),
        "DestinationConfig": destination,
    }
    return {name: value for name, value in answer.items() if value is not None}
