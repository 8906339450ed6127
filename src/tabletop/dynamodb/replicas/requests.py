"""What an UpdateTable asks of a global table: the request's members held against each other, before any table is read.

Words are AWS's as independent observers recorded them (2026), in the order in which AWS was seen to check; what is marked
inferred or recalled was not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.base.randomness import new_uuid
from tabletop.dynamodb.lifecycle import invalid, invalid_parameters
from tabletop.dynamodb.operations.operation import Body, table_arn, table_name
from tabletop.dynamodb.replicas.regions import STRONG, SUPPORTED

KINDS = ("Create", "Update", "Delete", "Disassociate")
_WITH_REPLICAS = frozenset({"TableName", "ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates"})
_REPLICA_COUNT = "Unsupported replica count for global tables with MultiRegionConsistency set to STRONG."
_SETTINGS_OF_UPDATE = (
    "KMSMasterKeyId",
    "ProvisionedThroughputOverride",
    "OnDemandThroughputOverride",
    "TableClassOverride",
)
_NO_ACTIONS = "There are no actions specified in the Replica Update Action of the request."


@dataclass(frozen=True, slots=True)
class ReplicaRequest:
    call: Call
    table: str
    """Name or ARN, as the request has it."""
    kind: str
    """One of ``KINDS``: of all the request's actions."""
    actions: dict[str, Body]
    """Region -> what is asked for it, in the request's order."""
    is_strong: bool | None
    """What MultiRegionConsistency says; None where it says nothing."""
    witness: tuple[str, str] | None
    """("Create" or "Delete", region)"""
    ids: dict[str, str] = field(default_factory=dict)
    """Region -> identifier for the table to be made there."""


def replica_request(body: Body, call: Call) -> ReplicaRequest | None:
    """The request, if it is about replicas. Raises ValidationException."""
    updates = body.get("ReplicaUpdates")
    if not updates:
        return None
    witness = _witness(body.get("GlobalTableWitnessUpdates"))
    _check_alone(body, witness)
    kind, actions = _actions(updates)
    consistency = body.get("MultiRegionConsistency")
    request = ReplicaRequest(
        call,
        body["TableName"],
        kind,
        actions,
        None if consistency is None else consistency == "STRONG",
        witness,
        {region: new_uuid() for region in actions},
    )
    _check_regions(request)
    _check_consistency(request)
    if kind == "Update":
        _check_update(actions)
    return request


def _check_alone(body: Body, witness: tuple[str, str] | None) -> None:
    if not any(body[member] is not None for member in body.keys() - _WITH_REPLICAS):
        return
    if witness is not None or body.get("MultiRegionConsistency") == "STRONG":
        raise invalid("Requests that modify replicas or witnesses must not also modify other fields")
    raise invalid_parameters("Replica modification must be the only operation in the request")


def _actions(updates: list[Body]) -> tuple[str, dict[str, Body]]:
    kinds: set[str] = set()
    actions: dict[str, Body] = {}
    for update in updates:
        given = [kind for kind in KINDS if update.get(kind) is not None]
        if not given:
            raise invalid(_NO_ACTIONS)
        kinds.update(given)
        if len(kinds) > 1:
            raise invalid("Update table operation with more than one type of replica actions not allowed")
        action = update[given[0]]
        # Two actions for one region were seen to be taken as one.
        actions[action["RegionName"]] = action
    return kinds.pop(), actions


def _witness(updates: list[Body] | None) -> tuple[str, str] | None:
    if not updates:
        return None
    given = [
        (kind, updates[0][kind]["RegionName"]) for kind in ("Create", "Delete") if updates[0].get(kind) is not None
    ]
    if len(given) != 1:
        # Inferred.
        raise invalid("Exactly one action must be specified in each of the GlobalTableWitnessUpdates")
    return given[0]


