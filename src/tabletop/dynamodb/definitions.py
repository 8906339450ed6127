"""Is this a table that can be made? Validation of key schemas, indexes, projections, throughput; words as AWS's.

Source: answers of AWS that public clients and suites recorded; what is marked inferred was not seen.
"""

from __future__ import annotations

from typing import Any

from tabletop.base.errors import ApiError
from tabletop.dynamodb.description import throughput_record
from tabletop.dynamodb.lifecycle import invalid, invalid_parameters
from tabletop.dynamodb.resource_policies import check_policy
from tabletop.dynamodb.warm_throughput import warm_units

LOCAL_INDEXES_MAX = 5
GLOBAL_INDEXES_MAX = 20
INDEX_KEY_ATTRIBUTES_MAX = 4
"""Partition key attributes of a global index, and as many sort key attributes."""
PROJECTED_ATTRIBUTES_MAX = 100
CAPACITY_UNITS_MAX = 1_000_000_000_000
NO_ON_DEMAND_MAXIMUM = -1

Definition = dict[str, Any]
KeySchema = list[dict[str, str]]

NOT_BUILT_FOR_CREATE = ("GlobalTableSourceArn",)


def refuse_not_built(body: Definition, members: tuple[str, ...]) -> None:
    for member in members:
        if body.get(member):
            raise invalid_parameters(f"{member} is not supported by this endpoint")


def check_create(body: Definition) -> None:
    """Everything about a CreateTable request that can be judged without the store. Raises ValidationException."""
    refuse_not_built(body, NOT_BUILT_FOR_CREATE)
    billing = body.get("BillingMode", "PROVISIONED")
    check_billing(billing, body.get("ProvisionedThroughput"), body.get("OnDemandThroughput"))
    check_on_demand(body.get("OnDemandThroughput"), "table")
    _check_new_warm(body, billing, "table")
    names = attribute_names(body["AttributeDefinitions"])
    local, global_ = body.get("LocalSecondaryIndexes"), body.get("GlobalSecondaryIndexes")
    check_table_keys(
        body["KeySchema"], names, alone=local is None and global_ is None and body.get("VectorIndexes") is None
    )
    taken: set[str] = set()
    if local is not None:
        _check_local_indexes(local, body["KeySchema"], names, taken)
    if global_ is not None:
        _check_global_indexes(global_, names, taken, billing)
    check_projected_total((local or []) + (global_ or []))
    _check_all_used(body, names)
    check_stream(body.get("StreamSpecification"))
    policy = body.get("ResourcePolicy")
    if policy is not None:
        check_policy(policy)


def attribute_names(definitions: list[dict[str, str]]) -> list[str]:
    names = [one["AttributeName"] for one in definitions]
    for name in names:
        if names.count(name) > 1:
            raise invalid_parameters(f"Duplicate AttributeName in AttributeDefinitions: {name}")
    return names


def check_billing(billing: str, throughput: Definition | None, on_demand: Definition | None) -> None:
    if billing == "PAY_PER_REQUEST":
        if throughput is not None:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
    else:
        if throughput is None:
            raise invalid_parameters(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
            )
        if on_demand:
            raise invalid_parameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
        check_capacity(throughput)


def check_capacity(throughput: Definition) -> None:
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if throughput[member] > CAPACITY_UNITS_MAX:
            raise invalid(f"Given value {throughput[member]} for {member} is out of bounds")


def check_on_demand(on_demand: Definition | None, holder: str) -> None:
    """``holder``: "table", or "index" and its name (inferred)."""
    if on_demand is not None and not on_demand:
        # Documented that one must be given; the words are inferred.
        raise invalid_parameters(f"MaxReadRequestUnits or MaxWriteRequestUnits must be specified for {holder}")
    for member in ("MaxReadRequestUnits", "MaxWriteRequestUnits"):
        units = (on_demand or {}).get(member, NO_ON_DEMAND_MAXIMUM)
        if units != NO_ON_DEMAND_MAXIMUM and units < 1:
            raise invalid_parameters(
                f"Requested {member} for OnDemandThroughput for {holder} is outside of valid range"
            )


def _check_new_warm(definition: Definition, billing: str, holder: str) -> None:
    throughput = throughput_record(definition.get("ProvisionedThroughput"))
    check_warm(definition.get("WarmThroughput"), warm_units(billing, None, throughput), holder)


def check_warm(warm: Definition | None, current: dict[str, int], holder: str) -> None:
    """Refuse less warm throughput than a table or index has: it can only grow (documented; the words are recalled)."""
    if warm is None:
        return
    given = {member: warm[member] for member in current if member in warm}
    if not given:
        # Inferred.
        raise invalid_parameters(f"ReadUnitsPerSecond or WriteUnitsPerSecond must be specified for {holder}")
    for member, units in given.items():
        if units < current[member]:
            raise invalid_parameters(
                f"Requested {member} for WarmThroughput for {holder} is lower than current WarmThroughput, "
                "decreasing WarmThroughput is not supported"
            )


def check_table_keys(schema: KeySchema, names: list[str], *, alone: bool) -> None:
    _check_length_two(schema, "keySchema")
    if len(schema) > len(names):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
    _check_pair(schema, names)
    if alone and len(schema) != len(names):
        raise invalid_parameters(
            "Number of attributes in KeySchema does not exactly match "
            "number of attributes defined in AttributeDefinitions"
        )


