"""May an AWS service do this? Services have no policies of their own: a resource's policy alone decides."""

from __future__ import annotations

from collections.abc import Sequence

from tabletop.iam.conditions import Context
from tabletop.iam.evaluation import CallerNames, NamedPolicy, PolicySet, evaluate
from tabletop.iam.policies import compile_policy


def service_may(
    principals: Sequence[str], action: str, resource: str, document: str, *, account: str, source_arn: str
) -> bool:
    """Does the resource's policy (its text) allow it to a service of these names, acting for ``source_arn``?"""
    context: Context = {
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": account,
        "aws:principalisawsservice": "true",
    }
    policies = (NamedPolicy("resource policy", compile_policy(document)),)
    caller = CallerNames("Service", tuple(principals))
    return evaluate(PolicySet(), action, resource, context, resource_policies=policies, caller=caller).allowed
