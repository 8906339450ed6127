"""AttributesToGet: a projection of whole attributes."""

from __future__ import annotations

from tabletop.dynamodb.expressions import Binder, Projection
from tabletop.dynamodb.expressions.projections import compile_projection_tree
from tabletop.dynamodb.expressions.tree import ProjectionTree
from tabletop.dynamodb.key_schema import invalid_parameters
from tabletop.dynamodb.legacy.parameters import whole_attribute


def compile_attributes_to_get(names: list[str]) -> Projection:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid_parameters(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return compile_projection_tree(ProjectionTree(tuple([whole_attribute(name) for name in names])), Binder(None, None))
