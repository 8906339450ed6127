"""Is this a vector index that can be made? Validation for CreateTable and UpdateTable, and the record that is kept.

A record: number, name, arn, attribute (the vector's), dimensions, distance, search_schema (AWS's SearchSchema or null),
projection (AWS's Projection), status, backfilling, and while it comes or goes what ``lifecycle`` says of an index.
"""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb import definitions
from tabletop.dynamodb.lifecycle import Record, invalid_parameters

INDEXES_MAX = 5
DIMENSIONS_MAX = 4096
FILTERS_MAX = 18
PROJECTED_MAX = 20
"""The vector, the filters and the NonKeyAttributes of one index together (that they share a bound is documented, which is
inferred: 18 filters, the vector, and one more)."""

Body = dict[str, Any]


def check_create(body: Body) -> None:
    """The VectorIndexes of a CreateTable request, beside whatever else it defines. Raises ValidationException."""
    given = body.get("VectorIndexes")
    if given is None:
        return
    if not given:
        raise invalid_parameters("List of VectorIndexes is empty")  # inferred
    if len(given) > INDEXES_MAX:
        raise invalid_parameters(f"VectorIndex count exceeds the per-table limit of {INDEXES_MAX}")
    check_billing(body.get("BillingMode", "PROVISIONED"))
    members = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
    taken = {index["IndexName"] for member in members for index in body.get(member) or ()}
    dimensions: dict[str, int] = {}
    names = definitions.attribute_names(body["AttributeDefinitions"])
    for index in given:
        check_index(index, names)
        definitions.take_name(index["IndexName"], taken)
        check_same_dimensions(index, dimensions)


def check_billing(mode: str) -> None:
    if mode != "PAY_PER_REQUEST":
        # Documented, the words inferred.
        raise invalid_parameters("VectorIndexes are only supported when BillingMode is PAY_PER_REQUEST")


def check_index(index: Body, names: list[str]) -> None:
    """One index, of a new table or to be added. ``names``: of the attributes that the table defines."""
    if index["Dimensions"] > DIMENSIONS_MAX:
        # The bound is documented, the words inferred.
        raise invalid_parameters(
            f"Dimensions of {index['Dimensions']} exceeds the limit of {DIMENSIONS_MAX}. IndexName: {index['IndexName']}"
        )
    check_no_key({index["VectorAttribute"]["AttributeName"]}, names)
    schema = index.get("SearchSchema") or []
    _check_search_schema(schema, names)
    definitions.check_projection(index["Projection"])
    filters = sum(part["SearchSchemaElementType"] == "INLINE_FILTER" for part in schema)
    projected = 1 + filters + len(index["Projection"].get("NonKeyAttributes") or ())
    if projected > PROJECTED_MAX:
        raise invalid_parameters(  # inferred
            f"Number of projected attributes exceeds the limit of {PROJECTED_MAX}. IndexName: {index['IndexName']}"
        )


def check_no_key(vectors: set[str], names: list[str]) -> None:
    """Inferred: a key or filter attribute is a string, number or binary, which a vector is not."""
    for name in names:
        if name in vectors:
            raise invalid_parameters(f"VectorAttribute cannot be defined in AttributeDefinitions: {name}")


def _check_search_schema(schema: list[dict[str, str]], names: list[str]) -> None:
    used = [part["AttributeName"] for part in schema]
    if not set(used) <= set(names):
        raise invalid_parameters("One element in SearchSchema is not defined in attribute definitions")
    if len(set(used)) != len(used):
        raise invalid_parameters("Duplicate AttributeName in SearchSchema")  # inferred
    kinds = [part["SearchSchemaElementType"] for part in schema]
    for kind, most in (("HASH", 1), ("INLINE_FILTER", FILTERS_MAX)):
        if kinds.count(kind) > most:
            # The bounds are documented, the words inferred.
            raise invalid_parameters(f"Number of {kind} elements in SearchSchema exceeds the limit of {most}")


def check_same_dimensions(index: Body, known: dict[str, int]) -> None:
    """Refuse another number of dimensions for a vector attribute than other indexes have; ``known`` learns it."""
    vector, dimensions = index["VectorAttribute"]["AttributeName"], index["Dimensions"]
    if known.setdefault(vector, dimensions) != dimensions:
        # Documented, the words inferred.
        raise invalid_parameters(
            f"Vector indexes on the same attribute must have the same Dimensions. VectorAttribute: {vector}, "
            f"Expected: {known[vector]}, Actual: {dimensions}"
        )


def new_index(number: int, definition: Body, arn: str) -> Record:
    """The record of an index of a new table: complete from the start."""
    return {
        "number": number,
        "name": definition["IndexName"],
        "arn": f"{arn}/index/{definition['IndexName']}",
        "attribute": definition["VectorAttribute"]["AttributeName"],
        "dimensions": definition["Dimensions"],
        "distance": definition["DistanceFunction"],
        "search_schema": definition.get("SearchSchema"),
        "projection": definition["Projection"],
        "status": "ACTIVE",
        "backfilling": False,
    }
