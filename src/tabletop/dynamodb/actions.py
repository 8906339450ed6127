"""``OPERATIONS``: the table of all API actions that are built.

A module is imported when its action is first asked for: all of them at start would be a third of the time to the first answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module

from tabletop.dynamodb.operations.operation import Operation
from tabletop.wire.models import service_model

BUILT = (
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateGlobalTable",
    "CreateTable",
    "DeleteItem",
    "DeleteResourcePolicy",
    "DeleteTable",
    "DescribeContinuousBackups",
    "DescribeEndpoints",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
    "DescribeLimits",
    "DescribeStream",
    "DescribeTable",
    "DescribeTableReplicaAutoScaling",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "GetRecords",
    "GetResourcePolicy",
    "GetShardIterator",
    "ListGlobalTables",
    "ListStreams",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "PutResourcePolicy",
    "Query",
    "Scan",
    "SearchVectors",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "UpdateItem",
    "UpdateTable",
    "UpdateTableReplicaAutoScaling",
    "UpdateTimeToLive",
)
"""Each is the ``OPERATION`` of the module in ``operations`` that has its name in snake case."""


class _Operations(Mapping[str, Operation]):
    def __init__(self) -> None:
        self._loaded: dict[str, Operation] = {}
        self._built = frozenset(BUILT)

    def __getitem__(self, action: str) -> Operation:
        operation = self._loaded.get(action)
        if operation is None:
            if action not in self._built:
                raise KeyError(action)
            module = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
            operation = self._loaded[action] = import_module(f"tabletop.dynamodb.operations.{module}").OPERATION
        return operation

    def __iter__(self) -> Iterator[str]:
        return iter(BUILT)

    def __len__(self) -> int:
        return len(BUILT)


OPERATIONS: Mapping[str, Operation] = _Operations()


def load_all() -> None:
    """Import every operation, and what their errors need. A module that is not loaded cannot be when no file can be opened."""
    for action in OPERATIONS:
        OPERATIONS[action]
    for service in ("dynamodb", "dynamodbstreams"):
        service_model(service)


STREAM_ACTIONS = frozenset({"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"})
"""The actions of the Streams API, which has its own X-Amz-Target prefix."""
