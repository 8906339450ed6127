"""Reserved and provisioned concurrency: what is wanted. ``throttle`` and ``provisioning`` see to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.functions import attachments, limits, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.names import LATEST, Reference
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import Batch, View


@dataclass(frozen=True, slots=True)
class _Wish:
    reference: Reference
    count: int | None
    """None: no longer any."""


async def put_function_concurrency(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    count = params["ReservedConcurrentExecutions"]
    reference = names.parse_unqualified(call, params["FunctionName"])
    await workings.store.commit(_reserve, _Wish(reference, count))
    return {"ReservedConcurrentExecutions": count}


async def delete_function_concurrency(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    await workings.store.commit(_reserve, _Wish(names.parse_unqualified(call, params["FunctionName"]), None))
    return {}


async def get_function_concurrency(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    with workings.store.view() as view:
        function = registry.function_of(view, names.parse_unqualified(call, params["FunctionName"]))
    reserved = function.get("reserved")
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


async def put_provisioned_concurrency_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _qualified(call, params)
    count = params["ProvisionedConcurrentExecutions"]
    config = await workings.store.commit(_provision, _Wish(reference, count))
    workings.provisioner.wake()
    return {
        "RequestedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": _moment(config["modified"]),
    }


async def delete_provisioned_concurrency_config(
    workings: Workings, call: Call, params: dict[str, Any]
) -> dict[str, Any]:
    await workings.store.commit(_unprovision, _published(call, params))
    workings.provisioner.wake()
    return {}


async def get_provisioned_concurrency_config(workings: Workings, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    reference = _published(call, params)
    with workings.store.view() as view:
        _version_number(view, reference)
        return _described(workings, view, reference, _existing(view, reference))


async def list_provisioned_concurrency_configs(
    workings: Workings, call: Call, params: dict[str, Any]
) -> dict[str, Any]:
    reference = names.parse_unqualified(call, params["FunctionName"])

    def entries(view: View) -> Iterator[tuple[str, dict[str, Any]]]:
        path = (reference.account, reference.region, reference.name)
        for qualifier, config in attachments.provisioned.below(view, *path, after=params.get("Marker") or None):
            named = reference.with_qualifier(qualifier)
            yield qualifier, {"FunctionArn": named.arn, **_described(workings, view, named, config)}

    with workings.store.view() as view:
        registry.function_of(view, reference)
        listed, more = page(entries(view), params)
    return {"ProvisionedConcurrencyConfigs": listed, **more}


def unreserved(view: View, account: str, region: str, besides: str = "") -> int:
    """What no function of the account and region has reserved; ``besides`` names one that does not count."""
    functions = registry.functions.below(view, account, region)
    reserved = sum(function.get("reserved") or 0 for name, function in functions if name != besides)
    return limits.ACCOUNT_CONCURRENCY - reserved


def _reserve(view: View, wish: _Wish, now: float) -> tuple[None, Batch]:
    """The words of the refusals are recalled."""
    reference, count = wish.reference, wish.count
    function = registry.function_of(view, reference)
    if count is not None:
        left = unreserved(view, reference.account, reference.region, reference.name) - count
        if left < limits.UNRESERVED_CONCURRENCY_MIN:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{limits.UNRESERVED_CONCURRENCY_MIN}]."
            )
        provisioned = _provisioned(view, reference)
        if count < provisioned:
            raise invalid(
                f" ReservedConcurrentExecutions  {count} should not be lower than function's total provisioned "
                f"concurrency [{provisioned}]."
            )
    kept = {name: value for name, value in function.items() if name != "reserved"}
    changed = kept if count is None else {**kept, "reserved": count}
    batch = Batch()
    registry.functions.put(batch, changed, reference.account, reference.region, reference.name)
    return None, batch


def _provision(view: View, wish: _Wish, now: float) -> tuple[dict[str, Any], Batch]:
    """The words of the refusals are recalled."""
    reference, count = wish.reference, wish.count or 0
    if reference.qualifier == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    version = _version_number(view, reference)
    function = registry.function_of(view, reference)
    if version == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    _refuse_second_name(view, reference, version)
    total = count + _provisioned(view, reference, besides=reference.qualifier)
    reserved = function.get("reserved")
    if reserved is not None:
        if total > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                "function"
            )
    else:
        bound = unreserved(view, reference.account, reference.region)
        if total > bound:
            raise invalid(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                f"[{bound}]."
            )
        if bound - total < limits.UNRESERVED_CONCURRENCY_MIN:
            raise invalid(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
                f"minimum value of [{limits.UNRESERVED_CONCURRENCY_MIN}]."
            )
    config = {
        "account": reference.account,
        "region": reference.region,
        "name": reference.name,
        "qualifier": reference.qualifier,
        "requested": count,
        "modified": now,
    }
    batch = Batch()
    attachments.provisioned.put(batch, config, *attachments.path_of(reference))
    return config, batch


def _refuse_second_name(view: View, reference: Reference, version: str) -> None:
    """A version is provisioned under its number or under one alias, not twice."""
    path = (reference.account, reference.region, reference.name)
    for qualifier, _ in attachments.provisioned.below(view, *path):
        if qualifier == reference.qualifier:
            continue
        if registry.version_of(view, reference.with_qualifier(qualifier))["version"] == version:
            raise ApiError(
                "ResourceConflictException",
                "Version is pointed by a Provisioned Concurrency alias"
                if names.is_version(reference.qualifier)
                else "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
                status=409,
            )


def _unprovision(view: View, reference: Reference, now: float) -> tuple[None, Batch | None]:
    _version_number(view, reference)
    if attachments.of(attachments.provisioned, view, reference) is None:
        return None, None
    batch = Batch()
    attachments.provisioned.delete(batch, *attachments.path_of(reference))
    return None, batch


def _provisioned(view: View, reference: Reference, besides: str = "") -> int:
    path = (reference.account, reference.region, reference.name)
    configs = attachments.provisioned.below(view, *path)
    return sum(config["requested"] for qualifier, config in configs if qualifier != besides)


def _qualified(call: Call, params: dict[str, Any]) -> Reference:
    reference = names.parse(call, params["FunctionName"], params.get("Qualifier"))
    if not reference.qualifier:
        raise invalid("Provisioned concurrency belongs to a version or an alias: name one as the Qualifier.")
    return reference


def _published(call: Call, params: dict[str, Any]) -> Reference:
    reference = _qualified(call, params)
    if reference.qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")
    return reference


def _version_number(view: View, reference: Reference) -> str:
    """Of the version that is meant. Raises ResourceNotFoundException, for an alias in words of its own."""
    if names.is_version(reference.qualifier):
        return str(registry.version_of(view, reference)["version"])
    path = (reference.account, reference.region, reference.name, reference.qualifier)
    alias = registry.aliases.get(view, *path)
    if alias is None:
        raise names.gone(f"Cannot find alias arn: {reference.arn}")
    return str(alias["version"])


def _existing(view: View, reference: Reference) -> dict[str, Any]:
    found = attachments.of(attachments.provisioned, view, reference)
    if found is None:
        raise ApiError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            status=404,
        )
    return found


def _described(workings: Workings, view: View, reference: Reference, config: dict[str, Any]) -> dict[str, Any]:
    requested = config["requested"]
    status, ready, reason = workings.provisioner.state(view, reference, requested)
    answer = {
        "RequestedProvisionedConcurrentExecutions": requested,
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": status,
        "LastModified": _moment(config["modified"]),
    }
    return {**answer, "StatusReason": reason} if reason else answer


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
