"""Event source mappings: made, shown, listed, changed and deleted. What they then do: ``event_sources``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletop.base import randomness
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb.streams.records import parse_arn
from tabletop.functions import constraints, destinations, names, registry
from tabletop.functions.constraints import invalid
from tabletop.functions.event_sources import mappings
from tabletop.functions.event_sources.mappings import Path, Record, arn_of, path_of
from tabletop.functions.event_sources.patterns import compile_patterns
from tabletop.functions.event_sources.runner import check_access, no_access
from tabletop.functions.names import Reference
from tabletop.functions.paging import page
from tabletop.functions.workings import Workings
from tabletop.storage.store import View

Params = dict[str, Any]

_LIST_ITEMS_MAX = 100
_FILTERS_MAX = 5
_AGE_S_MIN = 60
_STARTING_POSITIONS = ("TRIM_HORIZON", "LATEST")
_DEFAULTS: Record = {
    "enabled": True,
    "batch_size": 100,
    "window_s": 0,
    "parallelization": 1,
    "bisect": False,
    "retries": -1,
    "age_s": -1,
    "response_types": [],
    "tumbling_s": 0,
    "filters": [],
    "destination": "",
}
_DIRECT = {
    "enabled": "Enabled",
    "batch_size": "BatchSize",
    "window_s": "MaximumBatchingWindowInSeconds",
    "parallelization": "ParallelizationFactor",
    "bisect": "BisectBatchOnFunctionError",
    "retries": "MaximumRetryAttempts",
    "age_s": "MaximumRecordAgeInSeconds",
    "response_types": "FunctionResponseTypes",
    "tumbling_s": "TumblingWindowInSeconds",
}
_ABSENT = {
    "StartingPositionTimestamp": "StartingPositionTimestamp is not for DynamoDB streams.",
    "KMSKeyArn": "Customer managed keys are not available in Tabletop.",
    "MetricsConfig": "Metrics of event source mappings are not available in Tabletop yet.",
    "LoggingConfig": "LoggingConfig is for Kafka event sources, which are not available in Tabletop.",
    "ScalingConfig": "ScalingConfig is for Amazon SQS event sources, which are not available in Tabletop.",
    "Topics": "Kafka event sources are not available in Tabletop.",
    "Queues": "Amazon MQ event sources are not available in Tabletop.",
    "SourceAccessConfigurations": "SourceAccessConfigurations is for Kafka and Amazon MQ event sources.",
    "SelfManagedEventSource": "Kafka event sources are not available in Tabletop.",
    "AmazonManagedKafkaEventSourceConfig": "Kafka event sources are not available in Tabletop.",
    "SelfManagedKafkaEventSourceConfig": "Kafka event sources are not available in Tabletop.",
    "DocumentDBEventSourceConfig": "DocumentDB event sources are not available in Tabletop.",
    "ProvisionedPollerConfig": "Provisioned pollers are for Amazon SQS and Kafka event sources.",
}
"""Parameters that are refused unless they are empty."""


async def create_event_source_mapping(workings: Workings, call: Call, params: Params) -> dict[str, Any]:
    _check_absent(params)
    source = _source(call, params.get("EventSourceArn"))
    starting_position = params.get("StartingPosition")
    if starting_position is None:
        # Recalled from AWS's answers, as is the next.
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if starting_position not in _STARTING_POSITIONS:
        raise invalid(f"Unsupported starting position for arn type: {source}")
    tags = dict(params.get("Tags") or {})
    constraints.check_tags(tags)
    reference = names.parse(call, params["FunctionName"])
    mapping = {
        **_DEFAULTS,
        **_settings(call, params),
        "uuid": randomness.new_uuid(),
        "account": call.account,
        "region": call.region,
        "function": reference.name,
        "qualifier": reference.qualifier,
        "source": source,
        "starting_position": starting_position,
        "tags": tags,
    }
    _check_role(workings, mapping)
    stored = await workings.store.commit(mappings.create, mapping)
    workings.event_sources.changed(path_of(stored))
    return _shown(stored, mappings.UNPROCESSED)


async def get_event_source_mapping(workings: Workings, call: Call, params: Params) -> dict[str, Any]:
    with workings.store.view() as view:
        return _described(view, mappings.find(view, _path(call, params)))


async def list_event_source_mappings(workings: Workings, call: Call, params: Params) -> dict[str, Any]:
    with workings.store.view() as view:
        reference = None
        if params.get("FunctionName"):
            reference = names.parse(call, params["FunctionName"])
            registry.function_of(view, reference)
        everything = mappings.mappings.below(view, call.account, call.region, after=params.get("Marker") or None)
        wanted = ((uuid, one) for uuid, one in everything if _is_wanted(one, reference, params.get("EventSourceArn")))
        listed, marker = page(wanted, params, _LIST_ITEMS_MAX)
        return {"EventSourceMappings": [_described(view, one) for one in listed], **marker}


async def update_event_source_mapping(workings: Workings, call: Call, params: Params) -> dict[str, Any]:
    _check_absent(params)
    path = _path(call, params)
    with workings.store.view() as view:
        before = mappings.find(view, path)
        result = mappings.result_of(view, path)
    changes = _settings(call, params)
    if params.get("FunctionName"):
        reference = names.parse(call, params["FunctionName"])
        changes |= {"function": reference.name, "qualifier": reference.qualifier}
    _check_role(workings, {**before, **changes})
    stored = await workings.store.commit(mappings.update, mappings.Update(path, changes))
    workings.event_sources.changed(path)
    return _shown(stored, result)


async def delete_event_source_mapping(workings: Workings, call: Call, params: Params) -> dict[str, Any]:
    path = _path(call, params)
    with workings.store.view() as view:
        mappings.find(view, path)
        result = mappings.result_of(view, path)
    stored = await workings.store.commit(mappings.delete, path)
    workings.event_sources.changed(path)
    return _shown(stored, result)


def targets(call: Call, action: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The (IAM action, resource ARN) pairs of these operations: creating and listing have no resource of their own."""
    prefix = f"arn:aws:lambda:{call.region}:{call.account}:event-source-mapping:"
    if "UUID" in params:
        return [(f"lambda:{action}", prefix + params["UUID"])]
    pairs = [(f"lambda:{action}", "*")]
    if params.get("Tags"):
        pairs.append(("lambda:TagResource", prefix + "*"))
    return pairs


