"""DynamoDB as the gateway sees it: what the request says, and what a refusal of it means."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from tabletop.base.access import Target
from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraints
from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.expressions import VARIABLES_BYTES_MAX, refuse_large_variables
from tabletop.dynamodb.facts import RequestFacts
from tabletop.dynamodb.misplaced import Misplaced
from tabletop.dynamodb.operations.operation import Body, Operation, check_table_names, owner_elsewhere
from tabletop.dynamodb.resource_policies import check_policy
from tabletop.dynamodb.stepwise import StepwiseReads
from tabletop.dynamodb.validation_layers import worded
from tabletop.storage.store import Store, View

Done = Callable[[Any], None]
_POLICY_MEMBERS = {"PutResourcePolicy": "Policy", "CreateTable": "ResourcePolicy"}
"""Action -> the member that holds a policy document."""


class DynamoDb:
    """The DynamoDB API over a store. One request: ``decode``, then (authorised by the gateway) ``prepare``; then the
    operation reads from a view, or its plan goes to the committer.
    """

    def __init__(self, store: Store, *, check_grammar: Callable[[str], None] | None = None) -> None:
        """``check_grammar`` raises ApiError for a document that could not be evaluated as a resource's policy."""
        self._store = store
        self._check_grammar = check_grammar
        self._misplaced = Misplaced(store)
        self._stepwise = StepwiseReads(store)

    def decode(self, action: str, payload: bytes, call: Call) -> tuple[Operation, Body]:
        """The operation, and its parameters with types and constraints checked. Raises ApiError.

        Where the tables are another account's, ``call`` is made one to that account: who authorises must see to it.
        """
        try:
            operation = OPERATIONS[action]
        except KeyError:
            raise ApiError("UnknownOperationException", None) from None
        try:
            body = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise ApiError("SerializationException", None) from error
        constraints.check(action, body)
        try:
            check_table_names(body, call)
        except ApiError as error:
            owner = owner_elsewhere(action, body, call) if error.code == "ResourceNotFoundException" else None
            if owner is None:
                raise
            call.account = owner
        if len(payload) > VARIABLES_BYTES_MAX:
            for part in _parts_with_expressions(body):
                refuse_large_variables(part.get("ExpressionAttributeNames"), part.get("ExpressionAttributeValues"))
        if action in _POLICY_MEMBERS and self._check_grammar is not None:
            policy = body.get(_POLICY_MEMBERS[action])
            if policy:
                check_policy(policy)
                self._check_grammar(policy)
        return operation, body

    def explain(self, error: ApiError, call: Call, body: Body) -> None:
        """For the owner: note what the refused client cannot know, such as the region where its table is."""
        if error.code in ("ResourceNotFoundException", "TableNotFoundException"):
            self._misplaced.note(call, body)

    def facts(
        self, operation: Operation, call: Call, body: Body, view: View, targets: Sequence[Target]
    ) -> RequestFacts:
        """What policies may ask about the request and its ``targets``. Good while the view is."""
        return RequestFacts(operation, body, call, view, targets, self.prepare)

    def prepare(self, operation: Operation, body: Body, call: Call) -> Any:
        """The request as the operation reads it, or as its plan takes it. Raises ApiError."""
        try:
            return operation.prepare(body, call)
        except ApiError as error:
            if error.code == "ValidationException":
                constraints.refuse_unreadable(operation.name, body)
            raise worded(operation.name, error) from error

    def run_in_steps(self, operation: Operation, request: Any, call: Call, done: Done) -> None:
        """Answer a prepared request of an operation that reads in steps; ``done`` as in ``run``."""
        assert operation.steps is not None
        self._stepwise.run(partial(_opened, operation.steps, request, call.now), done)

    def run(self, operation: Operation, call: Call, body: Body, done: Done) -> None:
        """All that follows ``decode``, for those who hold no view: ``done`` gets the answer or the error, once, maybe at once.

        A write is durable when ``done`` gets its answer.
        """
        try:
            request = self.prepare(operation, body, call)
            read = operation.reader(request)
            if read is not None:
                with self._store.view() as view:
                    answer = read(view, request, call.now)
                done(answer)
                return
        except Exception as error:
            done(error)
            return
        if operation.plan is None:
            self.run_in_steps(operation, request, call, done)
            return
        self._store.submit(operation.plan, request, done)


def _parts_with_expressions(body: Body) -> Iterator[Body]:
    """The request and the members of a batch or transaction: each may have names and values of its own."""
    yield body
    requests, members = body.get("RequestItems"), body.get("TransactItems")
    if type(requests) is dict:
        yield from (one for one in requests.values() if type(one) is dict)
    if type(members) is list:
        yield from (one for member in members if type(member) is dict for one in member.values() if type(one) is dict)


def _opened(
    steps: Callable[[View, Any, float], Generator[None, None, Any]], request: Any, now: float, view: View
) -> Generator[None, None, Any]:
    return steps(view, request, now)
