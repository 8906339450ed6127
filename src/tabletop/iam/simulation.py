"""The policy simulator: SimulateCustomPolicy, SimulatePrincipalPolicy, and which context keys policies ask for.

The verdicts are ``evaluation``'s own; ``simulation_results`` has the form of the answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.iam.authorization import Authorizer, attached
from tabletop.iam.conditions import Context, ContextValue
from tabletop.iam.evaluation import CallerNames, NamedPolicy, PolicySet
from tabletop.iam.exclusions import excludes
from tabletop.iam.operation import Answer, Params, Read
from tabletop.iam.policies import compile_policy
from tabletop.iam.policy_grammar import check_identity_policy, check_resource_policy
from tabletop.iam.records import split_arn
from tabletop.iam.simulation_results import Simulation, invalid, keys_by_statement, result_of
from tabletop.storage.store import View

PAGE_DEFAULT = 100
PAGE_MAX = 1000


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
            raise invalid(f"Invalid Input Policy: {error.message}") from error
        named.append(NamedPolicy(f"{member}.{number}", compile_policy(document)))
    return tuple(named)


def _policies_of(
    authorizer: Authorizer, view: View, call: Call, params: Params
) -> tuple[tuple[NamedPolicy, ...], tuple[NamedPolicy, ...] | None]:
    source = params["PolicySourceArn"]
    parts = split_arn(source)
    if parts is None or parts[1] not in ("user", "group", "role"):
        raise invalid(f"Invalid Entity Arn: {source} does not clearly define entity type and name.")
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
            raise invalid(f"Invalid Input Policy: {error.message}") from error
        if not caller_arn:
            raise invalid("CallerArn is required when a resource policy is given.")
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
    results = [result_of(simulation, action, resources) for action in params["ActionNames"]]
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


def _key_names(policies: Iterable[NamedPolicy]) -> Answer:
    names: dict[str, str] = {}
    for named in policies:
        for keys in keys_by_statement(named):
            for key in keys:
                names.setdefault(key.lower(), key)
    return {"ContextKeyNames": sorted(names.values())}
