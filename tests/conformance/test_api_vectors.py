"""Vector indexes as any AWS client sees them: made, written, searched, limited by policies, removed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Refusal = tuple[str, str]

WAIT_STEPS = 400
WAIT_STEP_S = 0.05
INDEX = {
    "IndexName": "embeddings",
    "VectorAttribute": {"AttributeName": "embedding"},
    "SearchSchema": [
        {"AttributeName": "category", "SearchSchemaElementType": "HASH"},
        {"AttributeName": "brand", "SearchSchemaElementType": "INLINE_FILTER"},
    ],
    "Dimensions": 3,
    "DistanceFunction": "COSINE",
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
}
ATTRIBUTES = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "category", "brand")]
KEYS = [{"AttributeName": "p", "KeyType": "HASH"}]


def numbers(*components: float) -> list[dict[str, str]]:
    return [{"N": str(component)} for component in components]


def product(key: str, brand: str, *components: float) -> dict[str, Any]:
    texts = {"p": key, "category": "shoes", "brand": brand, "title": f"title of {key}", "more": "never shown"}
    return {name: {"S": text} for name, text in texts.items()} | {"embedding": {"L": numbers(*components)}}


def search(table: str, *components: float, top: int = 10, index: str = "embeddings", brand: str = "") -> dict[str, Any]:
    values = {":category": {"S": "shoes"}} | ({":brand": {"S": brand}} if brand else {})
    condition = "category = :category" + (" AND brand = :brand" if brand else "")
    return {
        "TableName": table,
        "IndexName": index,
        "SearchVector": numbers(*components),
        "TopK": top,
        "SearchConditionExpression": condition,
        "ExpressionAttributeValues": values,
    }


def searched(dynamodb: Any, **parameters: Any) -> list[tuple[str, float]]:
    """What is found; asked again until the index takes searches, as AWS's guide tells clients to."""
    for _ in range(WAIT_STEPS):
        try:
            answer = dynamodb.search_vectors(**parameters)
            return [(result["Item"]["p"]["S"], result["Score"]) for result in answer["SearchResults"]]
        except dynamodb.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            time.sleep(WAIT_STEP_S)
    raise AssertionError("the index never took a search")


def wait_for_index(dynamodb: Any, table: str, name: str) -> dict[str, Any]:
    for _ in range(WAIT_STEPS):
        shown = dynamodb.describe_table(TableName=table)["Table"].get("VectorIndexes", [])
        for index in shown:
            if index["IndexName"] == name and index["IndexStatus"] == "ACTIVE" and not index.get("Backfilling"):
                return dict(index)
        time.sleep(WAIT_STEP_S)
    raise AssertionError("the index never became active")


@pytest.fixture(scope="module")
def products(dynamodb: Any, make_table: Callable[..., str]) -> str:
    table = make_table(KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES, VectorIndexes=[INDEX])
    puts = [
        {"PutRequest": {"Item": product("same", "acme", 1, 2, 3)}},
        {"PutRequest": {"Item": product("near", "acme", 1, 2, 2)}},
        {"PutRequest": {"Item": product("far", "other", -1, 0, 0.5)}},
    ]
    dynamodb.batch_write_item(RequestItems={table: puts})
    wait_for_index(dynamodb, table, "embeddings")
    return table


# Results come with their scores, the nearest first, with what is projected and without the vector, unless it is asked for.
def test_search(dynamodb: Any, products: str) -> None:
    results = searched(dynamodb, **search(products, 1, 2, 3))
    assert [key for key, _ in results] == ["same", "near", "far"]
    assert results[0][1] == pytest.approx(0, abs=1e-6)
    assert results[1][1] == pytest.approx(1 - 11 / (14**0.5 * 3), abs=1e-6)
    answer = dynamodb.search_vectors(**search(products, 1, 2, 3, top=1), ReturnConsumedCapacity="TOTAL")
    ((item,),) = [[result["Item"] for result in answer["SearchResults"]]]
    assert item == {name: value for name, value in product("same", "acme").items() if name not in ("more", "embedding")}
    assert answer["ConsumedCapacity"]["VectorSearchRequestBytes"] >= 1024
    asked = dynamodb.search_vectors(**search(products, 1, 2, 3, top=1), ProjectionExpression="embedding, more")
    assert asked["SearchResults"][0]["Item"] == {"embedding": {"L": numbers(1, 2, 3)}}
    assert [key for key, _ in searched(dynamodb, **search(products, 1, 2, 3, brand="other"))] == ["far"]


