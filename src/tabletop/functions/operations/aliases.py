"""Aliases: names for versions, which can be pointed elsewhere and can share calls between two versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import attachments, names, registry
from tabletop.functions.constraints import check_revision, invalid
from tabletop.functions.names import LATEST, Reference, function_arn, gone, not_found
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class _Change:
    """What to set in the alias that ``reference`` names; None leaves a member as it is."""

    reference: Reference
    revision: str
    version: str | None
    description: str | None
    weights: dict[str, float] | None
    expected_revision: str | None = None


async def create_alias(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"]).with_qualifier(params["Name"])
    return await workings.store.commit(_create, _change(reference, params))


async def update_alias(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"]).with_qualifier(params["Name"])
    answer = await workings.store.commit(_update, _change(reference, params))
    workings.provisioner.wake()
    return answer


async def delete_alias(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Deleting an alias that is not there succeeds, as on AWS."""
    reference = names.parse_unqualified(call, params["FunctionName"]).with_qualifier(params["Name"])
    await workings.store.commit(_delete, reference)
    workings.provisioner.wake()
    return {}


async def get_alias(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"]).with_qualifier(params["Name"])
    with workings.store.view() as view:
        registry.function_of(view, reference.with_qualifier(""))
        return _described(reference, _existing(view, reference))


async def list_aliases(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])
    wanted = params.get("FunctionVersion")
    with workings.store.view() as view:
        registry.function_of(view, reference)
        found = registry.aliases.below(
            view, reference.account, reference.region, reference.name, after=params.get("Marker") or None
        )
        entries = ((name, alias) for name, alias in found if wanted in (None, alias["version"], *alias["weights"]))
        listed, more = page(entries, params)
    return {"Aliases": [_described(reference, alias) for alias in listed], **more}


def _change(reference: Reference, params: dict[str, Any]) -> _Change:
    routing = params.get("RoutingConfig")
    return _Change(
        reference,
        randomness.new_uuid(),
        params.get("FunctionVersion"),
        params.get("Description"),
        None if routing is None else dict(routing.get("AdditionalVersionWeights") or {}),
        params.get("RevisionId"),
    )


def _create(view: View, change: _Change, now: float) -> tuple[dict[str, Any], Batch]:
    reference = change.reference
    registry.function_of(view, reference.with_qualifier(""))
    if registry.aliases.get(view, reference.account, reference.region, reference.name, reference.qualifier) is not None:
        raise ApiError("ResourceConflictException", f"Alias already exists: {reference.arn}", status=409)
    empty = {"name": reference.qualifier, "version": "", "description": "", "weights": {}}
    return _put(view, change, empty)


def _update(view: View, change: _Change, now: float) -> tuple[dict[str, Any], Batch]:
    registry.function_of(view, change.reference.with_qualifier(""))
    try:
        alias = _existing(view, change.reference)
    except ApiError:
        raise gone(f"Alias not found: {change.reference.arn}") from None
    check_revision(change.expected_revision, alias["revision"])
    return _put(view, change, alias)


def _put(view: View, change: _Change, before: dict[str, Any]) -> tuple[dict[str, Any], Batch]:
    reference = change.reference
    given = {"version": change.version, "description": change.description, "weights": change.weights}
    alias = {**before, "revision": change.revision}
    alias.update({name: value for name, value in given.items() if value is not None})
    registry.version_of(view, reference.with_qualifier(alias["version"]))
    _check_routing(view, reference, alias["version"], alias["weights"])
    batch = Batch()
    registry.aliases.put(batch, alias, reference.account, reference.region, reference.name, reference.qualifier)
    return _described(reference, alias), batch


def _check_routing(view: View, reference: Reference, version: str, weights: dict[str, float]) -> None:
    """The words of these refusals are recalled."""
    if not weights:
        return
    if len(weights) > 1:
        raise invalid(
            f"Number of items in AdditionalVersionWeights cannot be greater than 1. Item count: {len(weights)}"
        )
    second = next(iter(weights))
    if LATEST in (version, second):
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if second == version:
        raise invalid(
            f"Invalid function version {second}. Function version {second} is already included in routing configuration."
        )
    if not (second.isascii() and second.isdigit()):
        raise not_found(reference.with_qualifier(second).arn)
    registry.version_of(view, reference.with_qualifier(second))


def _delete(view: View, reference: Reference, now: float) -> tuple[None, Batch | None]:
    function = registry.function_of(view, reference.with_qualifier(""))
    path = (reference.account, reference.region, reference.name, reference.qualifier)
    if registry.aliases.get(view, *path) is None:
        return None, None
    batch = Batch()
    registry.aliases.delete(batch, *path)
    attachments.drop(view, batch, function, reference)
    return None, batch


def _existing(view: View, reference: Reference) -> dict[str, Any]:
    found = registry.aliases.get(view, reference.account, reference.region, reference.name, reference.qualifier)
    if found is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find alias arn: {reference.arn}", status=404)
    return found


def _described(reference: Reference, alias: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "AliasArn": function_arn(reference.account, reference.region, reference.name, alias["name"]),
        "Name": alias["name"],
        "FunctionVersion": alias["version"],
        "Description": alias["description"],
        "RevisionId": alias["revision"],
    }
    if alias["weights"]:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": alias["weights"]}
    return answer
