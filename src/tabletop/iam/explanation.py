"""Why nothing allowed it: the statements that came close, each with what it lacked. Worked out for refusals only."""

from __future__ import annotations

from collections.abc import Iterator

from tabletop.iam.conditions import Context, ContextValue
from tabletop.iam.evaluation import Layer, NamedPolicy, PolicySet
from tabletop.iam.policies import Statement

SHOWN_MAX = 5
_VALUES_SHOWN_MAX = 5
_VALUE_CHARACTERS_MAX = 200


def near_misses(policies: PolicySet, action: str, resource: str, context: Context) -> list[str]:
    """Statements that allow the action, but not on this resource, or not in this request."""
    found: list[str] = []
    layers = (
        (Layer.IDENTITY, policies.identity),
        (Layer.BOUNDARY, policies.boundary),
        (Layer.SESSION, policies.session),
    )
    for layer, named_policies in layers:
        for text in _of_layer(named_policies or (), action.lower(), resource, context):
            found.append(f"{layer.value}, {text}")
            if len(found) == SHOWN_MAX:
                return found
    return found


def _of_layer(policies: tuple[NamedPolicy, ...], action: str, resource: str, context: Context) -> Iterator[str]:
    for named in policies:
        for statement in named.policy.about(action):
            if not statement.allows:
                continue
            lack = _lack(statement, resource, context)
            if lack:
                yield f"{named.name}, statement {statement.sid or statement.number}: {lack}"


def _lack(statement: Statement, resource: str, context: Context) -> str:
    if statement.resources is not None and statement.resources.matches(resource, context) is statement.not_resource:
        return "its resources do not include this one"
    unmet = [
        f"{text} does not hold of {_shown(context.get(text.key))}"
        for holds, text in zip(statement.conditions, statement.condition_texts, strict=True)
        if not holds(context)
    ]
    return "; ".join(unmet)


def _shown(value: ContextValue | None) -> str:
    if not value:
        return "a request without that key"
    values = [value] if isinstance(value, str) else list(value)
    shown = ", ".join(text[:_VALUE_CHARACTERS_MAX] for text in values[:_VALUES_SHOWN_MAX])
    return shown + (f" and {len(values) - _VALUES_SHOWN_MAX} more" if len(values) > _VALUES_SHOWN_MAX else "")