def _path(call: Call, params: Params) -> Path:
    return call.account, call.region, params["UUID"]


def _is_wanted(mapping: Record, function: Reference | None, source: str | None) -> bool:
    if source and mapping["source"] != source:
        return False
    return function is None or (mapping["function"], mapping["qualifier"]) == (function.name, function.qualifier)


def _check_absent(params: Params) -> None:
    for name, reason in _ABSENT.items():
        value = params.get(name)
        if isinstance(value, dict):
            value = any(value.values())
        if value:
            raise invalid(reason)


def _source(call: Call, arn: str | None) -> str:
    if not arn:
        # Recalled from AWS's answers.
        raise invalid("Unrecognized event source.")
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service != "dynamodb":
        raise invalid(
            f"Unrecognized event source, must be a DynamoDB stream: other sources are not available in Tabletop. "
            f"Unsupported source arn : {arn}"
        )
    try:
        account, region, _, _ = parse_arn(arn)
    except ApiError:
        raise invalid(f"Unrecognized event source, must be a DynamoDB stream. Unsupported source arn : {arn}") from None
    if (account, region) != (call.account, call.region):
        raise mappings.no_stream(arn)
    return arn


def _settings(call: Call, params: Params) -> Record:
    """What the request sets, under the record's names, checked."""
    settings = {own: params[theirs] for own, theirs in _DIRECT.items() if params.get(theirs) is not None}
    age_s = settings.get("age_s", -1)
    if age_s != -1 and age_s < _AGE_S_MIN:
        # That it is refused is documented, the words are ours.
        raise invalid(f"MaximumRecordAgeInSeconds must be -1 or between {_AGE_S_MIN} and 604800: {age_s}")
    if params.get("FilterCriteria") is not None:
        filters = [entry.get("Pattern", "") for entry in params["FilterCriteria"].get("Filters") or ()]
        if len(filters) > _FILTERS_MAX:
            # That it is refused is documented, the words are ours.
            raise invalid(f"The number of filters exceeds the limit of {_FILTERS_MAX}.")
        compile_patterns(filters)
        settings["filters"] = filters
    if params.get("DestinationConfig") is not None:
        given = params["DestinationConfig"]
        if (given.get("OnSuccess") or {}).get("Destination"):
            raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
        destination = (given.get("OnFailure") or {}).get("Destination") or ""
        settings["destination"] = destination
    return settings


def _check_role(workings: Workings, mapping: Record) -> None:
    """The function exists, and its role may read the stream and write to the destination. Raises ApiError."""
    reference = Reference(mapping["account"], mapping["region"], mapping["function"], mapping["qualifier"])
    with workings.store.view() as view:
        try:
            role = registry.version_of(view, reference)["role"]
        except ApiError:
            # Recalled from AWS's answers.
            raise invalid("Function does not exist") from None
        stream = mappings.stream_at(view, mapping["source"])
        if stream is None:
            raise mappings.no_stream(mapping["source"])
        try:
            check_access(workings.roles, role, stream)
        except ApiError:
            raise invalid(no_access(mapping["source"])) from None
        destination = mapping["destination"]
        if destination:
            destinations.check_target(destination, reference)
            destinations.check_target_exists(view, destination)
            destinations.check_role(workings.roles, role, mapping["region"], destination)


def _described(view: View, mapping: Record) -> dict[str, Any]:
    return _shown(mapping, mappings.result_of(view, path_of(mapping)))


def _shown(mapping: Record, result: str) -> dict[str, Any]:
    on_failure = {"Destination": mapping["destination"]} if mapping["destination"] else {}
    account, region, uuid = path_of(mapping)
    answer: dict[str, Any] = {
        "UUID": uuid,
        "StartingPosition": mapping["starting_position"],
        "EventSourceArn": mapping["source"],
        "FunctionArn": names.function_arn(account, region, mapping["function"], mapping["qualifier"]),
        "LastModified": mapping["modified"],
        "LastProcessingResult": result,
        "State": mapping["state"],
        "StateTransitionReason": mapping["reason"],
        "DestinationConfig": {"OnFailure": on_failure},
        "EventSourceMappingArn": arn_of(mapping),
    }
    answer |= {theirs: mapping[own] for own, theirs in _DIRECT.items() if own != "enabled"}
    if mapping["filters"]:
        answer["FilterCriteria"] = {"Filters": [{"Pattern": text} for text in mapping["filters"]]}
    return answer
