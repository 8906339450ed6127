"""DynamoDB as the gateway sees it: decode, what must be allowed, run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tabletop.base.call import Call
from tabletop.base.errors import ApiError
from tabletop.dynamodb import constraints
from tabletop.dynamodb.actions import OPERATIONS
from tabletop.dynamodb.misplaced import Misplaced
from tabletop.dynamodb.operations.operation import Body, Operation, check_table_names
from tabletop.storage.store import Store

Done = Callable[[Any], None]


class DynamoDb:
    """The DynamoDB API over a store. One request: ``decode``, then (authorised by the gateway) ``run``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._misplaced = Misplaced(store)

    def decode(self, action: str, payload: bytes, call: Call) -> tuple[Operation, Body]:
        """The operation, and its parameters with types and constraints checked. Raises ApiError."""
        try:
            operation = OPERATIONS[action]
        except KeyError:
            raise ApiError("UnknownOperationException", None) from None
        try:
            body = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise ApiError("SerializationException", None) from error
        constraints.check(action, body)
        check_table_names(body, call)
        return operation, body

    def explain(self, error: ApiError, call: Call, body: Body) -> None:
        """For the owner: note what the refused client cannot know, such as the region where its table is."""
        if error.code in ("ResourceNotFoundException", "TableNotFoundException"):
            self._misplaced.note(call, body)

    def run(self, operation: Operation, call: Call, body: Body, done: Done) -> None:
        """Run the operation; ``done`` gets the answer (a dict, or bytes that are the JSON) or the error, once, maybe at once.

        A write is durable when ``done`` gets its answer.
        """
        try:
            request = self._prepared(operation, body, call)
            if operation.read is not None:
                with self._store.view() as view:
                    answer = operation.read(view, request, call.now)
                done(answer)
                return
            assert operation.plan is not None
            if operation.only_reads is not None and operation.only_reads(request):
                with self._store.view() as view:
                    answer, _ = operation.plan(view, request, call.now)
                done(answer)
                return
        except Exception as error:
            done(error)
            return
        self._store.submit(operation.plan, request, done)

    def _prepared(self, operation: Operation, body: Body, call: Call) -> Any:
        try:
            return operation.prepare(body, call)
        except ApiError as error:
            if error.code == "ValidationException":
                constraints.refuse_unreadable(operation.name, body)
            raise
