"""Tags of functions and of event source mappings."""

from __future__ import annotations

from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.functions import constraints, names, registry
from tabletop.functions.event_sources import mappings
from tabletop.functions.names import Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


async def tag_resource(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    if not params["Tags"]:
        raise constraints.invalid("An error occurred and the request cannot be processed.")
    await _change(workings, call, params, dict(params["Tags"]), ())
    return {}


async def untag_resource(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await _change(workings, call, params, {}, tuple(params["TagKeys"]))
    return {}


async def list_tags(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    path = mappings.path_in(call, params["Resource"])
    with workings.store.view() as view:
        if path is not None:
            return {"Tags": mappings.find(view, path)["tags"]}
        return {"Tags": registry.function_of(view, _resource(call, params))["tags"]}


async def _change(
    workings: Workings, call: Call, params: dict[str, Any], added: dict[str, str], removed: tuple[str, ...]
) -> None:
    path = mappings.path_in(call, params["Resource"])
    if path is not None:
        await workings.store.commit(mappings.retag, mappings.Retag(path, added, removed))
        return
    await workings.store.commit(_retag, (_resource(call, params), added, removed, randomness.new_uuid()))


def _resource(call: Call, params: dict[str, Any]) -> Reference:
    arn = params["Resource"]
    if ":function:" not in arn or not arn.startswith("arn:"):
        raise constraints.invalid(f"Only functions and event source mappings can be tagged in Tabletop: {arn}")
    reference = names.parse(call, arn)
    if reference.qualifier:
        raise constraints.invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return reference


def _retag(
    view: View, request: tuple[Reference, dict[str, str], tuple[str, ...], str], now: float
) -> tuple[None, Batch]:
    """As on AWS, tags change the function's revision."""
    reference, added, removed, revision = request
    function = registry.function_of(view, reference)
    tags = {name: value for name, value in {**function["tags"], **added}.items() if name not in removed}
    constraints.check_tags(tags)
    batch = Batch()
    registry.revise(batch, registry.version_of(view, reference), revision)
    registry.functions.put(batch, {**function, "tags": tags}, reference.account, reference.region, reference.name)
    return None, batch
