"""The answers of the policy simulator: each action's result, with what decided it and what nobody told it.

There is one result for each action, with the most restrictive verdict of its resources at its top and each resource's
beneath (the newest model's description).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from tabletop.base.errors import ApiError
from tabletop.iam.conditions import Context
from tabletop.iam.evaluation import CallerNames, Decision, Layer, NamedPolicy, PolicySet, evaluate, evaluate_across
from tabletop.iam.operation import Answer
from tabletop.iam.policies import Statement, context_keys
from tabletop.iam.positions import Position, statement_positions
from tabletop.iam.records import split_arn

ALLOWED, EXPLICIT, IMPLICIT = "allowed", "explicitDeny", "implicitDeny"
_STRICTNESS = (ALLOWED, IMPLICIT, EXPLICIT)
_TEMPLATES = {
    "dynamodb": "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}",
    "lambda": "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}",
}
"""What EvalResourceName is for the actions of a service; "*" for all others."""
_ALWAYS_KNOWN = frozenset({"aws:currenttime", "aws:epochtime"})


@dataclass(frozen=True, slots=True)
class Simulation:
    policies: PolicySet
    resource_policies: tuple[NamedPolicy, ...]
    caller: CallerNames
    context: Context
    given: frozenset[str]
    """Condition keys that the request gives, in lower case."""
    crosses_accounts: bool


def invalid(message: str) -> ApiError:
    return ApiError("InvalidInput", message, status=400)


def result_of(simulation: Simulation, action: str, resources: Sequence[str]) -> Answer:
    if ":" not in action:
        raise invalid(f"Invalid Action Name: {action}")
    each = [_verdict(simulation, action, resource) for resource in resources]
    strictest = max(each, key=lambda verdict: _STRICTNESS.index(verdict["EvalResourceDecision"]))
    everything = list(resources) == ["*"]
    service = action.partition(":")[0].lower()
    result: Answer = {
        "EvalActionName": action,
        "EvalResourceName": "*" if everything else _TEMPLATES.get(service, "*"),
        "EvalDecision": strictest["EvalResourceDecision"],
        "MatchedStatements": strictest["MatchedStatements"],
        "MissingContextValues": sorted({key for verdict in each for key in verdict["MissingContextValues"]}),
    }
    for member in ("PermissionsBoundaryDecisionDetail", "EvalDecisionDetails"):
        if member in strictest and not (everything and member == "EvalDecisionDetails"):
            result[member] = strictest[member]
    if not everything:
        result["ResourceSpecificResults"] = each
    return result


def _verdict(simulation: Simulation, action: str, resource: str) -> Answer:
    policies, context = simulation.policies, simulation.context
    decision = _decide(simulation, action, resource)
    verdict: Answer = {
        "EvalResourceName": resource,
        "EvalResourceDecision": _word(decision),
        "MatchedStatements": _matched(simulation, action, resource, decision),
        "MissingContextValues": _missing(simulation, action),
        "EvalDecisionDetails": _details(simulation, action, resource) if simulation.crosses_accounts else {},
    }
    if policies.boundary is not None:
        alone = evaluate(PolicySet(identity=policies.boundary), action, resource, context)
        verdict["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": alone.allowed}
    return verdict


def _decide(simulation: Simulation, action: str, resource: str) -> Decision:
    policies, context, caller = simulation.policies, simulation.context, simulation.caller
    theirs = simulation.resource_policies
    decide = evaluate_across if simulation.crosses_accounts else evaluate
    return decide(policies, action, resource, context, resource_policies=theirs, caller=caller)


def _details(simulation: Simulation, action: str, resource: str) -> dict[str, str]:
    """The names of the policy types are inferred."""
    policies, context, caller = simulation.policies, simulation.context, simulation.caller.trusting_the_account()
    identity = evaluate(replace(policies, boundary=None), action, resource, context)
    theirs = evaluate(
        PolicySet(), action, resource, context, resource_policies=simulation.resource_policies, caller=caller
    )
    details = {"IAM Policy": _word(identity), "Resource Policy": _word(theirs)}
    if policies.boundary is not None:
        boundary = evaluate(PolicySet(identity=policies.boundary), action, resource, context)
        details["Permissions Boundary"] = _word(boundary)
    return details


def _word(decision: Decision) -> str:
    return ALLOWED if decision.allowed else EXPLICIT if decision.explicit else IMPLICIT


def _matched(simulation: Simulation, action: str, resource: str, decision: Decision) -> list[Answer]:
    """Every statement of the kind that decided: all that allow, or all that deny."""
    if not decision.allowed and not decision.explicit:
        return []
    policies = simulation.policies
    matched: list[Answer] = []
    for layer, listed in (
        (Layer.IDENTITY, policies.identity),
        (Layer.RESOURCE, simulation.resource_policies),
        (Layer.BOUNDARY, policies.boundary or ()),
    ):
        if layer is Layer.BOUNDARY and decision.allowed:
            continue
        for named in listed:
            matched += [
                _statement(named, layer, statement)
                for statement in named.policy.statements
                if statement.allows is decision.allowed and _applies(simulation, layer, statement, action, resource)
            ]
    return matched


def _applies(simulation: Simulation, layer: Layer, statement: Statement, action: str, resource: str) -> bool:
    caller = simulation.caller
    if layer is Layer.RESOURCE and not statement.speaks_of(caller.kind, caller.own + caller.account):
        return False
    return statement.concerns(action.lower()) and statement.applies(resource, simulation.context)


def _statement(named: NamedPolicy, layer: Layer, statement: Statement) -> Answer:
    begin, end = statement_positions(named.policy.document)[statement.number - 1]
    identifier, kind = _source(named, layer)
    return {
        "SourcePolicyId": identifier,
        "SourcePolicyType": kind,
        "StartPosition": _shape(begin),
        "EndPosition": _shape(end),
    }


def _shape(position: Position) -> Answer:
    return {"Line": position.line, "Column": position.column}


def _source(named: NamedPolicy, layer: Layer) -> tuple[str, str]:
    """(id, type). An inline policy's id is made of its owner's kind and name and its own name (recalled)."""
    if layer is Layer.RESOURCE:
        return "ResourcePolicy", "resource"
    if named.name.startswith("arn:aws:iam::"):
        return named.name.rpartition("/")[2], "aws-managed" if ":iam::aws:" in named.name else "user-managed"
    if named.name.startswith("inline "):
        name, _, owner = named.name.removeprefix("inline ").rpartition(" of ")
        parts = split_arn(owner)
        assert parts is not None
        return f"{parts[1]}_{parts[2]}_{name}", parts[1]
    return named.name, "none"


def _missing(simulation: Simulation, action: str) -> list[str]:
    """Keys that statements about this action ask for and the request does not give."""
    policies = (*simulation.policies.identity, *simulation.resource_policies)
    asked = {
        key
        for named in policies
        for statement, keys in zip(named.policy.statements, keys_by_statement(named), strict=True)
        if statement.concerns(action.lower())
        for key in keys
    }
    return sorted(key for key in asked if key.lower() not in simulation.given | _ALWAYS_KNOWN)


def keys_by_statement(named: NamedPolicy) -> list[list[str]]:
    content = orjson.loads(named.policy.document)
    statements = content["Statement"]
    return [context_keys(statement) for statement in (statements if isinstance(statements, list) else [statements])]
