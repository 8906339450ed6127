"""What AWS's service model does not say about its constraints, as data: orders, extra requirements, forms of words.

Source: answers of AWS as independent clients recorded them. Where nothing was recorded the model's own order holds.
"""

from __future__ import annotations

from typing import Any

VIOLATIONS_MAX = 10
"""AWS lists this many violations of one request, and counts no more."""

TABLE_NAME_CHARACTERS_MIN = 3
TABLE_NAME_CHARACTERS_MAX = 255
TABLE_ARN_CHARACTERS_MAX = 1024
TABLE_NAME_PATTERN = "[a-zA-Z0-9_.-]+"

ITEM_ACTIONS = frozenset(
    {"BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems"}
    | {"TransactWriteItems", "UpdateItem"}
)
"""Actions whose TableName is checked in the list of violations; all others check it first, in words of their own."""

EMPTY_LATER: dict[str, str] = {"BatchWriteItemRequestMap": "The requestItems parameter is required for BatchWriteItem"}
"""Shapes whose empty value is no violation of the list, but told after it, in words of its own.

Regions differed in 2026. Recorded on 2 September 2026 (dynoxide, pull request 198): 31 of 33 regions answer so. That other
violations come first is inferred.
"""

TABLES_BY_NAME = frozenset(("BatchGetRequestMap", "BatchWriteItemRequestMap"))
"""Maps whose keys are table names or ARNs, and bounded as names are (recorded in twelve regions in October 2026)."""
TABLE_NAME_SHAPE: dict[str, Any] = {
    "min": TABLE_NAME_CHARACTERS_MIN,
    "max": TABLE_NAME_CHARACTERS_MAX,
    "pattern": TABLE_NAME_PATTERN,
}
SHOWN_AS_JSON = frozenset(("BatchGetRequestMap",))
"""Maps that are shown as the request has them, and not as AWS's Java classes print themselves."""

MEMBER_ORDER: dict[str, tuple[str, ...]] = {
    "BatchGetItemInput": ("RequestItems", "ReturnConsumedCapacity"),
    "BatchWriteItemInput": ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "RequestItems"),
    "Condition": ("AttributeValueList", "ComparisonOperator"),
    "CreateGlobalSecondaryIndexAction": ("Projection", "IndexName", "ProvisionedThroughput", "KeySchema"),
    "CreateTableInput": (
        "AttributeDefinitions",
        "TableName",
        "BillingMode",
        "ProvisionedThroughput",
        "KeySchema",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
    ),
    "DeleteItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "ReturnValues",
        "ReturnItemCollectionMetrics",
        "Key",
        "ConditionalOperator",
        "Expected",
    ),
    "ExecuteStatementInput": (
        "ReturnValuesOnConditionCheckFailure",
        "Limit",
        "Statement",
        "ReturnConsumedCapacity",
        "Parameters",
    ),
    "GetItemInput": ("ReturnConsumedCapacity", "AttributesToGet", "TableName", "Key", "ConsistentRead"),
    "ListTablesInput": ("Limit", "ExclusiveStartTableName"),
    "ProvisionedThroughput": ("WriteCapacityUnits", "ReadCapacityUnits"),
    "PutItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "Item",
        "ConditionalOperator",
        "Expected",
        "ReturnValues",
        "ReturnItemCollectionMetrics",
    ),
    "QueryInput": (
        "Select",
        "IndexName",
        "ReturnConsumedCapacity",
        "QueryFilter",
        "TableName",
        "ConditionalOperator",
        "AttributesToGet",
        "Limit",
        "KeyConditions",
        "ExclusiveStartKey",
    ),
    "ScanInput": (
        "Select",
        "IndexName",
        "TotalSegments",
        "ReturnConsumedCapacity",
        "TableName",
        "ConditionalOperator",
        "ScanFilter",
        "Segment",
        "Limit",
        "AttributesToGet",
        "ExclusiveStartKey",
    ),
    "UpdateItemInput": (
        "ReturnConsumedCapacity",
        "TableName",
        "ReturnItemCollectionMetrics",
        "ReturnValues",
        "Key",
        "ConditionalOperator",
        "Expected",
        "AttributeUpdates",
    ),
    "TransactWriteItemsInput": ("TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"),
    "UpdateTableInput": ("TableName", "ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates"),
}
"""Members of a shape in the order in which AWS reports them; those not listed follow in the model's order."""

ENUM_ORDER: dict[str, tuple[str, ...]] = {
    "ComparisonOperator": (
        "IN",
        "NULL",
        "BETWEEN",
        "LT",
        "NOT_CONTAINS",
        "EQ",
        "GT",
        "NOT_NULL",
        "NE",
        "LE",
        "BEGINS_WITH",
        "GE",
        "CONTAINS",
    ),
    "ConditionalOperator": ("OR", "AND"),
    "ProjectionType": ("ALL", "INCLUDE", "KEYS_ONLY"),
    "ReturnItemCollectionMetrics": ("SIZE", "NONE"),
    "ReturnValue": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    "ScalarAttributeType": ("B", "N", "S"),
    "Select": ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
}
"""Enumerations in the order of AWS's message, where that is not the model's."""

ALSO_REQUIRED: dict[str, tuple[str, ...]] = {"CreateTableInput": ("AttributeDefinitions", "KeySchema")}
"""Members that AWS requires though the model does not (they may be left out for a replica, which Tabletop has not)."""

CHECKED_BY_OPERATION: dict[str, frozenset[str]] = {
    "TagResourceInput": frozenset({"ResourceArn"}),
    "UntagResourceInput": frozenset({"ResourceArn"}),
    "ListTagsOfResourceInput": frozenset({"ResourceArn"}),
}
"""Members that the operation itself checks, in words of its own, and that are not reported here."""
