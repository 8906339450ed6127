"""What an API action is: how its parameters become a request, how the request is answered, and what it must be allowed to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.storage.store import Batch, View

Body = dict[str, Any]
"""The request's JSON, its types and constraints already checked (``constraints``)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One API action. Exactly one of ``read``, ``steps`` and ``plan`` is given.

    ``prepare`` does what needs no table: the custom validation, expressions compiled, random identifiers drawn.
    ``read`` answers from a view; ``steps`` does so in bounded steps, yielding between them (``stepwise``), where a read
    can take long; ``plan`` is a plan (``tabletop.storage.store``). An answer is a dict for the JSON
    encoder, or bytes that are the JSON.
    ``targets`` lists (action, resource ARN) pairs that the caller's policies must allow.
    """

    name: str
    prepare: Callable[[Body, Call], Any]
    targets: Callable[[Body, Call], list[tuple[str, str]]]
    read: Callable[[View, Any, float], Any] | None = None
    plan: Callable[[View, Any, float], tuple[Any, Batch | None]] | None = None
    only_reads: Callable[[Any], bool] | None = None
    """Of a plan that may turn out to write nothing (PartiQL): whether this request's does, and needs no committer."""
    steps: Callable[[View, Any, float], Generator[None, None, Any]] | None = None
    touches: Callable[[View, Any], list[Any]] | None = None
    """For operations on items: a ``touches.Touch`` for each of ``targets``, from the view and the prepared request."""

    def reader(self, request: Any) -> Callable[[View, Any, float], Any] | None:
        """What answers this prepared request from a view, at once; None where only the committer can, or steps."""
        if self.read is not None or self.only_reads is None or not self.only_reads(request):
            return self.read
        plan = self.plan
        assert plan is not None
        return lambda view, request, now: plan(view, request, now)[0]


def table_name(name_or_arn: str) -> str:
    """Every TableName parameter also takes the table's ARN; ``check_table_names`` has seen to its form."""
    return name_or_arn.rsplit("/", 1)[-1] if name_or_arn.startswith("arn:") else name_or_arn


def table_arn(call: Call, name_or_arn: str) -> str:
    """The ARN that policies are held against, made of the name that is used, never of what the caller wrote."""
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{table_name(name_or_arn)}"


def check_table_names(body: Body, call: Call) -> None:
    """Refuse ARNs as table names that are not those of tables in the call's account and region.

    An ARN of another form would name one table to the caller's policies and another to the store. Where a name of these
    is no member of the action, its value is of any type, and ignored.
    """
    name = body.get("TableName")
    if type(name) is str and name.startswith("arn:"):
        _check_arn(name, call)
    requests = body.get("RequestItems")
    if type(requests) is dict:
        for name in requests:
            if name.startswith("arn:"):
                _check_arn(name, call)
    members = body.get("TransactItems")
    if type(members) is list:
        for member in members:
            for part in member.values() if type(member) is dict else ():
                if type(part) is dict:
                    check_table_names(part, call)


def owner_elsewhere(action: str, body: Body, call: Call) -> str | None:
    """The one other account whose tables, and no others, the request is about, where resource policies can open them to it.

    None: there is no such account, and what ``check_table_names`` raised stands.
    """
    if action not in OPEN_TO_OTHERS:
        return None
    owners = set()
    for name in _table_names(body):
        match = _TABLE_ARN.fullmatch(name)
        if match is None or match[1] != call.region:
            return None
        owners.add(match[2])
    return owners.pop() if len(owners) == 1 else None


def _table_names(body: Body) -> Iterator[str]:
    """Whatever ``check_table_names`` looks at."""
    if type(body.get("TableName")) is str:
        yield body["TableName"]
    if type(body.get("RequestItems")) is dict:
        yield from body["RequestItems"]
    members = body.get("TransactItems")
    for member in members if type(members) is list else ():
        for part in member.values() if type(member) is dict else ():
            if type(part) is dict:
                yield from _table_names(part)


def local_table_name(name_or_arn: str, call: Call) -> str:
    """The table's name, for text that ``check_table_names`` has not seen. Raises as it does."""
    if name_or_arn.startswith("arn:"):
        _check_arn(name_or_arn, call)
    return table_name(name_or_arn)


OPEN_TO_OTHERS = frozenset(
    {
        "BatchGetItem", "BatchWriteItem", "DeleteItem", "DescribeTable", "GetItem", "PutItem", "Query", "Scan",
        "TransactGetItems", "TransactWriteItems", "UpdateItem",
    }
)  # fmt: skip
"""What principals of another account can do by a table's ARN. AWS lets them manage tables, too, and use PartiQL."""

_TABLE_ARN = re.compile(r"arn:aws:dynamodb:([a-z0-9-]+):([0-9]{12}):table/[a-zA-Z0-9_.-]{3,255}")


def _check_arn(arn: str, call: Call) -> None:
    match = _TABLE_ARN.fullmatch(arn)
    if match is None:
        raise ApiError("ValidationException", f"Invalid TableArn: Invalid ResourceArn provided as input {arn[:1024]}")
    if match.groups() != (call.region, call.account):
        raise ApiError("ResourceNotFoundException", f"Requested resource not found: Table: {arn} not found")


def table_targets(action: str) -> Callable[[Body, Call], list[tuple[str, str]]]:
    """The targets of an action on the one table that its TableName names."""

    def targets(body: Body, call: Call) -> list[tuple[str, str]]:
        return [(f"dynamodb:{action}", table_arn(call, body["TableName"]))]

    return targets


def table_or_index_targets(action: str) -> Callable[[Body, Call], list[tuple[str, str]]]:
    """The targets of a read of a table, or of the index that its IndexName names: then the index's ARN."""

    def targets(body: Body, call: Call) -> list[tuple[str, str]]:
        arn = table_arn(call, body["TableName"])
        index = body.get("IndexName")
        return [(f"dynamodb:{action}", arn if index is None else f"{arn}/index/{index}")]

    return targets
