"""A policy document: compiled once into statements that match fast. ``policy_grammar`` says whether it is valid.

A compiled statement answers three questions in the order of their cost: the action (a set of names, then one regular
expression), the resource (the same), the conditions. Compiled policies are remembered by their text, bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from tabletop.iam.conditions import Condition, ConditionText, compile_condition
from tabletop.iam.patterns import (
    Context,
    Filled,
    any_arn_regex,
    any_text_regex,
    arn_regex,
    has_variables,
    tokens,
)

CURRENT_VERSION = "2012-10-17"
_ACTIONS_KEPT = 256
"""For each policy."""
_NO_CONTEXT: Context = {}


class Matcher:
    """A list of patterns: an exact name by a set, the rest by one expression, those with variables one by one."""

    __slots__ = ("_everything", "_exact", "_regex", "_variable")

    def __init__(self, everything: bool, exact: frozenset[str], regex: re.Pattern[str] | None) -> None:
        self._everything = everything
        self._exact = exact
        self._regex = regex
        self._variable: list[Filled[re.Pattern[str]]] = []

    @classmethod
    def of_actions(cls, patterns: Sequence[str]) -> Matcher:
        """Actions are compared without regard to case: the name that is looked for must be in lower case."""
        lowered = [pattern.lower() for pattern in patterns]
        wild = [pattern for pattern in lowered if "*" in pattern or "?" in pattern]
        return cls("*" in lowered, frozenset(lowered), any_text_regex(wild) if wild else None)

    @classmethod
    def of_arns(cls, patterns: Sequence[str], *, variables: bool) -> Matcher:
        split = [tokens(pattern, variables=variables) for pattern in patterns]
        fixed = [parts for parts in split if not has_variables(parts)]
        matcher = cls(
            "*" in patterns,
            frozenset(pattern for pattern in patterns if "*" not in pattern and "${" not in pattern),
            any_arn_regex(fixed) if fixed else None,
        )
        matcher._variable = [Filled(parts, arn_regex) for parts in split if has_variables(parts)]
        return matcher

    @property
    def is_free_of_context(self) -> bool:
        """Whether no policy variable is in it."""
        return not self._variable

    def matches(self, text: str, context: Context) -> bool:
        if self._everything or text in self._exact:
            return True
        if self._regex is not None and self._regex.match(text) is not None:
            return True
        for pattern in self._variable:
            regex = pattern.of(context)
            if regex is not None and regex.match(text) is not None:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Principals:
    """Who a resource's or a role's policy speaks of: kind (``AWS``, ``Service``, ``Federated``, ...) -> names."""

    everyone: bool
    names: dict[str, frozenset[str]]

    def matches(self, kind: str, names: Sequence[str]) -> bool:
        """``names``: all the names that the caller goes by (own ARN, role's ARN, account, account's root ARN)."""
        if self.everyone:
            return True
        listed = self.names.get(kind)
        return listed is not None and ("*" in listed or not listed.isdisjoint(names))


@dataclass(frozen=True, slots=True)
class Statement:
    """``number`` counts from 1; ``actions`` None: none are named (never so in a valid policy)."""

    number: int
    sid: str
    allows: bool
    actions: Matcher
    not_action: bool
    resources: Matcher | None
    not_resource: bool
    principals: Principals | None
    not_principal: bool
    conditions: tuple[Condition, ...]
    condition_texts: tuple[ConditionText, ...] = ()
    """Of each of ``conditions``, for explanations."""

    def concerns(self, action: str) -> bool:
        """Does it speak of this action (in lower case) at all? Actions hold no variables: the same in every request."""
        return self.actions.matches(action, _NO_CONTEXT) is not self.not_action

    @property
    def is_free_of_context(self) -> bool:
        return not self.conditions and (self.resources is None or self.resources.is_free_of_context)

    def applies(self, resource: str, context: Context) -> bool:
        """Does it, concerning the action, hold of this resource in this request?"""
        if self.resources is not None and self.resources.matches(resource, context) is self.not_resource:
            return False
        for condition in self.conditions:  # noqa: SIM110 - no generator: most statements have none, or one
            if not condition(context):
                return False
        return True

    def lists(self, kind: str, names: Sequence[str]) -> bool:
        """Does its Principal element list one of these very names?"""
        if self.principals is None or self.not_principal:
            return False
        listed = self.principals.names.get(kind)
        return listed is not None and not listed.isdisjoint(names)

    def speaks_of(self, kind: str, names: Sequence[str]) -> bool:
        """Does its Principal element name this caller? A statement without one names nobody."""
        if self.principals is None:
            return False
        return self.principals.matches(kind, names) is not self.not_principal


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled document, and its text."""

    statements: tuple[Statement, ...]
    document: str = ""
    _about: dict[str, tuple[Statement, ...]] = field(default_factory=dict, compare=False)

    def about(self, action: str) -> tuple[Statement, ...]:
        """The statements that concern the action (in lower case), in their order; worked out once for each action."""
        found = self._about.get(action)
        if found is None:
            if len(self._about) >= _ACTIONS_KEPT:
                self._about.clear()
            found = self._about[action] = tuple(one for one in self.statements if one.concerns(action))
        return found


