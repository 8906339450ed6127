"""Settings that a replica may have of its own: read capacity and table class. What is not overridden is the source's."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb.lifecycle import Record, invalid, invalid_parameters


def apply(record: Record, action: dict[str, Any], *, creating: bool) -> None:
    """Give the replica's record what a Create or Update action asks for. Raises ValidationException.

    An index that is not there is passed over, as AWS was seen to do; so is, at creation, an override that the billing
    mode has no use for.
    """
    on_demand = record["billing"]["mode"] == "PAY_PER_REQUEST"
    if not creating:
        _check_billing(action, on_demand)
    if creating and action.get("TableClassOverride"):
        record["table_class"] = {"class": action["TableClassOverride"], "changed": None}
    _apply_one(record, action, on_demand)
    named = {index["IndexName"]: index for index in action.get("GlobalSecondaryIndexes") or ()}
    for index in record["indexes"]:
        if index["kind"] == "global" and index["name"] in named:
            _apply_one(index, named[index["name"]], on_demand)


def _check_billing(action: dict[str, Any], on_demand: bool) -> None:
    for one in (action, *(action.get("GlobalSecondaryIndexes") or ())):
        if on_demand and one.get("ProvisionedThroughputOverride") is not None:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        if not on_demand and one.get("OnDemandThroughputOverride") is not None:
            raise invalid(
                "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"
            )


def _apply_one(holder: Record, action: dict[str, Any], on_demand: bool) -> None:
    """``holder``: the record of the table or of one index."""
    if on_demand:
        maximum = (action.get("OnDemandThroughputOverride") or {}).get("MaxReadRequestUnits")
        if maximum is not None:
            holder["on_demand"] = (holder.get("on_demand") or {}) | {"MaxReadRequestUnits": maximum}
    else:
        units = (action.get("ProvisionedThroughputOverride") or {}).get("ReadCapacityUnits")
        if units is not None:
            holder["throughput"]["read"] = units
