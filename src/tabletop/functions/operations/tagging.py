"""Tags of functions."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.functions import constraints, names, registry
from tabletop.functions.names import Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


async def tag_resource(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await workings.store.commit(_retag, (_resource(call, params), dict(params["Tags"]), ()))
    return {}


async def untag_resource(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await workings.store.commit(_retag, (_resource(call, params), {}, tuple(params["TagKeys"])))
    return {}


async def list_tags(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    with workings.store.view() as view:
        return {"Tags": registry.function_of(view, _resource(call, params))["tags"]}


def _resource(call: Call, params: dict[str, Any]) -> Reference:
    arn = params["Resource"]
    if ":function:" not in arn or not arn.startswith("arn:"):
        raise constraints.invalid(f"Only functions can be tagged in Tabletop, by their ARN: {arn}")
    reference = names.parse(call, arn)
    if reference.qualifier:
        raise constraints.invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return reference


def _retag(view: View, request: tuple[Reference, dict[str, str], tuple[str, ...]], now: float) -> tuple[None, Batch]:
    reference, added, removed = request
    function = registry.function_of(view, reference)
    tags = {name: value for name, value in {**function["tags"], **added}.items() if name not in removed}
    constraints.check_tags(tags)
    batch = Batch()
    registry.functions.put(batch, {**function, "tags": tags}, reference.account, reference.region, reference.name)
    return None, batch
