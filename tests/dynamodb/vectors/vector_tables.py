"""Tables with a vector index, in few words."""

from __future__ import annotations

from typing import Any

from dynamo import Dynamo, attributes, definition, index

VALUE = dict[str, Any]


def vector(*components: float | str) -> dict[str, Any]:
    """An attribute value."""
    return {"L": numbers(*components)}


def numbers(*components: float | str) -> list[dict[str, str]]:
    """A SearchVector."""
    return [{"N": str(component)} for component in components]


def vector_index(name: str = "vix", **changes: Any) -> dict[str, Any]:
    """Over the attribute ``v``, two dimensions, EUCLIDEAN, keys only; None takes a member away."""
    body = {
        "IndexName": name,
        "VectorAttribute": {"AttributeName": "v"},
        "Dimensions": 2,
        "DistanceFunction": "EUCLIDEAN",
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    return {member: value for member, value in (body | changes).items() if value is not None}


def search_schema(hash_: str | None, *filters: str) -> list[dict[str, str]]:
    parts = [] if hash_ is None else [{"AttributeName": hash_, "SearchSchemaElementType": "HASH"}]
    return parts + [{"AttributeName": name, "SearchSchemaElementType": "INLINE_FILTER"} for name in filters]


def table(*indexes: dict[str, Any], types: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """The parameters of CreateTable; ``types``: of attributes beside the key."""
    return definition(
        AttributeDefinitions=attributes(p="S", **(types or {})), **{"VectorIndexes": list(indexes)} | changes
    )


def put(dynamo: Dynamo, key: str, *components: float | str, **more: Any) -> Any:
    item = {"p": {"S": key}} | ({"v": vector(*components)} if components else {}) | more
    return dynamo("PutItem", TableName="users", Item=item)


def found(dynamo: Dynamo, *components: float | str, **parameters: Any) -> list[str]:
    """Partition keys of what a search finds, the nearest first."""
    body: dict[str, Any] = {"TableName": "users", "IndexName": "vix", "SearchVector": numbers(*components), "TopK": 10}
    return [result["Item"]["p"]["S"] for result in dynamo("SearchVectors", **body | parameters)["SearchResults"]]


def described(dynamo: Dynamo) -> dict[str, dict[str, Any]]:
    shown = dynamo("DescribeTable", TableName="users")["Table"].get("VectorIndexes", [])
    return {one["IndexName"]: one for one in shown}


__all__ = ["described", "found", "index", "numbers", "put", "search_schema", "table", "vector", "vector_index"]