# The refusals whose words AWS publishes.
def test_refusals(dynamodb: Any, products: str, refusal: Callable[..., Refusal]) -> None:
    good = search(products, 1, 2, 3)
    refused = {
        "SearchConditionExpression must be provided when SearchSchema has a HASH key": {
            "SearchConditionExpression": None,
            "ExpressionAttributeValues": None,
        },
        "Invalid SearchConditionExpression: Invalid comparator used in SearchConditionExpression": {
            "SearchConditionExpression": "category > :category"
        },
        "Input search vector dimension 2 does not match vector index dimension 3": {"SearchVector": numbers(1, 2)},
        "Provided TopK value '101' is out of valid range. The value must be between 1 and 100 inclusive": {"TopK": 101},
        "The table does not have the specified index: other": {"IndexName": "other"},
    }
    for words, changes in refused.items():
        body = {name: value for name, value in (good | changes).items() if value is not None}
        assert refusal(dynamodb.search_vectors, **body) == ("ValidationException", words)
    query = {
        "KeyConditionExpression": "category = :category",
        "ExpressionAttributeValues": good["ExpressionAttributeValues"],
    }
    words = "Query operation not supported on this index type."
    on_index = {"TableName": products, "IndexName": "embeddings"}
    assert refusal(dynamodb.query, **on_index, **query) == ("ValidationException", words)
    code, message = refusal(dynamodb.put_item, TableName=products, Item=product("short", "acme", 1, 2))
    assert code == "ValidationException"
    assert "Invalid size for parameter embedding, Expected: 3, Actual: 2. IndexName: embeddings" in message


# An index added later holds the items of before; another one follows, and it goes without a trace in the table.
def test_index_added_and_removed(
    dynamodb: Any, make_table: Callable[..., str], refusal: Callable[..., Refusal]
) -> None:
    table = make_table(KeySchema=KEYS, AttributeDefinitions=ATTRIBUTES[:1])
    dynamodb.put_item(TableName=table, Item=product("before", "acme", 1, 0, 0))
    added = {name: value for name, value in INDEX.items() if name != "SearchSchema"} | {"DistanceFunction": "EUCLIDEAN"}
    undefined = {"Create": INDEX}
    words = (
        "One or more parameter values were invalid: One element in SearchSchema is not defined in attribute definitions"
    )
    assert refusal(dynamodb.update_table, TableName=table, VectorIndexUpdates=[undefined]) == (
        "ValidationException",
        words,
    )
    made = dynamodb.update_table(TableName=table, VectorIndexUpdates=[{"Create": added}])["TableDescription"]
    assert made["VectorIndexes"][0]["IndexStatus"] == "CREATING"
    dynamodb.put_item(TableName=table, Item=product("meanwhile", "acme", 0, 2, 0))
    shown = wait_for_index(dynamodb, table, "embeddings")
    assert {name: shown[name] for name in added} == added
    assert shown["IndexArn"] == f"{made['TableArn']}/index/embeddings"
    everything = {"TableName": table, "IndexName": "embeddings", "SearchVector": numbers(0, 0, 0), "TopK": 10}
    assert searched(dynamodb, **everything) == [("before", 1.0), ("meanwhile", 2.0)]
    dynamodb.update_table(TableName=table, VectorIndexUpdates=[{"Delete": {"IndexName": "embeddings"}}])
    for _ in range(WAIT_STEPS):
        if "VectorIndexes" not in dynamodb.describe_table(TableName=table)["Table"]:
            break
        time.sleep(WAIT_STEP_S)
    assert "VectorIndexes" not in dynamodb.describe_table(TableName=table)["Table"]
    assert dynamodb.get_item(TableName=table, Key={"p": {"S": "before"}})["Item"] == product("before", "acme", 1, 0, 0)


NARROWED = {
    "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["same"]},
    "ForAllValues:StringLike": {"dynamodb:Attributes": ["*"]},
    "StringEquals": {"dynamodb:Select": "ALL_PROJECTED_ATTRIBUTES"},
}


@pytest.fixture(params=["", *NARROWED])
def searcher(
    request: Any, iam: Any, name: str, client_of: Callable[..., Any], products: str, account: str
) -> Iterator[tuple[Any, str]]:
    """A client that may search the products' index, and nothing else; with the operator of the condition on that."""
    region = client_of("dynamodb").meta.region_name
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{products}/index/embeddings"
    allowed: dict[str, Any] = {"Effect": "Allow", "Action": "dynamodb:SearchVectors", "Resource": arn}
    if request.param:
        allowed["Condition"] = {request.param: NARROWED[request.param]}
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=name, PolicyName="search", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    yield client_of("dynamodb", **credentials), request.param
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="search")
    iam.delete_user(UserName=name)


# Searching is a permission of its own, on the index; it cannot be narrowed to partition keys, attributes or what is selected,
# and a policy that tries grants nothing.
def test_permission(searcher: tuple[Any, str], products: str, refusal: Callable[..., Refusal]) -> None:
    client, narrowed = searcher
    if narrowed:
        code, _ = refusal(client.search_vectors, **search(products, 1, 2, 3))
        assert code == "AccessDeniedException"
        return
    assert [key for key, _ in searched(client, **search(products, 1, 2, 3, top=1))] == ["same"]
    for operation, parameters in (
        (client.search_vectors, search(products, 1, 2, 3, index="other")),
        (client.get_item, {"TableName": products, "Key": {"p": {"S": "same"}}}),
        (client.query, {"TableName": products, "IndexName": "embeddings", "KeyConditionExpression": "p = :p"}),
    ):
        code, message = refusal(operation, **parameters)
        assert (code, "is not authorized to perform: dynamodb:" in message) == ("AccessDeniedException", True)