@lru_cache(maxsize=1024)
def compile_policy(document: str) -> Policy:
    """Compile a document that was found valid when it was stored."""
    content = orjson.loads(document)
    variables = content.get("Version") == CURRENT_VERSION
    statements = content["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    return Policy(tuple(_statement(number, one, variables) for number, one in enumerate(listed, 1)), document)


_VARIABLE = re.compile(r"\$\{([^{}*?$,\s][^{},\s]*)\s*(?:,[^{}]*)?\}")


def context_keys(statement: dict[str, Any]) -> list[str]:
    """The condition keys that a statement's conditions and policy variables name, as they are written, each once."""
    conditions = statement.get("Condition", {})
    values = [value for keys in conditions.values() for listed in keys.values() for value in as_list(listed)]
    texts = [*values, *as_list(statement.get("Resource", [])), *as_list(statement.get("NotResource", []))]
    found = [key for keys in conditions.values() for key in keys]
    found += [key for text in texts if isinstance(text, str) for key in _VARIABLE.findall(text)]
    return list(dict.fromkeys(found))


def as_list(value: Any) -> list[Any]:
    """IAM's grammar lets a list of one be written without brackets."""
    return value if isinstance(value, list) else [value]


def _statement(number: int, content: dict[str, Any], variables: bool) -> Statement:
    not_action = "NotAction" in content
    not_resource = "NotResource" in content
    not_principal = "NotPrincipal" in content
    texts = tuple(
        ConditionText(operator, key.lower(), tuple(_text(value) for value in as_list(values)))
        for operator, keys in content.get("Condition", {}).items()
        for key, values in keys.items()
    )
    allows = content["Effect"] == "Allow"
    resources = as_list(content["NotResource" if not_resource else "Resource"]) if _has(content, "Resource") else None
    principals = content.get("NotPrincipal" if not_principal else "Principal")
    return Statement(
        number=number,
        sid=content.get("Sid", ""),
        allows=allows,
        actions=Matcher.of_actions(as_list(content["NotAction" if not_action else "Action"])),
        not_action=not_action,
        resources=None if resources is None else Matcher.of_arns(resources, variables=variables),
        not_resource=not_resource,
        principals=None if principals is None else read_principals(principals),
        not_principal=not_principal,
        conditions=tuple(
            compile_condition(text.operator, text.key, text.values, variables=variables, allows=allows)
            for text in texts
        ),
        condition_texts=texts,
    )


def _has(content: dict[str, Any], element: str) -> bool:
    return element in content or "Not" + element in content


def read_principals(content: Any) -> Principals:
    if content == "*":
        return Principals(True, {})
    names = {kind: frozenset(as_list(listed)) for kind, listed in content.items()}
    return Principals("*" in names.get("AWS", frozenset()), names)


def _text(value: Any) -> str:
    """Condition values may be written as JSON numbers and booleans."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