def _check_regions(request: ReplicaRequest) -> None:
    local = request.call.region
    if request.kind == "Disassociate":
        if list(request.actions) != [local]:
            # Inferred: that it must be the region of the request is documented.
            raise invalid("Only the local replica can be disassociated from the global table")
        return
    if local in request.actions:
        raise invalid(
            "Cannot add or delete the local region through ReplicaUpdates. "
            "Use CreateTable, DeleteTable, or UpdateTable as required."
        )
    if request.kind == "Create":
        for region in request.actions:
            if region not in SUPPORTED:
                raise invalid(
                    f"Region {region} is not supported. The latest version of global tables are only supported in the "
                    f"following regions: [{', '.join(SUPPORTED)}]"
                )
    if request.witness is not None and request.witness[1] in request.actions:
        raise invalid("Cannot target multiple regions with the same action")


def _check_consistency(request: ReplicaRequest) -> None:
    creates = request.kind == "Create"
    if request.is_strong is not None and not creates:
        raise invalid("Only Replica Create actions are supported when MultiRegionConsistency parameter is provided.")
    if request.witness is not None and request.witness[0] == "Create" and not request.is_strong:
        raise invalid(
            "MultiRegionConsistency must be set as STRONG when GlobalTableWitnessUpdates parameter is present."
        )
    if not request.is_strong:
        if creates and len(request.actions) > 1:
            raise too_many_actions()
        return
    if request.witness is not None and request.witness[1] == request.call.region:
        raise invalid(
            "Cannot add a witness in the same region as an existing replica when creating a global table "
            "with MultiRegionConsistency set to STRONG."
        )
    asked = [*request.actions, *([request.witness[1]] if request.witness else [])]
    unsupported = [region for region in (*asked, request.call.region) if region not in STRONG]
    if unsupported:
        raise invalid(
            "Unsupported Region(s) specified for global tables with MultiRegionConsistency set to STRONG: "
            f"[{', '.join(unsupported)}]."
        )
    if len(asked) != 2:
        raise invalid(_REPLICA_COUNT)


def _check_update(actions: dict[str, Body]) -> None:
    for action in actions.values():
        indexes = action.get("GlobalSecondaryIndexes") or []
        if not any(action.get(member) is not None for member in _SETTINGS_OF_UPDATE) and not any(
            index.keys() - {"IndexName"} for index in indexes
        ):
            raise invalid(_NO_ACTIONS)


def too_many_actions() -> ApiError:
    return invalid("Update table operation with more than one create or delete replica actions not allowed")


_NEEDED = {
    # Of the table in the replica's region (developer guide, "DynamoDB global tables security").
    "Create": (
        *("CreateTable", "CreateTableReplica", "Query", "Scan", "UpdateItem", "PutItem", "GetItem", "DeleteItem"),
        "BatchWriteItem",
    ),
    "Update": ("UpdateTable",),
    "Delete": ("DeleteTable", "DeleteTableReplica"),
    "Disassociate": ("DisassociateTableReplica",),
}


def targets(body: Body, call: Call) -> list[tuple[str, str]]:
    """What an UpdateTable must be allowed to do, in all regions that it names."""
    name = table_name(body["TableName"])
    own = table_arn(call, name)
    needed: list[tuple[str, str]] = [("dynamodb:UpdateTable", own)]
    regions = {call.region: own}
    for update in body.get("ReplicaUpdates") or ():
        for kind in KINDS:
            if update.get(kind) is not None:
                region = update[kind]["RegionName"]
                regions[region] = arn = arn_in(call.account, region, name)
                needed += [(f"dynamodb:{action}", arn) for action in _NEEDED[kind]]
    for update in body.get("GlobalTableWitnessUpdates") or ():
        for kind in ("Create", "Delete"):
            if update.get(kind) is not None:
                witness = update[kind]["RegionName"]
                arns = (regions | {witness: arn_in(call.account, witness, name)}).values()
                needed += [(f"dynamodb:{kind}GlobalTableWitness", arn) for arn in arns]
    return needed


def arn_in(account: str, region: str, name: str) -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"
