"""Operations that only read: descriptions, lists, account settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabletop.base.call import Call
from tabletop.functions import description, limits, names, registry
from tabletop.functions.constraints import check_absent, invalid
from tabletop.functions.description import configuration
from tabletop.functions.layers import layer_versions
from tabletop.functions.operations import concurrency
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import View


async def get_function(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        function = registry.function_of(view, reference)
        record = registry.version_of(view, reference)
    answer: dict[str, Any] = {
        "Configuration": configuration(record, qualifier=reference.qualifier),
        "Code": {"RepositoryType": "S3", "Location": workings.downloads.location(call, record)},
    }
    if function.get("reserved") is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function["reserved"]}
    if function["tags"]:
        answer["Tags"] = function["tags"]
    return answer


async def get_function_configuration(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    with workings.store.view() as view:
        record = registry.version_of(view, reference)
    return configuration(record, qualifier=reference.qualifier)


async def list_functions(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Functions in order of their names; with FunctionVersion ALL every version of each."""
    check_absent(params)
    every_version = params.get("FunctionVersion") == "ALL"
    with workings.store.view() as view:
        records = _every_version(view, call, params) if every_version else _latest_versions(view, call, params)
        listed, more = page(records, params)
    if every_version:
        return {"Functions": [description.listed(record, qualifier=record["version"]) for record in listed], **more}
    return {"Functions": [description.listed(record) for record in listed], **more}


def _latest_versions(view: View, call: Call, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, _ in registry.functions.below(view, call.account, call.region, after=params.get("Marker") or None):
        yield name, registry.version_of(view, names.Reference(call.account, call.region, name, ""))


def _every_version(view: View, call: Call, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The marker is a name and a version: a function's versions may lie on two pages."""
    begun, _, version = (params.get("Marker") or "").partition(":")
    if begun and not names.is_version(version):
        raise invalid("The marker is not one that an earlier answer gave.")
    reference = names.Reference(call.account, call.region, begun, "")
    for record in registry.all_versions(view, reference, after=version) if begun else ():
        yield f"{begun}:{record['version']}", record
    for name, _ in registry.functions.below(view, call.account, call.region, after=begun or None):
        for record in registry.all_versions(view, names.Reference(call.account, call.region, name, "")):
            yield f"{name}:{record['version']}", record


async def list_versions_by_function(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])
    marker = params.get("Marker") or None
    if marker is not None and not names.is_version(marker):
        raise invalid("The marker is not one that an earlier answer gave.")
    with workings.store.view() as view:
        registry.function_of(view, reference)
        records = registry.all_versions(view, reference, after=marker)
        listed, more = page(((record["version"], record) for record in records), params)
    return {"Versions": [description.listed(record, qualifier=record["version"]) for record in listed], **more}


async def get_account_settings(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    size = count = 0
    with workings.store.view() as view:
        for name, _ in registry.functions.below(view, call.account, call.region):
            count += 1
            records = registry.all_versions(view, names.Reference(call.account, call.region, name, ""))
            size += sum(record["code_size"] for record in records)
        size += sum(record["code_size"] for _, record in layer_versions.below(view, call.account, call.region))
        unreserved = concurrency.unreserved(view, call.account, call.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": limits.CODE_STORAGE_BYTES_MAX,
            "CodeSizeUnzipped": limits.UNZIPPED_BYTES_MAX,
            "CodeSizeZipped": limits.ZIP_BYTES_MAX,
            "ConcurrentExecutions": limits.ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": unreserved,
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": count},
    }