def _check_length_two(schema: KeySchema, path: str) -> None:
    if len(schema) > 2:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={p['AttributeName']}, keyType={p['KeyType']})" for p in schema
        )
        raise invalid(
            f"1 validation error detected: Value '[{shown}]' at '{path}' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )


def _check_defined(schema: KeySchema, names: list[str]) -> list[str]:
    used = [part["AttributeName"] for part in schema]
    if not set(used) <= set(names):
        raise invalid_parameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(used)}], AttributeDefinitions: [{', '.join(names)}]"
        )
    return used


def _check_pair(schema: KeySchema, names: list[str]) -> None:
    """A key of one or two attributes: a table's or a local index's."""
    used = _check_defined(schema, names)
    if len(used) == 2 and used[0] == used[1]:
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2 and schema[1]["KeyType"] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_global_keys(schema: KeySchema, names: list[str]) -> None:
    """Up to four partition key attributes, then up to four sort key attributes."""
    used = _check_defined(schema, names)
    if len(set(used)) != len(used):
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    kinds = [part["KeyType"] for part in schema]
    if kinds[0] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if kinds != sorted(kinds):
        raise invalid("Invalid KeySchema: All HASH key elements must precede all RANGE key elements")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > INDEX_KEY_ATTRIBUTES_MAX:
            raise invalid(
                f"Invalid KeySchema: The number of {kind} key elements exceeds the limit of {INDEX_KEY_ATTRIBUTES_MAX}"
            )


def take_name(name: str, taken: set[str]) -> None:
    if name in taken:
        raise invalid_parameters(f"Duplicate index name: {name}")
    taken.add(name)


def _check_local_indexes(indexes: list[Definition], table_keys: KeySchema, names: list[str], taken: set[str]) -> None:
    if not indexes:
        raise invalid_parameters("List of LocalSecondaryIndexes is empty")
    if len(table_keys) != 2:
        raise invalid_parameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    table_hash = table_keys[0]["AttributeName"]
    for position, index in enumerate(indexes, 1):
        name, schema = index["IndexName"], index["KeySchema"]
        _check_length_two(schema, f"localSecondaryIndexes.{position}.member.keySchema")
        _check_pair(schema, names)
        if len(schema) != 2:
            raise invalid_parameters(f"Index KeySchema does not have a range key for index: {name}")
        index_hash = schema[0]["AttributeName"]
        if index_hash != table_hash:
            raise invalid_parameters(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{name}. index hash key: {index_hash}, table hash key: {table_hash}"
            )
        check_projection(index["Projection"])
        take_name(name, taken)
    if len(indexes) > LOCAL_INDEXES_MAX:
        raise invalid_parameters(f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}")


def _check_global_indexes(indexes: list[Definition], names: list[str], taken: set[str], billing: str) -> None:
    if not indexes:
        raise invalid_parameters("List of GlobalSecondaryIndexes is empty")
    for index in indexes:
        check_global_index(index, names, billing)
        take_name(index["IndexName"], taken)
    check_global_index_count(len(indexes))


def check_global_index(index: Definition, names: list[str], billing: str) -> None:
    """One global index, of a new table or to be added. ``names``: of the request's AttributeDefinitions."""
    name, throughput = index["IndexName"], index.get("ProvisionedThroughput")
    _check_global_keys(index["KeySchema"], names)
    check_projection(index["Projection"])
    check_on_demand(index.get("OnDemandThroughput"), f"index {name}")
    if billing == "PAY_PER_REQUEST":
        if throughput is not None:
            raise invalid_parameters(
                f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
            )
    elif throughput is None:
        raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {name}")
    else:
        check_capacity(throughput)
    _check_new_warm(index, billing, f"index {name}")


def check_global_index_count(count: int) -> None:
    if count > GLOBAL_INDEXES_MAX:
        raise invalid_parameters(f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}")


def check_projection(projection: Definition) -> None:
    kind, included = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid_parameters("Unknown ProjectionType: null")
    if included is not None and kind != "INCLUDE":
        raise invalid_parameters(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE":
        if included is None:
            raise invalid_parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        for name in included:
            if included.count(name) > 1:
                # Inferred.
                raise invalid_parameters(f"Duplicate attribute name in NonKeyAttributes: {name}")


def check_projected_total(indexes: list[Definition]) -> None:
    total = sum(len(index["Projection"].get("NonKeyAttributes") or ()) for index in indexes)
    if total > PROJECTED_ATTRIBUTES_MAX:
        # Inferred.
        raise invalid_parameters(
            f"Total number of NonKeyAttributes in all indexes exceeds the limit of {PROJECTED_ATTRIBUTES_MAX}"
        )


def _check_all_used(body: Definition, names: list[str]) -> None:
    schemas = [body["KeySchema"]]
    schemas += [i["KeySchema"] for m in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes") for i in body.get(m) or ()]
    used = {part["AttributeName"]: None for schema in schemas for part in schema}
    # What a search schema uses without a definition is refused later, in other words.
    searched = [part["AttributeName"] for i in body.get("VectorIndexes") or () for part in i.get("SearchSchema") or ()]
    used |= {name: None for name in searched if name in names}
    if len(used) != len(names):
        raise invalid_parameters(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(names)}], "
            f"keys used: [{', '.join(used)}]"
        )


def check_stream(stream: Definition | None) -> None:
    if stream is None:
        return
    if stream["StreamEnabled"] and "StreamViewType" not in stream:
        # Inferred.
        raise invalid_parameters("StreamViewType must be specified when StreamEnabled is true")
    if not stream["StreamEnabled"] and "StreamViewType" in stream:
        raise invalid_parameters(
            "Table is being created with a stream disabled, UpdateViewType should not be specified"
        )


def one_index_at_a_time() -> ApiError:
    return ApiError(
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )
