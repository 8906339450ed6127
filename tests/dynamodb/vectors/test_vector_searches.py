"""What a search finds, in which order, with which scores, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from dynamo import Dynamo, definition
from vector_tables import found, numbers, put, search_schema, table, vector, vector_index

from tabletop.dynamodb.operations import search_vectors
from tabletop.dynamodb.vectors import search

INVALID = "One or more parameter values were invalid: "
SCHEMA = search_schema("part", "flag")
TYPES = {"part": "S", "flag": "N"}
SEARCH: dict[str, Any] = {"TableName": "users", "IndexName": "vix", "SearchVector": numbers(0, 0), "TopK": 10}
PART = {":part": {"S": "x"}}
IN_PART = {"SearchConditionExpression": "part = :part", "ExpressionAttributeValues": PART}


def scores(dynamo: Dynamo, *components: float) -> dict[str, float]:
    answer = dynamo("SearchVectors", **SEARCH | {"SearchVector": numbers(*components)})
    return {result["Item"]["p"]["S"]: result["Score"] for result in answer["SearchResults"]}


VECTORS = {"same": (1, 0), "double": (2, 0), "across": (0, 1), "opposite": (-1, 0), "zero": (0, 0)}
SCORES = {
    # Lower is nearer: from 0 (same direction) to 2 (opposite).
    "COSINE": {"double": 0.0, "same": 0.0, "across": 1.0, "zero": 1.0, "opposite": 2.0},
    "EUCLIDEAN": {"same": 0.0, "double": 1.0, "zero": 1.0, "across": 2**0.5, "opposite": 2.0},
    # Higher is nearer, and may be negative.
    "DOT_PRODUCT": {"double": 2.0, "same": 1.0, "across": 0.0, "zero": 0.0, "opposite": -1.0},
}


# Each distance function has its scores, and sorts by them with the nearest first.
@pytest.mark.parametrize("function", SCORES)
def test_scores(dynamo: Dynamo, function: str) -> None:
    dynamo("CreateTable", **table(vector_index(DistanceFunction=function)))
    for key, components in VECTORS.items():
        put(dynamo, key, *components)
    shown = scores(dynamo, 1, 0)
    assert shown == pytest.approx(SCORES[function], abs=1e-15)
    assert list(shown.values()) == sorted(shown.values(), reverse=function == "DOT_PRODUCT")


# AWS's own example of how functions differ: the longer vector in the same direction is first for one and last for another.
def test_magnitude(dynamo: Dynamo) -> None:
    other = {"VectorAttribute": {"AttributeName": "w"}, "Dimensions": 4}
    indexes = [vector_index(name, DistanceFunction=name, **other) for name in ("COSINE", "EUCLIDEAN")]
    dynamo("CreateTable", **table(*indexes))
    put(dynamo, "long", w=vector(10, 0, 0, 0))
    for name, score in (("COSINE", 0.0), ("EUCLIDEAN", 9.0)):
        body = SEARCH | {"IndexName": name, "SearchVector": numbers(1, 0, 0, 0)}
        assert dynamo("SearchVectors", **body)["SearchResults"][0]["Score"] == score


# A vector is its own nearest neighbour with a score of exactly 0, whatever rounding its numbers go through.
def test_same_vector_is_at_no_distance(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(DistanceFunction="COSINE"), vector_index("far")))
    put(dynamo, "a", "0.1", "-1234.56789")
    for name in ("vix", "far"):
        body = SEARCH | {"SearchVector": numbers("0.1", "-1234.56789"), "IndexName": name}
        assert dynamo("SearchVectors", **body)["SearchResults"][0]["Score"] == 0.0


# A search for the vector that has no direction finds everything equally far.
def test_search_for_zeros(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(DistanceFunction="COSINE")))
    put(dynamo, "a", 1, 2)
    assert scores(dynamo, 0, 0) == {"a": 1.0}


# TopK bounds the answer, and it has no further page.
def test_top(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    for number in range(120):
        put(dynamo, f"{number:03}", number, 0)
    assert found(dynamo, 0, 0, TopK=3) == ["000", "001", "002"]
    assert len(found(dynamo, 0, 0, TopK=search_vectors.TOP_MAX)) == 100
    words = "Provided TopK value '101' is out of valid range. The value must be between 1 and 100 inclusive"
    assert dynamo.refusal("SearchVectors", **SEARCH | {"TopK": 101}) == ("ValidationException", words)
    code, message = dynamo.refusal("SearchVectors", **SEARCH | {"TopK": 0})
    assert (code, "greater than or equal to 1" in message) == ("ValidationException", True)


# What the index projects is shown; the vector only by name, and rounded; what is not projected is left out without a word.
def test_projection(dynamo: Dynamo) -> None:
    including = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}
    types = {"flag": "N"}
    dynamo(
        "CreateTable",
        **table(
            vector_index(SearchSchema=search_schema(None, "flag"), Projection=including),
            vector_index("all", Projection={"ProjectionType": "ALL"}),
            vector_index("keys"),
            types=types,
        ),
    )
    item: dict[str, Any] = {
        "p": {"S": "a"},
        "flag": {"N": "1"},
        "title": {"S": "t"},
        "more": {"M": {"deep": {"S": "d"}}},
    }
    dynamo("PutItem", TableName="users", Item=item | {"v": vector("0.5", "0.1")})

    def shown(name: str, expression: str | None = None) -> Any:
        body = SEARCH | {"IndexName": name}
        if expression is not None:
            body |= {"ProjectionExpression": expression}
        (result,) = dynamo("SearchVectors", **body)["SearchResults"]
        return result["Item"]

    assert shown("vix") == {name: item[name] for name in ("p", "flag", "title")}
    assert shown("all") == item
    assert shown("keys") == {"p": item["p"]}
    assert shown("keys", "p, title") == {"p": item["p"]}
    assert shown("all", "more.deep, v[1]") == {"more": item["more"], "v": vector("0.1")}
    assert shown("keys", "v") == {"v": vector("0.5", "0.1")}


# Equal vectors come in one order, whenever they are asked for.
def test_ties_have_an_order(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    for number in range(20):
        put(dynamo, str(number), 1, 1)
    everything = found(dynamo, 0, 0, TopK=20)
    assert found(dynamo, 0, 0, TopK=20) == everything
    assert found(dynamo, 0, 0, TopK=7) == everything[:7]


# A search reports what it looked at (four bytes a dimension) and returned, at least a kilobyte; for TOTAL and INDEXES alike.
def test_capacity(dynamo: Dynamo) -> None:
    wide = vector_index(Dimensions=512)
    dynamo("CreateTable", **table(wide))
    body = SEARCH | {"SearchVector": numbers(*["1"] * 512)}

    def consumed(mode: str) -> Any:
        return dynamo("SearchVectors", **body, ReturnConsumedCapacity=mode).get("ConsumedCapacity")

    assert consumed("TOTAL") == {"VectorSearchRequestBytes": 1024.0}
    for key in "ab":
        put(dynamo, key, *["1"] * 512)
    assert consumed("INDEXES") == {"VectorSearchRequestBytes": 2.0 * (2048 + 2)}
    assert consumed("NONE") is None


CONDITION = "Invalid SearchConditionExpression: "
CONDITIONS = {
    "part > :part": CONDITION + "Invalid comparator used in SearchConditionExpression",
    "part <> :part": CONDITION + "Invalid comparator used in SearchConditionExpression",
    "part IN (:part)": CONDITION + "Invalid comparator used in SearchConditionExpression",
    "part BETWEEN :part AND :part": CONDITION + "Invalid comparator used in SearchConditionExpression",
    "part = :part OR flag = :part": CONDITION + "Invalid operator used in SearchConditionExpression: OR",
    "NOT part = :part": CONDITION + "Invalid operator used in SearchConditionExpression: NOT",
    "begins_with(part, :part)": CONDITION + "Invalid operator used in SearchConditionExpression: begins_with",
    "size(part) = :part": CONDITION + "Invalid operator used in SearchConditionExpression: size",
    "part.deep = :part": CONDITION + "SearchConditionExpression cannot have conditions on nested attributes",
    "part = :part AND part = :part": CONDITION
    + "SearchConditionExpression must only contain one condition per attribute",
    "part = flag AND flag = :part": CONDITION
    + "A condition in SearchConditionExpression must compare one attribute with one value",
    "part = :part AND title = :part": CONDITION + "Attribute is not part of the SearchSchema: title",
    "part = :part AND flag = :part": INVALID + "Condition parameter type does not match schema type",
    "": CONDITION + "The expression can not be empty;",
}


# A condition is an equality on each of some attributes of the search schema, and on the partition's attribute in any case.
@pytest.mark.parametrize("text", CONDITIONS)
def test_refused_conditions(dynamo: Dynamo, text: str) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=SCHEMA), types=TYPES))
    body = SEARCH | {"SearchConditionExpression": text, "ExpressionAttributeValues": PART}
    assert dynamo.refusal("SearchVectors", **body) == ("ValidationException", CONDITIONS[text])


# The partition's value is needed where there are partitions; the value's side of an equality does not matter.
def test_conditions_and_schemas(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index(SearchSchema=SCHEMA), vector_index("none"), types=TYPES))
    put(dynamo, "a", 1, 1, part={"S": "x"}, flag={"N": "2"})
    words = "SearchConditionExpression must be provided when SearchSchema has a HASH key"
    assert dynamo.refusal("SearchVectors", **SEARCH) == ("ValidationException", words)
    only_flag = {"SearchConditionExpression": "flag = :f", "ExpressionAttributeValues": {":f": {"N": "2"}}}
    words = CONDITION + "Condition missed SearchSchema HASH element: part"
    assert dynamo.refusal("SearchVectors", **SEARCH | only_flag) == ("ValidationException", words)
    empty = IN_PART | {"ExpressionAttributeValues": {":part": {"S": ""}}}
    assert "empty string value" in dynamo.refusal("SearchVectors", **SEARCH | empty)[1]
    words = CONDITION + "Attribute is not part of the SearchSchema: part"
    assert dynamo.refusal("SearchVectors", **SEARCH | IN_PART | {"IndexName": "none"})[1] == words
    mirrored = {
        "SearchConditionExpression": "(:f = #f) AND :part = part",
        "ExpressionAttributeNames": {"#f": "flag"},
        "ExpressionAttributeValues": PART | {":f": {"N": "2.0"}},
    }
    assert found(dynamo, 0, 0, **mirrored) == ["a"]
    other = {"SearchConditionExpression": "part = :part", "ExpressionAttributeValues": {":part": {"S": "y"}}}
    assert found(dynamo, 0, 0, **other) == []


# The vector that is searched for has the index's dimensions, and consists of numbers that fit it.
def test_refused_vectors(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    refused = {
        "Input search vector dimension 3 does not match vector index dimension 2": numbers(1, 2, 3),
        INVALID + "Invalid type for parameter SearchVector[1], Expected: N, Actual: S": [{"N": "1"}, {"S": "2"}],
        INVALID + "Invalid value for parameter SearchVector[0], Expected: a 32-bit floating point number, "
        "Actual: 1000000000000000000000000000000000000000": numbers("1e39", "1"),
        "The parameter cannot be converted to a numeric value: x": numbers("x", "1"),
    }
    for words, given in refused.items():
        refusal = dynamo.refusal("SearchVectors", **SEARCH | {"SearchVector": given})
        assert refusal == ("ValidationException", words)
    unknown = SEARCH | {"IndexName": "unknown"}
    words = "The table does not have the specified index: unknown"
    assert dynamo.refusal("SearchVectors", **unknown) == ("ValidationException", words)
    missing = ("ResourceNotFoundException", "Requested resource not found")
    assert dynamo.refusal("SearchVectors", **SEARCH | {"TableName": "nobody"}) == missing


# Values that no expression could use are refused as everywhere.
def test_unused_values(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **table(vector_index()))
    words = "ExpressionAttributeValues can only be specified when using expressions: SearchConditionExpression is null"
    body = SEARCH | {"ExpressionAttributeValues": PART}
    assert dynamo.refusal("SearchVectors", **body) == ("ValidationException", words)


# An answer that AWS could not give, of more than 16 MB, is refused rather than cut short.
def test_large_answers(dynamo: Dynamo, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamo("CreateTable", **table(vector_index()))
    put(dynamo, "a", 1, 1)
    body = b'{"Item":{"p":{"S":"a"}},"Score":1.4142135623730951}'
    monkeypatch.setattr(search, "ANSWER_BYTES_MAX", len(body))
    assert found(dynamo, 0, 0) == ["a"]
    monkeypatch.setattr(search, "ANSWER_BYTES_MAX", len(body) - 1)
    words = "SearchVectors response size exceeds the limit of 16 MB"
    assert dynamo.refusal("SearchVectors", **SEARCH) == ("ValidationException", words)


# A table without vector indexes has nothing to search.
def test_table_without_vectors(dynamo: Dynamo) -> None:
    dynamo("CreateTable", **definition())
    assert dynamo.refusal("SearchVectors", **SEARCH)[1] == "The table does not have the specified index: vix"
