"""Settings of functions that change little here: loop detection, runtime updates; and code signing, which there is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.functions import attachments, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.description import runtime_arn
from tabletop.functions.names import Reference
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class _RuntimeUpdates:
    reference: Reference
    mode: str
    arn: str | None


async def put_function_recursion_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])
    await workings.store.commit(_set_recursion, (reference, params["RecursiveLoop"]))
    return {"RecursiveLoop": params["RecursiveLoop"]}


async def get_function_recursion_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    with workings.store.view() as view:
        function = registry.function_of(view, names.parse_unqualified(call, params["FunctionName"]))
    return {"RecursiveLoop": function.get("recursion", "Terminate")}


async def put_runtime_management_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _version(call, params)
    mode, arn = params["UpdateRuntimeOn"], params.get("RuntimeVersionArn")
    if (mode == "Manual") is not bool(arn):
        raise invalid("RuntimeVersionArn is for the update mode Manual, which needs it.")
    config = await workings.store.commit(_set_runtime_updates, _RuntimeUpdates(reference, mode, arn))
    return _runtime_updates(reference, config)


async def get_runtime_management_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _version(call, params)
    with workings.store.view() as view:
        registry.version_of(view, reference)
        config = attachments.of(attachments.runtime_updates, view, reference)
    return _runtime_updates(reference, config or {"mode": "Auto", "arn": None})


async def get_function_code_signing_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """No function has a code signing configuration; Terraform asks."""
    reference = names.parse(call, params["FunctionName"])
    with workings.store.view() as view:
        registry.function_of(view, reference)
    return {"FunctionName": reference.name}


def _version(call: Call, params: dict[str, Any]) -> Reference:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if not names.is_version(reference.version):
        raise invalid("Runtime updates are configured for versions, not for aliases.")
    return reference


def _runtime_updates(reference: Reference, config: dict[str, Any]) -> dict[str, Any]:
    answer = {"UpdateRuntimeOn": config["mode"], "FunctionArn": reference.with_qualifier(reference.version).arn}
    return {**answer, "RuntimeVersionArn": config["arn"]} if config["arn"] else answer


def _set_recursion(view: View, request: tuple[Reference, str], now: float) -> tuple[None, Batch]:
    reference, mode = request
    function = registry.function_of(view, reference)
    batch = Batch()
    registry.functions.put(batch, {**function, "recursion": mode}, reference.account, reference.region, reference.name)
    return None, batch


def _set_runtime_updates(view: View, request: _RuntimeUpdates, now: float) -> tuple[dict[str, Any], Batch]:
    record = registry.version_of(view, request.reference)
    if request.arn is not None and request.arn != runtime_arn(record):
        # A machine has one program for a runtime: no other can be promised.
        raise invalid(f"The runtime version {request.arn} is not available in Tabletop. It has {runtime_arn(record)}.")
    config = {"mode": request.mode, "arn": request.arn}
    batch = Batch()
    attachments.runtime_updates.put(batch, config, *attachments.path_of(request.reference))
    return config, batch
