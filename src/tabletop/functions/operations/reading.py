"""Operations that only read: descriptions, lists, account settings."""

from __future__ import annotations

from typing import Any

from tabletop.base.call import Call
from tabletop.functions import limits, names, registry
from tabletop.functions.constraints import check_absent, invalid
from tabletop.functions.description import configuration
from tabletop.functions.layers import layer_versions
from tabletop.functions.operations import concurrency
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings


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
    """Functions in order of their names; with FunctionVersion ALL every version of each, none split over pages."""
    check_absent(params)
    page_items = min(params.get("MaxItems") or limits.LIST_ITEMS_MAX, limits.LIST_ITEMS_MAX)
    every_version = params.get("FunctionVersion") == "ALL"
    listed: list[dict[str, Any]] = []
    last = ""
    with workings.store.view() as view:
        for name, _ in registry.functions.below(view, call.account, call.region, after=params.get("Marker") or None):
            if len(listed) >= page_items:
                return {"Functions": listed, "NextMarker": last}
            reference = names.Reference(call.account, call.region, name, "")
            if every_version:
                listed.extend(
                    configuration(record, qualifier=record["version"])
                    for record in registry.all_versions(view, reference)
                )
            else:
                listed.append(configuration(registry.version_of(view, reference)))
            last = name
    return {"Functions": listed}


async def list_versions_by_function(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])
    marker = params.get("Marker") or None
    if marker is not None and not names.is_version(marker):
        raise invalid("The marker is not one that an earlier answer gave.")
    with workings.store.view() as view:
        registry.function_of(view, reference)
        records = registry.all_versions(view, reference, after=marker)
        listed, more = page(((record["version"], record) for record in records), params)
    return {"Versions": [configuration(record, qualifier=record["version"]) for record in listed], **more}


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


async def get_function_code_signing_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """No function has a code signing configuration; Terraform asks."""
    reference = _existing(workings, call, params)
    return {"FunctionName": reference.name}


def _existing(workings: Workings, call: Call, params: dict[str, Any]) -> names.Reference:
    reference = names.parse(call, params["FunctionName"])
    with workings.store.view() as view:
        registry.function_of(view, reference)
    return reference
