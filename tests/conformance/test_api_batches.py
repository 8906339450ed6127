"""Batches, transactions, capacity and item collections."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

INVALID = "One or more parameter values were invalid: "


# A batch writes to several tables and is read back from them, projected; what is not there is left out.
def test_batches(dynamodb: Any, simple: str, ranged: str, key: str) -> None:
    puts = [{"PutRequest": {"Item": {"p": {"S": f"{key}{n}"}, "n": {"N": f"{n}"}}}} for n in range(20)]
    more = [{"PutRequest": {"Item": {"p": {"S": key}, "c": {"S": f"{n}"}}}} for n in range(5)]
    assert dynamodb.batch_write_item(RequestItems={simple: puts, ranged: more})["UnprocessedItems"] == {}
    answer = dynamodb.batch_get_item(
        RequestItems={
            simple: {"Keys": [{"p": {"S": f"{key}{n}"}} for n in range(25)], "ProjectionExpression": "n"},
            ranged: {"Keys": [{"p": {"S": key}, "c": {"S": "3"}}], "ConsistentRead": True},
        }
    )
    assert answer["UnprocessedKeys"] == {}
    assert sorted(int(item["n"]["N"]) for item in answer["Responses"][simple]) == list(range(20))
    assert answer["Responses"][ranged] == [{"p": {"S": key}, "c": {"S": "3"}}]
    deletes = [{"DeleteRequest": {"Key": {"p": {"S": f"{key}{n}"}}}} for n in range(20)]
    dynamodb.batch_write_item(RequestItems={simple: deletes})
    keys = [{"p": {"S": f"{key}{n}"}} for n in range(20)]
    assert dynamodb.batch_get_item(RequestItems={simple: {"Keys": keys}})["Responses"] == {simple: []}


# A batch's answer stays within 16 MB: the rest is handed back as unprocessed keys, which then can be got.
def test_large_batch_get(dynamodb: Any, simple: str, key: str) -> None:
    keys = [{"p": {"S": f"{key}{n}"}} for n in range(45)]
    for each in keys:
        dynamodb.put_item(TableName=simple, Item=each | {"blob": {"S": "x" * 390_000}})
    first = dynamodb.batch_get_item(RequestItems={simple: {"Keys": keys}})
    left = first["UnprocessedKeys"][simple]["Keys"]
    assert 0 < len(left) < 10
    second = dynamodb.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert len(first["Responses"][simple]) + len(second["Responses"][simple]) == 45
    assert second["UnprocessedKeys"] == {}


# Batches that are refused as a whole, and write nothing.
def test_refused_batches(dynamodb: Any, simple: str, key: str, refusal: Any) -> None:
    put = {"PutRequest": {"Item": {"p": {"S": key}}}}
    delete = {"DeleteRequest": {"Key": {"p": {"S": key}}}}
    assert refusal(dynamodb.batch_write_item, RequestItems={simple: [put, delete]}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    assert refusal(dynamodb.batch_get_item, RequestItems={simple: {"Keys": [{"p": {"S": key}}] * 2}}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    code, message = refusal(dynamodb.batch_write_item, RequestItems={simple: [put] * 26})
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 25" in message
    keys = [{"p": {"S": f"{n}"}} for n in range(101)]
    code, message = refusal(dynamodb.batch_get_item, RequestItems={simple: {"Keys": keys}})
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 100" in message
    assert refusal(dynamodb.batch_write_item, RequestItems={simple: [put], key[:20]: [put]}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    assert "Item" not in dynamodb.get_item(TableName=simple, Key={"p": {"S": key}})


def condition_check(table: str, key: str, condition: str) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": table, "Key": {"p": {"S": key}}, "ConditionExpression": condition}}


# All of a transaction happens, over two tables, and is read as one.
def test_transaction(dynamodb: Any, simple: str, ranged: str, key: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key + "old"}})
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key + "n"}, "n": {"N": "1"}})
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": simple, "Item": {"p": {"S": key}}, "ConditionExpression": "attribute_not_exists(p)"}},
            {"Put": {"TableName": ranged, "Item": {"p": {"S": key}, "c": {"S": "c"}}}},
            {"Delete": {"TableName": simple, "Key": {"p": {"S": key + "old"}}}},
            {
                "Update": {
                    "TableName": simple,
                    "Key": {"p": {"S": key + "n"}},
                    "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            condition_check(simple, key + "nobody", "attribute_not_exists(p)"),
        ]
    )
    answer = dynamodb.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": ranged, "Key": {"p": {"S": key}, "c": {"S": "c"}}}},
            {"Get": {"TableName": simple, "Key": {"p": {"S": key + "old"}}}},
            {"Get": {"TableName": simple, "Key": {"p": {"S": key + "n"}}, "ProjectionExpression": "n"}},
        ]
    )
    assert answer["Responses"] == [{"Item": {"p": {"S": key}, "c": {"S": "c"}}}, {}, {"Item": {"n": {"N": "2"}}}]


# One member that fails undoes all; the reasons stand in the order of the members, with the item where asked.
def test_cancelled_transaction(dynamodb: Any, simple: str, key: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": key}, "v": {"N": "1"}})
    refused = {
        "Put": {
            "TableName": simple,
            "Item": {"p": {"S": key}},
            "ConditionExpression": "attribute_not_exists(p)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    members = [
        {"Put": {"TableName": simple, "Item": {"p": {"S": key + "new"}}}},
        refused,
        condition_check(simple, key + "nobody", "attribute_exists(p)"),
    ]
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=members)
    response = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed]"
    )
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        failed | {"Item": {"p": {"S": key}, "v": {"N": "1"}}},
        failed,
    ]
    assert "Item" not in dynamodb.get_item(TableName=simple, Key={"p": {"S": key + "new"}})


# A token makes a transaction happen once, however often it is sent; for another request it is refused.
def test_client_tokens(dynamodb: Any, simple: str, key: str, refusal: Any) -> None:
    update = {
        "TableName": simple,
        "Key": {"p": {"S": key}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    token = str(uuid.uuid4())
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=token)
    assert dynamodb.get_item(TableName=simple, Key={"p": {"S": key}})["Item"]["n"] == {"N": "1"}
    other = update | {"Key": {"p": {"S": key + "other"}}}
    code, _ = refusal(dynamodb.transact_write_items, TransactItems=[{"Update": other}], ClientRequestToken=token)
    assert code == "IdempotentParameterMismatchException"


# Transactions that are refused before they are tried.
def test_refused_transactions(dynamodb: Any, simple: str, key: str, refusal: Any) -> None:
    put = {"Put": {"TableName": simple, "Item": {"p": {"S": key}}}}
    delete = {"Delete": {"TableName": simple, "Key": {"p": {"S": key}}}}
    assert refusal(dynamodb.transact_write_items, TransactItems=[put, delete]) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )
    assert refusal(dynamodb.transact_write_items, TransactItems=[put | delete]) == (
        "ValidationException",
        "TransactItems can only contain one of Check, Put, Update or Delete",
    )
    many = [{"Put": {"TableName": simple, "Item": {"p": {"S": f"{key}{n}"}}}} for n in range(101)]
    code, message = refusal(dynamodb.transact_write_items, TransactItems=many)
    assert code == "ValidationException"
    assert "Member must have length less than or equal to 100" in message
    assert refusal(
        dynamodb.transact_write_items, TransactItems=[many[0] | {"Put": many[0]["Put"] | {"TableName": key[:9]}}]
    ) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )


def written(name: str, table: float, local: dict[str, float], globals_: dict[str, float]) -> dict[str, Any]:
    """ConsumedCapacity with INDEXES."""
    row: dict[str, Any] = {
        "TableName": name,
        "CapacityUnits": table + sum(local.values()) + sum(globals_.values()),
        "Table": {"CapacityUnits": table},
    }
    if local:
        row["LocalSecondaryIndexes"] = {index: {"CapacityUnits": units} for index, units in local.items()}
    if globals_:
        row["GlobalSecondaryIndexes"] = {index: {"CapacityUnits": units} for index, units in globals_.items()}
    return row


# Units of writes, index by index: an entry that comes, moves (two writes), stays, goes.
def test_write_units_with_indexes(dynamodb: Any, indexed: str, key: str) -> None:
    target = {"TableName": indexed, "ReturnConsumedCapacity": "INDEXES"}
    item = {"p": {"S": key}, "c": {"N": "1"}, "s": {"S": "s"}, "g": {"S": key}, "blob": {"S": "x" * 1500}}
    first = dynamodb.put_item(**target, Item=item)["ConsumedCapacity"]
    assert first == written(
        indexed, 2.0, {"local_all": 2.0, "local_keys": 1.0}, {"global_keys": 1.0, "global_some": 1.0}
    )
    same = dynamodb.put_item(**target, Item=item)["ConsumedCapacity"]
    assert same == written(indexed, 2.0, {}, {})
    moved = dynamodb.update_item(
        **target,
        Key={"p": {"S": key}, "c": {"N": "1"}},
        UpdateExpression="SET s = :s",
        ExpressionAttributeValues={":s": {"S": "t"}},
    )["ConsumedCapacity"]
    assert moved == written(indexed, 2.0, {"local_all": 4.0, "local_keys": 2.0}, {"global_some": 2.0})
    gone = dynamodb.delete_item(**target, Key={"p": {"S": key}, "c": {"N": "1"}})["ConsumedCapacity"]
    assert gone == written(
        indexed, 2.0, {"local_all": 2.0, "local_keys": 1.0}, {"global_keys": 1.0, "global_some": 1.0}
    )
    nothing = dynamodb.delete_item(**target, Key={"p": {"S": key}, "c": {"N": "1"}})["ConsumedCapacity"]
    assert nothing == written(indexed, 1.0, {}, {})


# Units of reads: 4 KB steps, half for eventual reads, the sum of a query rounded once, double in transactions.
def test_read_units(dynamodb: Any, ranged: str, key: str) -> None:
    for number in range(4):
        item = {"p": {"S": key}, "c": {"S": f"{number}"}, "blob": {"S": "x" * 3000}}
        dynamodb.put_item(TableName=ranged, Item=item)

    def units(operation: Any, **parameters: Any) -> float:
        answer = operation(ReturnConsumedCapacity="TOTAL", **parameters)["ConsumedCapacity"]
        answer = answer[0] if isinstance(answer, list) else answer
        assert answer["TableName"] == ranged
        return float(answer["CapacityUnits"])

    target = {"TableName": ranged, "Key": {"p": {"S": key}, "c": {"S": "1"}}}
    assert units(dynamodb.get_item, **target) == 0.5
    assert units(dynamodb.get_item, **target, ConsistentRead=True) == 1.0
    query = {
        "TableName": ranged,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": key}},
    }
    assert units(dynamodb.query, **query, ConsistentRead=True) == 3.0
    assert units(dynamodb.query, **query) == 1.5
    assert units(dynamodb.query, **query, Select="COUNT", Limit=1) == 0.5
    assert units(dynamodb.transact_get_items, TransactItems=[{"Get": target}]) == 2.0
    keys = [{"p": {"S": key}, "c": {"S": f"{number}"}} for number in range(5)]
    assert units(dynamodb.batch_get_item, RequestItems={ranged: {"Keys": keys}}) == 2.5
    put = {"Put": {"TableName": ranged, "Item": {"p": {"S": key}, "c": {"S": "t"}}}}
    assert units(dynamodb.transact_write_items, TransactItems=[put]) == 2.0


# Tables with local indexes tell the size of what a write belongs to; others have nothing to tell.
def test_item_collection_metrics(dynamodb: Any, indexed: str, simple: str, key: str) -> None:
    item = {"p": {"S": key}, "c": {"N": "1"}}
    answer = dynamodb.put_item(TableName=indexed, Item=item, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"p": {"S": key}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }
    answer = dynamodb.put_item(TableName=simple, Item={"p": {"S": key}}, ReturnItemCollectionMetrics="SIZE")
    assert "ItemCollectionMetrics" not in answer
    batch = dynamodb.batch_write_item(
        RequestItems={indexed: [{"PutRequest": {"Item": item}}]}, ReturnItemCollectionMetrics="SIZE"
    )
    assert batch["ItemCollectionMetrics"][indexed][0]["ItemCollectionKey"] == {"p": {"S": key}}
