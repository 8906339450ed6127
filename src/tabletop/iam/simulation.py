"""The policy simulator: SimulateCustomPolicy, SimulatePrincipalPolicy, and which context keys policies ask for.

The verdicts are ``evaluation``'s own. There is one result for each action, with the most restrictive verdict of its
resources at its top and each resource's beneath (the newest model's description).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.authorization import Authorizer, attached
from tabletop.iam.conditions import Context, ContextValue
from tabletop.iam.evaluation import CallerNames, Decision, Layer, NamedPolicy, PolicySet, evaluate, evaluate_across
from tabletop.iam.exclusions import excludes
from tabletop.iam.operation import Answer, Params, Read
from tabletop.iam.policies import Statement, compile_policy, context_keys
from tabletop.iam.policy_grammar import check_identity_policy, check_resource_policy
from tabletop.iam.positions import Position, statement_positions
from tabletop.iam.records import split_arn
from tabletop.storage.store import View

ALLOWED, EXPLICIT, IMPLICIT = "allowed", "explicitDeny", "implicitDeny"
_STRICTNESS = (ALLOWED, IMPLICIT, EXPLICIT)
_TEMPLATES = {
    "dynamodb": "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}",
    "lambda": "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}",
}
"""What EvalResourceName is for the actions of a service; "*" for all others."""
_ALWAYS_KNOWN = frozenset({"aws:currenttime", "aws:epochtime"})
PAGE_DEFAULT = 100
PAGE_MAX = 1000


@dataclass(frozen=True, slots=True)
class Simulation:
    policies: PolicySet
    resource_policies: tuple[NamedPolicy, ...]
    caller: CallerNames
    context: Context
    given: frozenset[str]
    """Condition keys that the request gives, in lower case."""
    crosses_accounts: bool


def operations(authorizer: Authorizer) -> dict[str, Read]:
    def simulate_custom(view: View, call: Call, params: Params) -> Answer:
        return _simulate(call, params, _inputs(params, "PolicyInputList"), None, params.get("CallerArn", ""))

    def simulate_principal(view: View, call: Call, params: Params) -> Answer:
        identity, boundary = _policies_of(authorizer, view, call, params)
        exclusions = params.get("PolicyExclusionList") or ()
        identity = tuple(named for named in identity if not any(excludes(one, named) for one in exclusions))
        if any(one.get("PolicyType") == "permission-boundary" for one in exclusions):
            boundary = None
        caller = params.get("CallerArn") or params["PolicySourceArn"]
        return _simulate(call, params, identity + _inputs(params, "PolicyInputList"), boundary, caller)

    def keys_of_custom(view: View, call: Call, params: Params) -> Answer:
        return _key_names(_inputs(params, "PolicyInputList"))

    def keys_of_principal(view: View, call: Call, params: Params) -> Answer:
        identity, _ = _policies_of(authorizer, view, call, params)
        return _key_names(identity + _inputs(params, "PolicyInputList"))

    return {
        "SimulateCustomPolicy": simulate_custom,
        "SimulatePrincipalPolicy": simulate_principal,
        "GetContextKeysForCustomPolicy": keys_of_custom,
        "GetContextKeysForPrincipalPolicy": keys_of_principal,
    }


def _inputs(params: Params, member: str) -> tuple[NamedPolicy, ...]:
    named = []
    for number, document in enumerate(params.get(member) or (), 1):
        try:
            check_identity_policy(document)
        except ApiError as error:
            raise _invalid(f"Invalid Input Policy: {error.message}") from error
        named.append(NamedPolicy(f"{member}.{number}", compile_policy(document)))
    return tuple(named)


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidInput", message, status=400)


def _policies_of(
    authorizer: Authorizer, view: View, call: Call, params: Params
) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None]:
    source = params["PolicySourceArn"]
    parts = split_arn(source)
    if parts is None or parts[1] not in ("user", "group", "role"):
        raise _invalid(f"Invalid Entity Arn: {source} does not clearly define entity type and name.")
    account, kind, name = parts
    found = authorizer.holdings.policies_held_by(view, kind, account, name) if account == call.account else None
    if found is None:
        raise ApiError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", status=404)
    return found


def _simulate(
    call: Call,
    params: Params,
    identity: tuple[NamedPolicy, ...],
    boundary: tuple[NamedPolicy, ...] | None,
    caller_arn: str,
) -> Answer:
    given_boundary = _inputs(params, "PermissionsBoundaryPolicyInputList")
    resource_policy = params.get("ResourcePolicy")
    if resource_policy:
        try:
            check_resource_policy(resource_policy)
        except ApiError as error:
            raise _invalid(f"Invalid Input Policy: {error.message}") from error
        if not caller_arn:
            raise _invalid("CallerArn is required when a resource policy is given.")
    owner = str(params.get("ResourceOwner") or "").rpartition("::")[2].partition(":")[0]
    caller_account = caller_arn.split(":")[4] if caller_arn.count(":") >= 5 else call.account
    context, given = _context(params, call, caller_arn)
    simulation = Simulation(
        policies=PolicySet(identity, given_boundary or boundary),
        resource_policies=attached(resource_policy),
        caller=_caller_names(caller_arn, caller_account),
        context=context,
        given=given,
        crosses_accounts=bool(resource_policy and owner and owner != caller_account),
    )
    resources = params.get("ResourceArns") or ["*"]
    results = [_result(simulation, action, resources) for action in params["ActionNames"]]
    start = int(params.get("Marker") or 0) if str(params.get("Marker") or "0").isdecimal() else 0
    size = min(int(params.get("MaxItems", PAGE_DEFAULT)), PAGE_MAX)
    answer: Answer = {"EvaluationResults": results[start : start + size], "IsTruncated": start + size < len(results)}
    if answer["IsTruncated"]:
        answer["Marker"] = str(start + size)
    return answer


def _caller_names(arn: str, account: str) -> CallerNames:
    root = f"arn:aws:iam::{account}:root"
    direct = (arn,) if ":user/" in arn else ()
    return CallerNames("AWS", (arn,) if arn else (), (account, root), direct)


def _context(params: Params, call: Call, caller_arn: str) -> tuple[Context, frozenset[str]]:
    entries: dict[str, ContextValue] = {}
    for entry in params.get("ContextEntries") or ():
        values = [str(value) for value in entry.get("ContextKeyValues") or ()]
        is_list = str(entry.get("ContextKeyType", "")).endswith("List")
        entries[entry["ContextKeyName"].lower()] = values if is_list or len(values) != 1 else values[0]
    given = frozenset(entries)
    supplied: dict[str, ContextValue] = {"aws:epochtime": str(int(call.now))}
    if caller_arn:
        supplied["aws:principalarn"] = caller_arn
        if ":user/" in caller_arn:
            supplied["aws:username"] = caller_arn.rpartition("/")[2]
    # DateLessThan and the like take seconds as well as ISO 8601.
    supplied["aws:currenttime"] = supplied["aws:epochtime"]
    return supplied | entries, given | supplied.keys()


def _result(simulation: Simulation, action: str, resources: Sequence[str]) -> Answer:
    if ":" not in action:
        raise _invalid(f"Invalid Action Name: {action}")
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
        for statement, keys in zip(named.policy.statements, _keys_by_statement(named), strict=True)
        if statement.concerns(action.lower())
        for key in keys
    }
    return sorted(key for key in asked if key.lower() not in simulation.given | _ALWAYS_KNOWN)


def _keys_by_statement(named: NamedPolicy) -> list[list[str]]:
    content = orjson.loads(named.policy.document)
    statements = content["Statement"]
    return [context_keys(statement) for statement in (statements if isinstance(statements, list) else [statements])]


def _key_names(policies: Iterable[NamedPolicy]) -> Answer:
    names: dict[str, str] = {}
    for named in policies:
        for keys in _keys_by_statement(named):
            for key in keys:
                names.setdefault(key.lower(), key)
    return {"ContextKeyNames": sorted(names.values())}
