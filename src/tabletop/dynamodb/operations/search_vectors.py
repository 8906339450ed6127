"""SearchVectors: the items of a vector index whose vectors are nearest to a given one."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tabletop.base.call import Call
from tabletop.dynamodb import values
from tabletop.dynamodb.expressions import Binder, analyse_search_condition, compile_projection
from tabletop.dynamodb.key_schema import invalid, invalid_parameters
from tabletop.dynamodb.operations.operation import Body, Operation, table_name, table_or_index_targets
from tabletop.dynamodb.touches import NO_VALUES, Touch
from tabletop.dynamodb.vectors import packing
from tabletop.dynamodb.vectors.search import Search, steps
from tabletop.storage.store import View

TOP_MAX = 100


def prepare(body: Body, call: Call) -> Search:
    top = body["TopK"]
    if top > TOP_MAX:
        raise invalid(
            f"Provided TopK value '{top}' is out of valid range. The value must be between 1 and {TOP_MAX} inclusive"
        )
    condition, projection = body.get("SearchConditionExpression"), body.get("ProjectionExpression")
    binder = Binder(
        body.get("ExpressionAttributeNames"),
        body.get("ExpressionAttributeValues"),
        expressions_given=condition is not None or projection is not None,
        missing="" if condition is not None else "SearchConditionExpression is null",
    )
    equal = None if condition is None else analyse_search_condition(condition, binder)
    kept = None if projection is None else compile_projection(projection, binder)
    binder.refuse_unused()
    return Search(
        call=call,
        table=table_name(body["TableName"]),
        index=body["IndexName"],
        vector=_vector(body["SearchVector"]),
        top=top,
        equal=equal,
        projection=kept,
        return_consumed_capacity=body.get("ReturnConsumedCapacity"),
    )


def _vector(given: list[Any]) -> tuple[float, ...]:
    """The components, rounded to 32 bits. Raises ValidationException (the words are inferred)."""
    for at, value in enumerate(given):
        values.canonicalise(value)
        if "N" not in value:
            raise invalid_parameters(
                f"Invalid type for parameter SearchVector[{at}], Expected: N, Actual: {values.type_of(value)}"
            )
    components = [float(value["N"]) for value in given]
    try:
        return packing.rounded(components)
    except OverflowError:
        at = next(at for at, component in enumerate(components) if not packing.fits_single(component))
        raise invalid_parameters(
            f"Invalid value for parameter SearchVector[{at}], Expected: a 32-bit floating point number, "
            f"Actual: {given[at]['N']}"
        ) from None


def search(view: View, request: Search, now: float) -> Generator[None, None, bytes]:
    return steps(view, request)


def touches(view: View, request: Search) -> list[Touch]:
    """Policies cannot narrow a search (AWS): LeadingKeys, Attributes and Select are not told, and no Allow holds for want of
    them.
    """
    mode = request.return_consumed_capacity or NO_VALUES
    return [Touch(None, frozenset(), return_consumed_capacity=mode, every_attribute=True)]


OPERATION = Operation(
    "SearchVectors",
    prepare=prepare,
    targets=table_or_index_targets("SearchVectors"),
    steps=search,
    touches=touches,
)
