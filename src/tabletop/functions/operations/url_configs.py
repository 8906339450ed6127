"""Function URLs: their configurations. ``urls`` serves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import attachments, names, registry
from tabletop.functions.names import Reference
from tabletop.functions.paging import page
from tabletop.functions.urls import address
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class _Change:
    reference: Reference
    settings: dict[str, Any]
    """What the request sets: auth, cors, mode."""
    new_id: str = ""


async def create_function_url_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    change = _Change(_reference(call, params), _settings(params), randomness.random_bytes(16).hex())
    config = await workings.store.commit(_create, change)
    answer = _described(call, change.reference, config)
    del answer["LastModifiedTime"]
    return answer


async def update_function_url_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    change = _Change(_reference(call, params), _settings(params))
    return _described(call, change.reference, await workings.store.commit(_update, change))


async def delete_function_url_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await workings.store.commit(_delete, _reference(call, params))
    return {}


async def get_function_url_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _reference(call, params)
    with workings.store.view() as view:
        return _described(call, reference, _existing(view, reference))


async def list_function_url_configs(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])

    def entries(view: View) -> Iterator[tuple[str, dict[str, Any]]]:
        path = (reference.account, reference.region, reference.name)
        for name, config in attachments.url_configs.below(view, *path, after=params.get("Marker") or None):
            qualifier = "" if name == names.LATEST else name
            yield name, _described(call, reference.with_qualifier(qualifier), config)

    with workings.store.view() as view:
        _check_exists(view, reference)
        listed, more = page(entries(view), params)
    return {"FunctionUrlConfigs": listed, **more}


def _reference(call: Call, params: dict[str, Any]) -> Reference:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if reference.qualifier and names.is_version(reference.qualifier):
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{reference.qualifier}' at 'qualifier' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)",
        )
    return reference


def _settings(params: dict[str, Any]) -> dict[str, Any]:
    settings = {"auth": params.get("AuthType"), "cors": params.get("Cors"), "mode": params.get("InvokeMode")}
    return {name: value for name, value in settings.items() if value is not None}


def _create(view: View, change: _Change, now: float) -> tuple[dict[str, Any], Batch]:
    reference = change.reference
    _check_exists(view, reference)
    if attachments.of(attachments.url_configs, view, reference) is not None:
        # Recalled.
        raise ApiError(
            "ResourceConflictException",
            f"Failed to create function url config for [functionArn = {reference.arn}]. Error message:  "
            "FunctionUrlConfig exists for this Lambda function",
            status=409,
        )
    config = {"id": change.new_id, "mode": "BUFFERED", "cors": None, "created": now, "modified": now, **change.settings}
    batch = _put(reference, config)
    owner = {
        "account": reference.account,
        "region": reference.region,
        "name": reference.name,
        "qualifier": reference.qualifier,
    }
    attachments.urls.put(batch, owner, change.new_id)
    return config, batch


def _update(view: View, change: _Change, now: float) -> tuple[dict[str, Any], Batch]:
    _check_exists(view, change.reference)
    config = {**_existing(view, change.reference), **change.settings, "modified": now}
    return config, _put(change.reference, config)


def _delete(view: View, reference: Reference, now: float) -> tuple[None, Batch]:
    config = _existing(view, reference)
    batch = Batch()
    attachments.url_configs.delete(batch, *attachments.path_of(reference))
    attachments.urls.delete(batch, config["id"])
    return None, batch


def _put(reference: Reference, config: dict[str, Any]) -> Batch:
    batch = Batch()
    attachments.url_configs.put(batch, config, *attachments.path_of(reference))
    return batch


def _check_exists(view: View, reference: Reference) -> None:
    try:
        registry.version_of(view, reference)
    except ApiError:
        raise names.gone("Function does not exist") from None


def _existing(view: View, reference: Reference) -> dict[str, Any]:
    found = attachments.of(attachments.url_configs, view, reference)
    if found is None:
        raise ApiError("ResourceNotFoundException", "The resource you requested does not exist.", status=404)
    return found


def _described(call: Call, reference: Reference, config: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "FunctionUrl": address(config["id"], reference.region, call),
        "FunctionArn": reference.arn,
        "AuthType": config["auth"],
        "CreationTime": _moment(config["created"]),
        "LastModifiedTime": _moment(config["modified"]),
        "InvokeMode": config["mode"],
    }
    if config["cors"]:
        answer["Cors"] = config["cors"]
    return answer


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
